"""BRD, boundary: does the first class, dilated by 3x3, meet the second; pairs with P < 3 % or > 5 components drop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks.task import Candidate, Dropped, Task, TileView, either, pairs

MIN_SHARE_PCT = 3.0
MAX_COMPONENTS = 5
YES, NO = "Yes", "No"


def propose(view: TileView, seed: int) -> Iterator[Candidate | Dropped]:
    for first, second in pairs(view.present()):
        if min(view.share_pct(first), view.share_pct(second)) < MIN_SHARE_PCT:
            yield Dropped("share_below_3_pct")
            continue
        if max(int(view.facts.components[first]), int(view.facts.components[second])) > MAX_COMPONENTS:
            yield Dropped("more_than_5_components")
            continue
        entries = view.land_class(first), view.land_class(second)
        verb = "Do" if entries[0].plural else "Does"
        yield either(
            view,
            "BRD",
            (entries[0].name, entries[1].name),
            (YES, NO),
            0 if bool(view.facts.adjacent[first, second]) else 1,
            f"{verb} {entries[0].noun} share a boundary with {entries[1].noun} anywhere in this image, "
            "touching along a side or at a corner of a pixel?",
        )


def prove(view: TileView, candidate: Candidate) -> tuple[tuple[Mask, ...], tuple[Evidence, ...]]:
    from terra_cot.evidence import evidence

    first, second = (view.vocabulary.number(name) for name in candidate.names)
    return (view.class_mask(first), view.class_mask(second)), (
        evidence("adjacent", (0, 1), float(bool(view.facts.adjacent[first, second]))),
    )


def measure(question: Question, regions: Sequence[Region]) -> float | None:
    """1 where the masks touch, else 0; None where one of them is empty."""
    from terra_cot.facts import adjacent

    if not (regions[0].px and regions[1].px):
        return None
    return float(adjacent(regions[0].array, regions[1].array))


def option(question: Question, value: float) -> int | None:
    answer = (YES if value else NO).casefold()
    # Options of a benchmark from elsewhere may go on after the word: "Yes, they share a boundary".
    return next((k for k, text in enumerate(question.options) if _first_word(text) == answer), None)


def _first_word(text: str) -> str:
    return text.replace(",", " ").replace(".", " ").casefold().partition(" ")[0]


TASK = Task(
    "BRD",
    "boundary_detection",
    855,
    "land_cover",
    ("share_below_3_pct", "more_than_5_components"),
    propose,
    prove,
    measure,
    option,
)
