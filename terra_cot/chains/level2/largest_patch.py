"""L2 largest patch: how large the largest patch of a class is, and how far it lies from another class."""

from __future__ import annotations

from itertools import permutations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import under_cloud
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence

_MARGIN = 1.25  # a second patch nearly as large makes "the largest" a matter of a few pixels
_NEAREST_PX = 2.0
_TRIES = 4


def propose(view: TileView, seed: int) -> list[Draft]:
    """The first pair of a drawn order that fits: measuring patches takes milliseconds, and a tile asks once."""
    pairs = [pair for pair in permutations(view.present, 2) if view.facts.components[pair[0]] > 1]
    for first, second in shuffled(pairs, seed, "pairs")[:_TRIES]:
        region = view.index == first
        sizes = facts.patches(region)
        if sizes[0] < _MARGIN * sizes[1]:
            continue
        patch, other = facts.largest_patch(region), view.index == second
        # As every distance of a sample: a class is never said to be farther than one of its patches.
        apart = None if facts.adjacent(patch, other) else facts.distance_px(facts.opened(patch), facts.opened(other))
        if apart is None or apart < _NEAREST_PX:
            continue
        rows = (
            evidence("components", (0,), len(sizes)),
            evidence("gsd", (), view.gsd_m),
            evidence("largest_pixels", (0,), sizes[0]),
            evidence("largest_area", (0,), facts.area_m2(sizes[0], view.gsd_m)),
            evidence("largest_distance", (0, 1), facts.distance_m(apart, view.gsd_m)),
        )
        targets = tuple(Target(view.frame, view.entry(number).name) for number in (first, second))
        return [Draft("largest_patch", targets, rows)]
    return []


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    first, second = context.subject(one), context.subject(two)
    question = (
        f"How large is the largest patch of {first.noun}, and how far is it from the nearest {second.noun}?",
        f"Find the largest single patch of {first.noun}. What is its area, and its distance to {second.noun}?",
        f"What is the area of the largest patch of {first.noun}, and how far away "
        f"{verb(second, 'is', 'are')} the nearest {second.noun}?",
    )[draw(3, seed, "question")]
    patches, size = numbers.count(draft.value("components", 0)), numbers.pixels(draft.value("largest_pixels", 0))
    area, away = numbers.area(draft.value("largest_area", 0)), numbers.metres(draft.value("largest_distance", 0, 1))
    chain = (
        f"{capital(first.noun)} {seg(one, context.dated)} {verb(first, 'forms', 'form')} {patches} patches, "
        f"the largest of {size}. At {numbers.gsd(draft.value('gsd'))} a pixel side that is {area}. "
        f"{capital(second.noun)} {seg(two, context.dated)} {verb(second, 'comes', 'come')} within {away} "
        "of that patch, isolated pixels left out. "
        f"So the largest patch of {first.noun} measures {area} and lies {away} from the nearest {second.noun}."
    )
    return Text(question, chain, f"{area}, {away} away")


TASK = Task("largest_patch", "l2_spatial", True, propose, under_cloud(write))
