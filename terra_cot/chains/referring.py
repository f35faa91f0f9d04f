"""Referring-expression segmentation (RES): one class, its mask. Stage 1 of the paper trains on nothing else."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw
from terra_cot.evidence import evidence


def propose(view: TileView, seed: int) -> list[Draft]:
    return [
        Draft(
            "referring",
            (Target(view.frame, view.entry(number).name),),
            (evidence("pixels", (0,), view.pixels(number)),),
        )
        for number in view.present
    ]


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    entry = context.subject(target)
    mark, size = seg(target, context.dated), numbers.pixels(draft.value("pixels", 0))
    question, chain = (
        (f"Segment the {entry.noun}.", f"The {entry.noun} {verb(entry, 'is', 'are')} here: {mark}, {size}."),
        (
            f"Mark every pixel that shows {entry.noun}.",
            f"{capital(entry.noun)} {verb(entry, 'fills', 'fill')} this region: {mark}, {size}.",
        ),
        (
            f"Where is the {entry.noun}? Answer with a mask." if not entry.plural
            else f"Where are the {entry.noun}? Answer with a mask.",
            f"I mark the {entry.noun} {mark}: {size}.",
        ),
    )[draw(3, seed, "phrase")]  # fmt: skip
    return Text(question, chain, entry.noun)


TASK = Task("referring", "res", True, propose, write, kinds=("land_cover", "objects"))
