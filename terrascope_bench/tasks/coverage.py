"""CA, coverage percentage: P = 100 x pixels of the class / valid pixels; asked where P >= 5 %."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.ladder import odds_scale
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.stated import PERCENT
from terrascope_bench.tasks.task import LADDER_FILTERS, Candidate, Dropped, Task, TileView, on_ladder

MIN_SHARE_PCT = 5.0
SCALE = odds_scale(MIN_SHARE_PCT, 95.0)


def propose(view: TileView, seed: int) -> Iterator[Candidate | Dropped]:
    for number in view.present():
        share = view.share_pct(number)
        if share < MIN_SHARE_PCT:
            yield Dropped("share_below_5_pct")
            continue
        entry = view.land_class(number)
        question = (
            f"What percentage of the valid pixels of this image is taken up by {entry.noun}? Choose the closest value."
        )
        yield on_ladder(
            view, seed, "CA", (entry.name,), SCALE, share, lambda x: round(x, 1), lambda x: f"{x:.1f}%", question
        )


def prove(view: TileView, candidate: Candidate) -> tuple[tuple[Mask, ...], tuple[Evidence, ...]]:
    from terra_cot.evidence import evidence

    number = view.vocabulary.number(candidate.names[0])
    return (view.class_mask(number),), (
        evidence("pixels", (0,), int(view.facts.pixels[number])),
        evidence("valid_pixels", (), view.valid_px),
        evidence("share", (0,), view.share_pct(number)),
    )


def measure(question: Question, regions: Sequence[Region]) -> float | None:
    """Share of the valid pixels, percent."""
    valid = question.value_of("valid_pixels")
    return 100.0 * regions[0].px / valid if valid else None


def option(question: Question, value: float) -> int | None:
    return None if question.option_values is None else SCALE.nearest(value, question.option_values)


TASK = Task(
    "CA",
    "coverage_percentage",
    855,
    "land_cover",
    ("share_below_5_pct", *LADDER_FILTERS),
    propose,
    prove,
    measure,
    option,
    lambda question: PERCENT,
)
