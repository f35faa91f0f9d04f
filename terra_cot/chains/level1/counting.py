"""L1 counting: how many separate regions a class forms; regions that touch at a corner are one (8-connected)."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw
from terra_cot.evidence import evidence

MOST_REGIONS = 20  # beyond it counting is a matter of noise in the label map


def propose(view: TileView, seed: int) -> list[Draft]:
    return [
        Draft(
            "counting",
            (Target(view.frame, view.entry(number).name),),
            (
                evidence("components", (0,), int(view.facts.components[number])),
                evidence("pixels", (0,), view.pixels(number)),
            ),
        )
        for number in view.present
        if view.facts.components[number] <= MOST_REGIONS
    ]


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    entry = context.subject(target)
    regions = draft.value("components", 0)
    question = (
        f"How many separate regions of {entry.noun} are there?",
        f"Count the regions of {entry.noun}; regions that touch, even at a corner, are one.",
        f"How many separate patches {verb(entry, 'does', 'do')} {entry.noun} form?",
    )[draw(3, seed, "question")]
    mark, size = seg(target, context.dated), numbers.pixels(draft.value("pixels", 0))
    number = numbers.count(regions)
    shape = "a single connected region" if regions == 1 else f"{number} regions that do not touch one another"
    chain = (
        f"{capital(entry.noun)} {mark} {verb(entry, 'takes up', 'take up')} {size}. "
        f"The mask forms {shape}, so the count is {number}."
    )
    return Text(question, chain, number)


TASK = Task("counting", "l1", True, propose, write)
