"""L1 boundary: do two classes share a boundary, that is, does a 3x3 dilation of one meet the other?"""

from __future__ import annotations

from itertools import combinations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.sensors import opening, readings
from terra_cot.chains.view import TileView
from terra_cot.chains.words import phrase, seg, sentences, words
from terra_cot.draw import pick, shuffled
from terra_cot.evidence import evidence

_QUESTIONS = (
    "{a.Does} {a.the} border {b.the} anywhere?",
    "Is there a place where {a.the} and {b.the} meet?",
    "Does any pixel of {a.the} lie next to one of {b.the}?",
    "Yes or no: {a.does} {a.the} touch {b.the}?",
    "Is any boundary shared by {a.the} and {b.the}?",
    "Do {a.the} and {b.the} touch, if only at a corner?",
)
_LOOK = (
    "{a.The} {one} take{a.s} up {first}, {b.the} {two} {second}.",
    "I mark {a.the} {one}, {first}, and then {b.the} {two}, {second}.",
    "Here {a.is_} {a.the} {one} with {first}, and here {b.is_} {b.the} {two} with {second}.",
    "The mask of {a.the} {one} holds {first}; that of {b.the} {two} holds {second}.",
    "Two masks are needed: {a.the} {one}, {first}, and {b.the} {two}, {second}.",
)
_TOUCH = (
    "Grown by a single pixel, the first mask meets the second: they touch.",
    "If the first mask is widened by one ring of pixels, it runs into the second, so they share a boundary.",
    "A ring of pixels laid around the first mask overlaps the second, so the answer is yes.",
    "Somewhere a pixel of the first mask has one of the second next to it: they meet.",
    "Widening the first mask by one ring makes the two overlap, so they are neighbours.",
)
_CLEAR = (
    "Grown by a single pixel, the first mask still stays clear of the second.",
    "If the first mask is widened by one ring of pixels, it does not reach the second, so they share no boundary.",
    "A ring of pixels laid around the first mask does not overlap the second, so the answer is no.",
    "Nowhere does a pixel of the first mask have one of the second next to it: they do not meet.",
    "Widening the first mask by one ring does not make the two overlap, so they are not neighbours.",
)
_ABSENT = (
    "The second mask is empty, so there is nothing to border on.",
    "With {b.noun} absent from the image, there can be no shared boundary.",
    "An empty mask touches nothing, so the answer is no.",
    "There {b.is_} no {b.noun} here, and so no boundary.",
    "As {b.the} {b.is_} missing from the scene, the two cannot meet.",
)


def propose(view: TileView, seed: int) -> list[Draft]:
    """Pairs that touch and pairs that do not by turns, as far as the rarer kind lasts, then the rest."""
    pairs = shuffled(list(combinations(view.present, 2)), seed, "pairs")
    touching = [pair for pair in pairs if view.facts.adjacent[pair]]
    apart = [pair for pair in pairs if not view.facts.adjacent[pair]]
    turns = [pair for both in zip(apart, touching, strict=False) for pair in both]
    turns += apart[len(touching) :] + touching[len(apart) :]
    return [_draft(view, first, second) for first, second in turns]


def absent(view: TileView, seed: int) -> list[Draft]:
    """A class that is there with one that is not."""
    return [_draft(view, pick(view.present, seed, "partner", number), number) for number in view.absent]


def _draft(view: TileView, first: int, second: int) -> Draft:
    targets = tuple(Target(view.frame, view.entry(number).name) for number in (first, second))
    rows = (
        evidence("pixels", (0,), view.pixels(first)),
        evidence("pixels", (1,), view.pixels(second)),
        evidence("adjacent", (0, 1), float(view.facts.adjacent[first, second])),
    )
    return Draft("boundary", targets, rows)


def write(draft: Draft, context: Context, seed: int) -> Text:
    one, two = draft.targets
    nouns = {"a": words(context.subject(one)), "b": words(context.subject(two))}
    pixels = [draft.value("pixels", mask) for mask in (0, 1)]
    marks = {"one": seg(one, context.dated), "two": seg(two, context.dated)}
    sizes = {"first": numbers.pixels(pixels[0]), "second": numbers.pixels(pixels[1])}
    touch = bool(draft.value("adjacent", 0, 1))
    close = _TOUCH if touch else _CLEAR if all(pixels) else _ABSENT
    chain = sentences(
        opening(draft, context, seed),
        phrase(_LOOK, seed, "chain", **nouns, **marks, **sizes),
        readings(draft, context, seed),
        phrase(close, seed, "close", **nouns),
    )
    return Text(phrase(_QUESTIONS, seed, "question", **nouns), chain, "Yes" if touch else "No")


TASK = Task("boundary", "l1", True, propose, write, absent=absent, sensors=True)
