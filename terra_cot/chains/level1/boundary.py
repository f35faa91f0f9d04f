"""L1 boundary: do two classes share a boundary, that is, does a 3x3 dilation of one meet the other?"""

from __future__ import annotations

from itertools import combinations

from terra_cot.chains import numbers
from terra_cot.chains.draft import Context, Draft, Target, Task, Text
from terra_cot.chains.view import TileView
from terra_cot.chains.words import capital, seg, verb
from terra_cot.draw import draw, shuffled
from terra_cot.evidence import evidence


def propose(view: TileView, seed: int) -> list[Draft]:
    """Pairs that touch and pairs that do not by turns, as far as the rarer kind lasts, then the rest."""
    pairs = shuffled(list(combinations(view.present, 2)), seed, "pairs")
    touching = [pair for pair in pairs if view.facts.adjacent[pair]]
    apart = [pair for pair in pairs if not view.facts.adjacent[pair]]
    turns = [pair for both in zip(apart, touching, strict=False) for pair in both]
    turns += apart[len(touching) :] + touching[len(apart) :]
    return [_draft(view, first, second) for first, second in turns]


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
    first, second = context.subject(one), context.subject(two)
    question = (
        f"{verb(first, 'Does', 'Do')} {first.noun} border {second.noun} anywhere?",
        f"Do {first.noun} and {second.noun} share a boundary?",
        f"{verb(first, 'Is', 'Are')} {first.noun} next to {second.noun} anywhere in this image?",
    )[draw(3, seed, "question")]
    sizes = [numbers.pixels(draft.value("pixels", mask)) for mask in (0, 1)]
    start = (
        f"{capital(first.noun)} {seg(one, context.dated)} {verb(first, 'takes up', 'take up')} {sizes[0]}, "
        f"{second.noun} {seg(two, context.dated)} {sizes[1]}. "
    )
    if draft.value("adjacent", 0, 1):
        return Text(question, start + "Grown by a single pixel, the first mask meets the second: they touch.", "Yes")
    return Text(question, start + "Grown by a single pixel, the first mask still stays clear of the second.", "No")


TASK = Task("boundary", "l1", True, propose, write)
