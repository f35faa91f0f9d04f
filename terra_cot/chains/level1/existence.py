"""L1 existence: is a class there? Absent classes are asked for too, and answered with an empty mask."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import phrase, seg, sentences, words
from terra_cot.draw import shuffled
from terra_cot.evidence import evidence

_QUESTIONS = (
    "Does this scene contain any {a.noun}?",
    "Can any {a.noun} be seen here?",
    "Does the image show any {a.noun}?",
    "Yes or no: does this scene include any {a.noun}?",
    "Would you find any {a.noun} in this image?",
    "Looking at this image, can you make out any {a.noun}?",
)
_LOOK = (
    "I look for {a.noun} {seg}. The mask holds {size}.",
    "{a.The} show{a.s} up here {seg}, over {size}.",
    "A search for {a.noun} {seg} finds {size}.",
    "Checking for {a.noun}, I mark {size} {seg}.",
    "Here {a.is_} the {a.noun} that the question asks for {seg}, {size} in size.",
)
_YES = (
    "Therefore {a.it} {a.is_} present.",
    "The answer is yes.",
    "The mask is not empty, so the answer is yes.",
    "This settles it: {a.it} {a.is_} there.",
    "The class is present, then.",
)
_NO = (
    "I look for {a.noun} {seg}. The mask stays empty, with {size}, so there {a.is_} none.",
    "Nothing in the image matches {a.noun} {seg}: {size}.",
    "A search for {a.noun} {seg} finds {size}, so the answer is no.",
    "Checking for {a.noun}, I can mark nothing {seg}: {size}.",
    "No pixel shows {a.noun} {seg}; the mask has {size}, so the class is absent.",
)


def propose(view: TileView, seed: int) -> list[Draft]:
    """As many absent classes as present ones, so that "yes" is no better a guess than "no"."""
    absent = shuffled(view.absent, seed, "absent")[: max(1, len(view.present))]
    return [
        Draft(
            "existence",
            (Target(view.frame, view.entry(number).name),),
            (evidence("pixels", (0,), view.pixels(number)),),
        )
        for pair in zip(view.present, absent, strict=False)
        for number in pair
    ]


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    noun = words(context.subject(target))
    pixels = draft.value("pixels", 0)
    fields = {"a": noun, "seg": seg(target, context.dated), "size": numbers.pixels(pixels)}
    question = phrase(_QUESTIONS, seed, "question", a=noun)
    start = opening(draft, context, seed)
    if not pixels:
        return Text(question, sentences(start, phrase(_NO, seed, "chain", **fields)), "No")
    found, close = phrase(_LOOK, seed, "chain", **fields), phrase(_YES, seed, "close", a=noun)
    return Text(question, sentences(start, found, readings(draft, context, seed), close), "Yes")


TASK = Task("existence", "l1", False, propose, write, sensors=True)
