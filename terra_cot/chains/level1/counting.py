"""L1 counting: how many separate regions a class forms; regions that touch at a corner are one (8-connected)."""

from __future__ import annotations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.level1.look import LOOK, NOTHING
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import phrase, seg, sentences, words
from terra_cot.evidence import evidence

MOST_REGIONS = 20  # beyond it counting is a matter of noise in the label map

_QUESTIONS = (
    "How many separate regions of {a.noun} are there?",
    "Count the regions of {a.noun}; regions that touch, even at a corner, are one.",
    "How many separate patches of {a.noun} does the image hold?",
    "If pixels that touch at a side or a corner belong together, how many regions of {a.noun} are there?",
    "How many unconnected regions of {a.noun} can be told apart in this image?",
    "What is the number of connected regions of {a.noun} here, corners included?",
)
_COUNT = (
    "The mask forms {shape}, so the count is {count}.",
    "Joined wherever pixels touch, the mask makes {shape}, so the answer is {count}.",
    "The mask consists of {shape}, which gives a count of {count}.",
    "Counting the connected parts of the mask, I get {shape}: {count}.",
    "That mask is made up of {shape}, a count of {count}.",
)
_ZERO = (
    "With no region to count, the answer is {count}.",
    "An empty mask has no regions: {count}.",
    "So there is nothing to count: {count}.",
    "No pixels, no regions: the count is {count}.",
    "The count of regions is therefore {count}.",
)


def propose(view: TileView, seed: int) -> list[Draft]:
    return [_draft(view, number) for number in view.present if view.facts.components[number] <= MOST_REGIONS]


def absent(view: TileView, seed: int) -> list[Draft]:
    return [_draft(view, number) for number in view.absent]


def _draft(view: TileView, number: int) -> Draft:
    rows = (
        evidence("components", (0,), int(view.facts.components[number])),
        evidence("pixels", (0,), view.pixels(number)),
    )
    return Draft("counting", (Target(view.frame, view.entry(number).name),), rows)


def write(draft: Draft, context: Context, seed: int) -> Text:
    (target,) = draft.targets
    noun = words(context.subject(target))
    regions, pixels = draft.value("components", 0), draft.value("pixels", 0)
    count = numbers.count(regions)
    fields = {"a": noun, "seg": seg(target, context.dated), "size": numbers.pixels(pixels)}
    shape = "a single connected region" if regions == 1 else f"{count} regions that do not touch one another"
    chain = sentences(
        opening(draft, context, seed),
        phrase(LOOK if pixels else NOTHING, seed, "chain", **fields),
        readings(draft, context, seed),
        phrase(_COUNT if pixels else _ZERO, seed, "close", shape=shape, count=count),
    )
    return Text(phrase(_QUESTIONS, seed, "question", a=noun), chain, count)


TASK = Task("counting", "l1", True, propose, write, absent=absent, sensors=True)
