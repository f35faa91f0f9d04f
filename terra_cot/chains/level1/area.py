"""L1 area: the ground a class covers, in metric units or as a share of the valid pixels."""

from __future__ import annotations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.level1.look import LOOK, NOTHING
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import phrase, seg, sentences, words
from terra_cot.evidence import evidence

_GROUND = (
    "What area {a.does} {a.the} take up?",
    "How much ground {a.does} {a.the} occupy?",
    "In total, how large {a.is_} {a.the}?",
    "Measure the ground that {a.the} take{a.s} up.",
    "What is the total area of {a.the} in this scene?",
    "Over what area {a.does} {a.the} extend?",
)
_SHARE = (
    "What percentage of the image {a.does} {a.the} take up?",
    "What share of the scene, in percent, {a.does} {a.the} occupy?",
    "How much of the scene, in percent, {a.does} {a.the} fill?",
    "What is the share of {a.the} in this image, in percent?",
    "Out of all pixels with a known class, what percentage belongs to {a.the}?",
    "Give the percentage of the scene that {a.the} make{a.s} up.",
)
_TO_GROUND = (
    "A pixel is {side} on a side, which makes {total} in all.",
    "At {side} a pixel side, the area comes to {total}.",
    "Each pixel measures {side} by {side}, so the total is {total}.",
    "Multiplied by the ground that one pixel of {side} by {side} covers, that is {total}.",
    "With pixels of {side} on a side, this adds up to {total}.",
)
_TO_SHARE = (
    "The image has {valid} with a known class, so that is {total}.",
    "Of {valid} with a known class, that makes {total}.",
    "Divided by the {valid} with a known class, this is {total}.",
    "Set against the {valid} whose class is known, the share is {total}.",
    "Out of {valid} with a known class in all, that is a share of {total}.",
)


def propose(view: TileView, seed: int) -> list[Draft]:
    return [draft for number in view.present for draft in _drafts(view, number)]


def absent(view: TileView, seed: int) -> list[Draft]:
    return [draft for number in view.absent for draft in _drafts(view, number)]


def _drafts(view: TileView, number: int) -> list[Draft]:
    target = (Target(view.frame, view.entry(number).name),)
    pixels = evidence("pixels", (0,), view.pixels(number))
    ground = evidence("area", (0,), facts.area_m2(view.pixels(number), view.gsd_m))
    share = evidence("share", (0,), view.share(number))
    return [
        Draft("area", target, (pixels, evidence("gsd", (), view.gsd_m), ground)),
        Draft("area", target, (pixels, evidence("valid_pixels", (), view.facts.valid_px), share)),
    ]


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    noun = words(context.subject(target))
    pixels = draft.value("pixels", 0)
    fields = {"a": noun, "seg": seg(target, context.dated), "size": numbers.pixels(pixels)}
    if any(item.fact == "area" for item in draft.evidence):
        questions, total = _GROUND, numbers.area(draft.value("area", 0))
        close = phrase(_TO_GROUND, seed, "close", side=numbers.gsd(draft.value("gsd")), total=total)
    else:
        questions, total = _SHARE, numbers.percent(draft.value("share", 0))
        close = phrase(_TO_SHARE, seed, "close", valid=numbers.pixels(draft.value("valid_pixels")), total=total)
    chain = sentences(
        opening(draft, context, seed),
        phrase(LOOK if pixels else NOTHING, seed, "chain", **fields),
        readings(draft, context, seed),
        close,
    )
    return Text(phrase(questions, seed, "question", a=noun), chain, total)


TASK = Task("area", "l1", True, propose, write, kinds=("land_cover", "objects"), absent=absent, sensors=True)
