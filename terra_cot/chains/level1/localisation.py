"""L1 localisation: in which ninth of the image the centroid of a class lies."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, place, seg, verb
from terra_cot.draw import draw
from terra_cot.evidence import evidence

_MARGIN = 0.02  # share of the image: a centroid nearer to a third's edge could be read either way


def propose(view: TileView, seed: int) -> list[Draft]:
    drafts = []
    for number in view.present:
        row, column = (float(value) for value in view.facts.centroid[number])
        if min(abs(value - third) for value in (row, column) for third in (1 / 3, 2 / 3)) < _MARGIN:
            continue
        rows = (
            evidence("pixels", (0,), view.pixels(number)),
            evidence("row", (0,), row),
            evidence("column", (0,), column),
        )
        drafts.append(Draft("localisation", (Target(view.frame, view.entry(number).name),), rows))
    return drafts


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    entry = context.subject(target)
    row, column = draft.value("row", 0), draft.value("column", 0)
    where = place(row, column, context.compass)
    question = (
        f"In which part of the image does the centre of the {entry.noun} lie?",
        f"Taken as a whole, where in the image {verb(entry, 'does', 'do')} {entry.noun} lie?",
        f"Which ninth of the image holds the centroid of the {entry.noun}?",
    )[draw(3, seed, "question")]
    chain = (
        f"{capital(entry.noun)} {seg(target, context.dated)} {verb(entry, 'takes up', 'take up')} "
        f"{numbers.pixels(draft.value('pixels', 0))}, whose mean position is {numbers.position(row)} of the way down "
        f"and {numbers.position(column)} of the way across from the left: the {where}."
    )
    return Text(question, chain, where)


TASK = Task("localisation", "l1", True, propose, write)
