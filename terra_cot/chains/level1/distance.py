"""L1 distance: metres between the nearest pixels of two classes that do not touch, isolated pixels left out."""

from __future__ import annotations

from itertools import combinations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw
from terra_cot.evidence import evidence

_NEAREST_PX = 2.0  # below it "distance" is a matter of the pixel grid


def propose(view: TileView, seed: int) -> list[Draft]:
    drafts = []
    for first, second in combinations(view.present, 2):
        apart = float(view.facts.distance_px[first, second])
        if not apart >= _NEAREST_PX:  # also nan: a class is gone after the opening
            continue
        targets = tuple(Target(view.frame, view.entry(number).name) for number in (first, second))
        rows = (
            evidence("separation", (0, 1), apart),
            evidence("gsd", (), view.gsd_m),
            evidence("distance", (0, 1), facts.distance_m(apart, view.gsd_m)),
        )
        drafts.append(Draft("distance", targets, rows))
    return drafts


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    first, second = context.subject(one), context.subject(two)
    question = (
        f"How far apart are {first.noun} and {second.noun} at their closest, in metres?",
        f"What is the shortest distance between {first.noun} and {second.noun}, in metres?",
        f"At their closest, how many metres lie between {first.noun} and {second.noun}?",
    )[draw(3, seed, "question")]
    apart, side = numbers.separation(draft.value("separation", 0, 1)), numbers.gsd(draft.value("gsd"))
    total = numbers.metres(draft.value("distance", 0, 1))
    chain = (
        f"{capital(first.noun)} {verb(first, 'is', 'are')} here {seg(one, context.dated)}, "
        f"{second.noun} there {seg(two, context.dated)}. Isolated pixels aside, the two come within {apart} of each "
        f"other; at {side} a pixel that is {total}."
    )
    return Text(question, chain, total)


TASK = Task("distance", "l1", True, propose, write)
