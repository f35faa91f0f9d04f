"""AQ, absolute area: A = pixels x gsd^2; asked where the class is large enough to be seen (P >= 1 %).

The published rule is A > 0 alone; one pixel in an image is no fair question, so the visible minimum is a filter of its
own. The ladder stands on the share of the valid area, so no option is larger than the image.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.ladder import odds_scale, significant
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.stated import AREA_M2
from terrascope_bench.tasks.task import (
    LADDER_FILTERS,
    Candidate,
    Dropped,
    Task,
    TileView,
    metres,
    number_text,
    on_ladder,
)

MIN_SHARE_PCT = 1.0
SCALE = odds_scale(MIN_SHARE_PCT, 95.0)


def propose(view: TileView, seed: int) -> Iterator[Candidate | Dropped]:
    for number in view.present():
        share = view.share_pct(number)
        if share < MIN_SHARE_PCT:
            yield Dropped("share_below_1_pct")
            continue
        entry = view.land_class(number)
        image_m2 = view.valid_px * view.gsd_m**2
        question = (
            f"How many square metres of this image are taken up by {entry.noun}? "
            f"A pixel is {metres(view.gsd_m)} wide and high. Choose the closest value."
        )

        def shown(share_pct: float, image_m2: float = image_m2) -> float:
            return significant(share_pct / 100 * image_m2)

        yield on_ladder(view, seed, "AQ", (entry.name,), SCALE, share, shown, lambda x: number_text(x, "m²"), question)


def prove(view: TileView, candidate: Candidate) -> tuple[tuple[Mask, ...], tuple[Evidence, ...]]:
    from terra_cot.evidence import evidence
    from terra_cot.facts import area_m2

    number = view.vocabulary.number(candidate.names[0])
    pixels = int(view.facts.pixels[number])
    return (view.class_mask(number),), (
        evidence("pixels", (0,), pixels),
        evidence("gsd", (), view.gsd_m),
        evidence("valid_pixels", (), view.valid_px),
        evidence("area", (0,), area_m2(pixels, view.gsd_m)),
    )


def measure(question: Question, regions: Sequence[Region]) -> float | None:
    """Area, square metres."""
    return None if question.gsd_m is None else regions[0].px * question.gsd_m**2


def option(question: Question, value: float) -> int | None:
    """The nearest option on the scale of shares, where the image is 100 %."""
    valid = question.value_of("valid_pixels")
    if not valid or question.option_values is None or question.gsd_m is None:
        return None
    image_m2 = valid * question.gsd_m**2
    return SCALE.nearest(100.0 * value / image_m2, [100.0 * entry / image_m2 for entry in question.option_values])


TASK = Task(
    "AQ",
    "absolute_area",
    855,
    "land_cover",
    ("share_below_1_pct", *LADDER_FILTERS),
    propose,
    prove,
    measure,
    option,
    lambda question: AREA_M2,
)
