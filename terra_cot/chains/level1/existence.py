"""L1 existence: is a class there? Absent classes are asked for too, and answered with an empty mask."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence


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
    entry = context.subject(target)
    mark, value = seg(target, context.dated), draft.value("pixels", 0)
    question = (
        f"{verb(entry, 'Does', 'Do')} {entry.noun} appear in this image?",
        f"Does this scene contain {entry.noun}?",
        f"Can {entry.noun} be seen here?",
    )[draw(3, seed, "question")]
    if value > 0:
        finding = (
            f"I look for {entry.noun} {mark}. The mask holds {numbers.pixels(value)}, "
            f"so {verb(entry, 'it is', 'they are')} present.",
            f"{capital(entry.noun)} {verb(entry, 'shows', 'show')} up here {mark}, over {numbers.pixels(value)}.",
        )[draw(2, seed, "chain")]
        return Text(question, finding, "Yes")
    finding = (
        f"I look for {entry.noun} {mark}. The mask stays empty, with {numbers.pixels(value)}, so there "
        f"{verb(entry, 'is', 'are')} none.",
        f"Nothing in the image matches {entry.noun} {mark}: {numbers.pixels(value)}.",
    )[draw(2, seed, "chain")]
    return Text(question, finding, "No")


TASK = Task("existence", "l1", False, propose, write)
