"""CR, comparative area: which of two classes is larger; both P >= 5 %, areas differ by more than 10 % of the larger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks.task import Candidate, Dropped, Task, TileView, either, pairs

MIN_SHARE_PCT = 5.0
MIN_DIFFERENCE_PCT = 10.0


def propose(view: TileView, seed: int) -> Iterator[Candidate | Dropped]:
    from terra_cot.evidence import area_difference_pct

    for first, second in pairs(view.present()):
        if min(view.share_pct(first), view.share_pct(second)) < MIN_SHARE_PCT:
            yield Dropped("share_below_5_pct")
            continue
        areas = int(view.facts.pixels[first]), int(view.facts.pixels[second])
        difference = area_difference_pct(*areas)
        if difference is None or difference <= MIN_DIFFERENCE_PCT:
            yield Dropped("areas_within_10_pct")
            continue
        entries = view.land_class(first), view.land_class(second)
        yield either(
            view,
            "CR",
            (entries[0].name, entries[1].name),
            (entries[0].noun, entries[1].noun),
            0 if areas[0] > areas[1] else 1,
            "Which of these two covers the larger area in this image: {0}, or {1}?",
        )


def prove(view: TileView, candidate: Candidate) -> tuple[tuple[Mask, ...], tuple[Evidence, ...]]:
    """Masks in the order of the options, so that mask 0 belongs to option A."""
    from terra_cot.evidence import area_difference_pct, evidence

    numbers = [view.vocabulary.number(name) for name in candidate.names]
    if view.land_class(numbers[0]).noun != candidate.options[0]:
        numbers.reverse()
    areas = [int(view.facts.pixels[number]) for number in numbers]
    difference = area_difference_pct(*areas)
    assert difference is not None
    return tuple(view.class_mask(number) for number in numbers), (
        evidence("pixels", (0,), areas[0]),
        evidence("pixels", (1,), areas[1]),
        evidence("area_difference", (0, 1), difference),
    )


def measure(question: Question, regions: Sequence[Region]) -> float | None:
    """Pixels of the first mask less those of the second."""
    return float(regions[0].px - regions[1].px)


def option(question: Question, value: float) -> int | None:
    """The larger of the two; nothing follows from equal ones."""
    return None if value == 0 else int(value < 0)


TASK = Task(
    "CR",
    "comparative_area",
    855,
    "land_cover",
    ("share_below_5_pct", "areas_within_10_pct"),
    propose,
    prove,
    measure,
    option,
)
