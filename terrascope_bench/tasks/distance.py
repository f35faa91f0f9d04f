"""DM, distance: least Euclidean distance between two classes after a 3x3 opening of each; more than 10 px apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan

from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.ladder import ratio_scale, significant
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.stated import LENGTH_M
from terrascope_bench.tasks.task import (
    LADDER_FILTERS,
    Candidate,
    Dropped,
    Task,
    TileView,
    metres,
    number_text,
    on_ladder,
    pairs,
)

MIN_DISTANCE_PX = 10.0


def propose(view: TileView, seed: int) -> Iterator[Candidate | Dropped]:
    from terra_cot.facts import distance_m

    for first, second in pairs(view.present()):
        apart = float(view.facts.distance_px[first, second])
        if isnan(apart):
            yield Dropped("nothing_left_after_opening")
            continue
        if apart <= MIN_DISTANCE_PX:
            yield Dropped("distance_up_to_10_px")
            continue
        entries = view.land_class(first), view.land_class(second)
        scale = ratio_scale(MIN_DISTANCE_PX * view.gsd_m, view.diagonal_px * view.gsd_m)
        question = (
            f"How many metres apart are {entries[0].noun} and {entries[1].noun} where they come closest to each other "
            f"in this image? Ignore patches narrower than 3 pixels; a pixel is {metres(view.gsd_m)} wide and high. "
            "Choose the closest value."
        )
        yield on_ladder(
            view,
            seed,
            "DM",
            (entries[0].name, entries[1].name),
            scale,
            distance_m(apart, view.gsd_m),
            significant,
            lambda x: number_text(x, "m"),
            question,
        )


def prove(view: TileView, candidate: Candidate) -> tuple[tuple[Mask, ...], tuple[Evidence, ...]]:
    from terra_cot.evidence import evidence
    from terra_cot.facts import distance_m

    first, second = (view.vocabulary.number(name) for name in candidate.names)
    apart = distance_m(float(view.facts.distance_px[first, second]), view.gsd_m)
    return (view.class_mask(first), view.class_mask(second)), (
        evidence("distance", (0, 1), apart),
        evidence("gsd", (), view.gsd_m),
    )


def measure(question: Question, regions: Sequence[Region]) -> float | None:
    """Distance, metres; None where an opening leaves nothing."""
    from terra_cot.facts import distance_m, distance_px, opened

    if question.gsd_m is None:
        return None
    apart = distance_px(opened(regions[0].array), opened(regions[1].array))
    return None if apart is None else distance_m(apart, question.gsd_m)


def option(question: Question, value: float) -> int | None:
    if question.option_values is None or question.gsd_m is None:
        return None
    scale = ratio_scale(MIN_DISTANCE_PX * question.gsd_m, 2 * MIN_DISTANCE_PX * question.gsd_m)
    return scale.nearest(value, question.option_values)


TASK = Task(
    "DM",
    "distance_measurement",
    129,
    "land_cover",
    ("nothing_left_after_opening", "distance_up_to_10_px", *LADDER_FILTERS),
    propose,
    prove,
    measure,
    option,
    lambda question: LENGTH_M,
)
