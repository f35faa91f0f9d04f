"""L1 localisation: in which ninth of the image the centroid of a class lies."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.level1.look import LOOK, NOTHING
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import none_of, phrase, place, seg, sentences, words
from terra_cot.evidence import evidence

_MARGIN = 0.02  # share of the image: a centroid nearer to a third's edge could be read either way

_QUESTIONS = (
    "In which part of the image does the centre of {a.the} lie?",
    "Taken as a whole, where in the image {a.does} {a.the} lie?",
    "Which ninth of the image holds the centroid of {a.the}?",
    "Where in the scene {a.is_} {a.the} centred?",
    "Divide the image into a grid of three by three: which cell holds the mean position of {a.the}?",
    "Judged by the mean position, in which part of the image {a.is_} {a.the}?",
)
_WHERE = (
    "The mean position is {row} of the way down and {column} of the way across from the left: the {where}.",
    "On average that lies {row} down from the top and {column} across from the left, which is the {where}.",
    "The centroid lies {row} of the height below the top edge and {column} of the width from the left edge, in the "
    "{where}.",
    "Going {row} of the way down and {column} of the way to the right leads to the mean position, in the {where}.",
    "The centre of the mask is {column} across from the left and {row} down from the top: the answer is the {where}.",
)
_NOWHERE = (
    "Without a pixel there is no centre to place.",
    "So there is nothing to locate.",
    "An empty mask has no position.",
    "The question of where does not arise.",
    "With nothing marked, no part of the image can be named.",
)


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


def absent(view: TileView, seed: int) -> list[Draft]:
    return [
        Draft("localisation", (Target(view.frame, view.entry(number).name),), (evidence("pixels", (0,), 0),))
        for number in view.absent
    ]


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    noun = words(context.subject(target))
    pixels = draft.value("pixels", 0)
    fields = {"a": noun, "seg": seg(target, context.dated), "size": numbers.pixels(pixels)}
    question, start = phrase(_QUESTIONS, seed, "question", a=noun), opening(draft, context, seed)
    if not pixels:
        chain = sentences(start, phrase(NOTHING, seed, "chain", **fields), phrase(_NOWHERE, seed, "close"))
        return Text(question, chain, none_of(noun))
    row, column = draft.value("row", 0), draft.value("column", 0)
    where = place(row, column, context.compass)
    position = {"row": numbers.position(row), "column": numbers.position(column), "where": where}
    chain = sentences(
        start,
        phrase(LOOK, seed, "chain", **fields),
        readings(draft, context, seed),
        phrase(_WHERE, seed, "close", **position),
    )
    return Text(question, chain, where)


TASK = Task("localisation", "l1", True, propose, write, absent=absent, sensors=True)
