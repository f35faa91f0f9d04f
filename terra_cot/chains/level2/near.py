"""L2 near: what share of one class lies within a stated distance (ten pixels) of another."""

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
from terra_cot.sample import Evidence

_TRIES = 3


def propose(view: TileView, seed: int) -> list[Draft]:
    """The first pair of a drawn order that fits: growing a region takes a millisecond, and a tile asks once."""
    for first, second in shuffled(list(permutations(view.present, 2)), seed, "pairs")[:_TRIES]:
        rows = near_rows(view, first, second)
        if 0 < rows[-1].value < 100:
            targets = tuple(Target(view.frame, view.entry(number).name) for number in (first, second))
            return [Draft("near", targets, rows)]
    return []


def near_rows(view: TileView, first: int, second: int) -> tuple[Evidence, ...]:
    """The evidence on how much of class `first` (mask 0) lies near class `second` (mask 1); its share comes last."""
    share = facts.within_pct(view.index == first, facts.near(view.index == second))
    assert share is not None, "both classes are present"
    return (
        evidence("pixels", (0,), view.pixels(first)),
        evidence("pixels", (1,), view.pixels(second)),
        evidence("buffer", (), facts.BUFFER_PX * view.gsd_m),
        evidence("near_share", (0, 1), share),
    )


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    first, second = context.subject(one), context.subject(two)
    reach, share = numbers.gsd(draft.value("buffer")), numbers.percent(draft.value("near_share", 0, 1))
    question = (
        f"What percentage of the {first.noun} lies within {reach} of {second.noun}?",
        f"How much of the {first.noun}, in percent, is no farther than {reach} from the nearest {second.noun}?",
        f"Grow the {second.noun} by {reach} on all sides. What share of the {first.noun} does that reach, in percent?",
    )[draw(3, seed, "question")]
    sizes = [numbers.pixels(draft.value("pixels", mask)) for mask in (0, 1)]
    chain = (
        f"{capital(first.noun)} {seg(one, context.dated)} {verb(first, 'fills', 'fill')} {sizes[0]}. "
        f"{capital(second.noun)} {seg(two, context.dated)} {verb(second, 'fills', 'fill')} {sizes[1]}, "
        f"to be grown by {reach}. "
        f"So {share} of the {first.noun} {verb(first, 'lies', 'lie')} within {reach} of {second.noun}."
    )
    return Text(question, chain, share)


TASK = Task("near", "l2_spatial", True, propose, under_cloud(write))
