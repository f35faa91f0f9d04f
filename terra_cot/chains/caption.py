"""Cap-CoT: the scene described class by class, largest first, each with its mask, then in one sentence."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import listing, phrase, place, seg, sentences, words
from terra_cot.evidence import evidence
from terra_cot.sample import Evidence

_QUESTIONS = (
    "Describe the land cover of this scene, step by step.",
    "What does this satellite image show? Go through it class by class.",
    "Give a grounded caption: name each kind of land cover, show where it is, and sum up.",
    "Walk through the land cover of this image, largest class first, with a mask for each.",
    "What is the ground covered with here? Mark each class and then summarise the scene.",
    "Write a caption for this scene that is backed by a mask for every class it names.",
)
_CLASS = (
    "{a.The} {seg} make{a.s} up {share} of the scene ({size}), with {a.its} mean position in the {where}.",
    "{a.The} {seg} extend{a.s} over {share} of the scene, or {size}, around a mean position in the {where}.",
    "In the {where} lies the centre of {a.the} {seg}, which fill{a.s} {share} of the scene ({size}).",
    "Of the scene, {share} belongs to {a.the} {seg}: {size}, centred in the {where}.",
    "{a.The} {seg} account{a.s} for {size}, which is {share} of the scene; the mean position is in the {where}.",
)
_VALID = (
    "Shares are of the {valid} with a known class.",
    "All shares refer to the {valid} whose class is known.",
    "The shares are taken of {valid} with a known class.",
    "Every share is one of {valid} whose class is known.",
    "What the shares are of: {valid} with a known class.",
)
_MIXED = (
    "A mixed scene: {all}.",
    "The scene is a mixture of {all}.",
    "No class holds more than half of this scene: {all}.",
    "This scene is made up of {all}.",
)
_MOSTLY = (
    "A scene of mostly {main}, with {rest}.",
    "The scene is mainly {main}, together with {rest}.",
    "More than half of this scene is taken up by {main}; the rest includes {rest}.",
    "A scene dominated by {main}, beside {rest}.",
)
_ALONE = (
    "A scene of {main}.",
    "The scene shows {main}.",
    "The one class of note in this scene: {main}.",
    "This scene holds {main}.",
)
_MOST_CLASSES = 6


def propose(view: TileView, seed: int) -> list[Draft]:
    order = sorted(view.present, key=lambda number: (-view.pixels(number), number))[:_MOST_CLASSES]
    if not order:
        return []
    rows: list[Evidence] = [evidence("valid_pixels", (), view.facts.valid_px)]
    for mask, number in enumerate(order):
        row, column = view.facts.centroid[number]
        rows += [
            evidence("pixels", (mask,), view.pixels(number)),
            evidence("share", (mask,), view.share(number)),
            evidence("row", (mask,), row),
            evidence("column", (mask,), column),
        ]
    targets = tuple(Target(view.frame, view.entry(number).name) for number in order)
    return [Draft("caption", targets, tuple(rows))]


def write(draft: Draft, context: Context, seed: int) -> Text:
    steps, parts = [], []
    for mask, target in enumerate(draft.targets):
        noun = words(context.subject(target))
        share = numbers.percent(draft.value("share", mask))
        steps.append(
            phrase(
                _CLASS,
                seed,
                f"class {mask}",
                a=noun,
                seg=seg(target, context.dated),
                share=share,
                size=numbers.pixels(draft.value("pixels", mask)),
                where=_place(draft, mask, context),
            )
        )
        parts.append(f"{noun.noun} ({share})")
    valid = phrase(_VALID, seed, "valid", valid=numbers.pixels(draft.value("valid_pixels")))
    chain = sentences(opening(draft, context, seed), *steps, readings(draft, context, seed), valid)
    if len(parts) == 1:
        answer = phrase(_ALONE, seed, "answer", main=parts[0])
    elif round(draft.value("share", 0), 1) > 50:
        answer = phrase(_MOSTLY, seed, "answer", main=parts[0], rest=listing(parts[1:]))
    else:
        answer = phrase(_MIXED, seed, "answer", all=listing(parts))
    return Text(phrase(_QUESTIONS, seed, "question"), chain, answer)


def _place(draft: Draft, mask: int, context: Context) -> str:
    """ "middle", not "centre": these sentences speak of the centre of a class."""
    where = place(draft.value("row", mask), draft.value("column", mask), context.compass)
    return "middle" if where == "centre" else where


TASK = Task("caption", "caption", True, propose, write, sensors=True)
