"""L1 distance: metres between the nearest pixels of two classes that do not touch, isolated pixels left out."""

from __future__ import annotations

from itertools import combinations

from terra_cot import facts
from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import none_of, phrase, seg, sentences, words
from terra_cot.draw import pick
from terra_cot.evidence import evidence

_NEAREST_PX = 2.0  # below it "distance" is a matter of the pixel grid

_QUESTIONS = (
    "How far apart are {a.the} and {b.the} at their closest?",
    "What is the shortest distance between {a.the} and {b.the}?",
    "How much ground lies between {a.the} and {b.the} where they come closest?",
    "At the closest point, how far {a.is_} {a.the} from {b.the}?",
    "Measure the gap between {a.the} and {b.the} at its narrowest.",
    "How near {a.does} {a.the} come to {b.the}?",
)
_LOOK = (
    "{a.The} {a.is_} here {one}, {b.the} there {two}.",
    "I mark {a.the} {one} and {b.the} {two}.",
    "First I segment {a.the} {one}, then {b.the} {two}.",
    "Two masks are needed: {a.the} {one} and {b.the} {two}.",
    "This is the extent of {a.the} {one}, and this that of {b.the} {two}.",
)
_APART = (
    "Isolated pixels aside, the two come within {apart} of each other; at {side} a pixel that is {total}.",
    "Without isolated pixels, their nearest pixels are {apart} apart; with pixels of {side} that makes {total}.",
    "Once isolated pixels are removed, the least distance is {apart}. A pixel is {side} on a side, so this is {total}.",
    "Between their nearest pixels, isolated ones not counted, lie {apart}, which at {side} a pixel is {total}.",
    "The shortest way from one to the other, isolated pixels ignored, is {apart} long: {total} at {side} a pixel.",
)
_ABSENT = (
    "The second mask is empty, with {empty}, so there is nothing to measure to.",
    "With {empty} of {b.noun} in the image, no distance can be measured.",
    "An empty mask of {empty} has no nearest point.",
    "There {b.is_} no {b.noun} here, only {empty}, and so no distance.",
    "As {b.the} {b.is_} missing from the scene ({empty}), the question has no answer in metres.",
)


def propose(view: TileView, seed: int) -> list[Draft]:
    drafts = []
    for first, second in combinations(view.present, 2):
        apart = float(view.facts.distance_px[first, second])
        if not apart >= _NEAREST_PX:  # also nan: a class is gone after the opening
            continue
        rows = (
            evidence("separation", (0, 1), apart),
            evidence("gsd", (), view.gsd_m),
            evidence("distance", (0, 1), facts.distance_m(apart, view.gsd_m)),
        )
        drafts.append(Draft("distance", _targets(view, first, second), rows))
    return drafts


def absent(view: TileView, seed: int) -> list[Draft]:
    """From a class that is there to one that is not."""
    rows = (evidence("pixels", (1,), 0),)
    pairs = [(pick(view.present, seed, "partner", number), number) for number in view.absent]
    return [Draft("distance", _targets(view, first, second), rows) for first, second in pairs]


def _targets(view: TileView, first: int, second: int) -> tuple[Target, ...]:
    return tuple(Target(view.frame, view.entry(number).name) for number in (first, second))


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    nouns = {"a": words(context.subject(one)), "b": words(context.subject(two))}
    question = phrase(_QUESTIONS, seed, "question", **nouns)
    marks = {"one": seg(one, context.dated), "two": seg(two, context.dated)}
    steps = [opening(draft, context, seed), phrase(_LOOK, seed, "chain", **nouns, **marks)]
    if not any(item.fact == "distance" for item in draft.evidence):
        empty = numbers.pixels(draft.value("pixels", 1))
        return Text(
            question, sentences(*steps, phrase(_ABSENT, seed, "close", empty=empty, **nouns)), none_of(nouns["b"])
        )
    apart, side = numbers.separation(draft.value("separation", 0, 1)), numbers.gsd(draft.value("gsd"))
    total = numbers.metres(draft.value("distance", 0, 1))
    close = phrase(_APART, seed, "close", apart=apart, side=side, total=total)
    return Text(question, sentences(*steps, readings(draft, context, seed), close), total)


TASK = Task("distance", "l1", True, propose, write, absent=absent, sensors=True)
