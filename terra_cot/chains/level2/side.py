"""L2 side: what share of one class lies north (or west) of the centre of another."""

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

_MOST = 3


def propose(view: TileView, seed: int) -> list[Draft]:
    drafts = []
    for pair in shuffled(list(permutations(view.present, 2)), seed, "pairs")[:_MOST]:
        axis = draw(2, seed, "axis", *pair)
        first, second = pair
        share = facts.before_pct(view.index == first, view.index == second, axis)
        assert share is not None, "both classes are present"
        rows = (
            evidence("pixels", (0,), view.pixels(first)),
            evidence(("row", "column")[axis], (1,), float(view.facts.centroid[second, axis])),
            evidence(("above_share", "left_share")[axis], (0, 1), share),
        )
        targets = tuple(Target(view.frame, view.entry(number).name) for number in pair)
        drafts.append(Draft("side", targets, rows))
    return drafts


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    first, second = context.subject(one), context.subject(two)
    down = any(item.fact == "above_share" for item in draft.evidence)
    side = (("north of", "west of") if context.compass else ("above", "left of"))[not down]
    share = numbers.percent(draft.value("above_share" if down else "left_share", 0, 1))
    at = numbers.position(draft.value("row" if down else "column", 1))
    question = (
        f"What share of the {first.noun}, in percent, lies {side} the centre of the {second.noun}?",
        f"How much of the {first.noun}, in percent, is {side} the mean position of the {second.noun}?",
        f"Draw a line through the centre of the {second.noun}: what percentage of the {first.noun} is {side} it?",
    )[draw(3, seed, "question")]
    way = f"{at} of the way {'down from the top' if down else 'across from the left'}"
    chain = (
        f"{capital(first.noun)} {seg(one, context.dated)} {verb(first, 'fills', 'fill')} "
        f"{numbers.pixels(draft.value('pixels', 0))}. {capital(second.noun)} {seg(two, context.dated)} "
        f"{verb(second, 'has its', 'have their')} mean position {way}. "
        f"So {share} of the {first.noun} {verb(first, 'lies', 'lie')} {side} the centre of the {second.noun}."
    )
    return Text(question, chain, share)


TASK = Task("side", "l2_spatial", True, propose, under_cloud(write))
