"""Referring-expression segmentation (RES): one class, its mask. Stage 1 of the paper trains on nothing else.

A share of the expressions names a class that is not there, as in gRefCOCO (Liu et al. 2023, "no-target" expressions):
the mask is empty and the answer says that there is none.
"""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import none_of, phrase, seg, sentences, words
from terra_cot.evidence import evidence

_QUESTIONS = (
    "Segment {a.the}.",
    "Mark every pixel that belongs to {a.the}.",
    "Where {a.is_} {a.the}? Answer with a mask.",
    "Outline {a.the} in this scene.",
    "Give the mask of {a.the}.",
    "Which part of the image {a.does} {a.the} take up? Mark it.",
)
_FOUND = (
    "{a.The} {a.is_} here: {seg}, {size}.",
    "{a.The} take{a.s} up this region: {seg}, {size} in all.",
    "I mark {a.the} {seg}: {size}.",
    "Looking for {a.the}, I find {a.them} here {seg}, over {size}.",
    "This is where {a.the} lie{a.s} {seg}; the mask covers {size}.",
)
_MISSING = (
    "I look for {a.the} {seg}, but the mask stays empty with {size}: there {a.is_} none.",
    "No pixel of this scene shows {a.noun} {seg}: the mask holds {size}.",
    "{a.The} asked for {a.is_} not in this scene {seg}: {size}.",
    "The scene holds no {a.noun} {seg}; the mask counts {size}.",
    "There {a.is_} no {a.noun} to mark here {seg}: the mask has {size}.",
)


def propose(view: TileView, seed: int) -> list[Draft]:
    return [_draft(view, number) for number in view.present]


def absent(view: TileView, seed: int) -> list[Draft]:
    return [_draft(view, number) for number in view.absent]


def _draft(view: TileView, number: int) -> Draft:
    target = Target(view.frame, view.entry(number).name)
    return Draft("referring", (target,), (evidence("pixels", (0,), view.pixels(number)),))


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    noun = words(context.subject(target))
    pixels = draft.value("pixels", 0)
    fields = {"a": noun, "seg": seg(target, context.dated), "size": numbers.pixels(pixels)}
    chain = sentences(
        opening(draft, context, seed),
        phrase(_FOUND if pixels else _MISSING, seed, "chain", **fields),
        readings(draft, context, seed),
    )
    return Text(phrase(_QUESTIONS, seed, "question", a=noun), chain, noun.noun if pixels else none_of(noun))


TASK = Task("referring", "res", True, propose, write, kinds=("land_cover", "objects"), absent=absent, sensors=True)
