"""BCE, building change: destroyed buildings of a pre/post pair as count or percent; total >= 10, destroyed >= 3.

A count ladder climbs in equal differences. Its step is drawn from a fixed list before the truth is looked at: a step
made from the truth would name it. Sets whose options stand too close to each other are dropped as sets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from terra_cot.draw import draw
from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.ladder import RUNGS, count_scale, odds_scale
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.stated import DESTROYED_COUNT, PERCENT, Quantity
from terrascope_bench.tasks.task import LADDER_FILTERS, Candidate, Dropped, Task, TileView, on_ladder

MIN_TOTAL, MIN_DESTROYED = 10, 3
STEPS = (3, 5, 8, 12, 20, 30)
MIN_STEP_OF_LARGEST = 0.15
"""A step of at least 15 % of the largest option: neighbours can be told apart by someone who counts carefully."""
SHARES = odds_scale(2.0, 98.0)
DESTROYED, BUILDING = "destroyed building", "building"


class Buildings:
    """The two masks of a damage map and their 8-connected components (one a building)."""

    def __init__(self, view: TileView) -> None:
        self.destroyed = view.legend.mask(view.label, DESTROYED)
        self.every = view.legend.mask(view.label, BUILDING)

    @cached_property
    def destroyed_n(self) -> int:
        from terra_cot.facts import components

        return int(components(self.destroyed))

    @cached_property
    def total_n(self) -> int:
        from terra_cot.facts import components

        return int(components(self.every))


def propose(view: TileView, seed: int) -> Iterator[Candidate | Dropped]:
    if len(view.dates) < 2:
        yield Dropped("not_a_pair")
        return
    buildings = Buildings(view)
    if buildings.total_n < MIN_TOTAL:
        yield Dropped("fewer_than_10_buildings")
        return
    if buildings.destroyed_n < MIN_DESTROYED:
        yield Dropped("fewer_than_3_destroyed")
        return
    yield _count(view, seed, buildings)
    yield on_ladder(
        view,
        seed,
        "BCE",
        ("percent",),
        SHARES,
        100.0 * buildings.destroyed_n / buildings.total_n,
        lambda x: round(x, 1),
        lambda x: f"{x:.1f}%",
        "The first image was taken before a disaster, the second after it. What percentage of the buildings of the "
        "first image is destroyed in the second? Choose the closest value.",
    )


def _count(view: TileView, seed: int, buildings: Buildings) -> Candidate | Dropped:
    step = STEPS[draw(len(STEPS), seed, "step", view.tile_id)]
    candidate = on_ladder(
        view,
        seed,
        "BCE",
        ("count",),
        count_scale(step, MIN_DESTROYED, buildings.total_n),
        float(buildings.destroyed_n),
        float,
        lambda x: f"{x:.0f}",
        "The first image was taken before a disaster, the second after it. How many buildings of the first image are "
        "destroyed in the second?",
    )
    if isinstance(candidate, Candidate) and candidate.values and step < MIN_STEP_OF_LARGEST * candidate.values[-1]:
        return Dropped("options_too_close")
    return candidate


def prove(view: TileView, candidate: Candidate) -> tuple[tuple[Mask, ...], tuple[Evidence, ...]]:
    """Destroyed buildings on the date after the event, all buildings on the date before it."""
    from terra_cot.evidence import component_share_pct, evidence

    buildings = Buildings(view)
    masks = (
        Mask.from_array(view.label_frame, DESTROYED, buildings.destroyed),
        Mask.from_array(_before(view), BUILDING, buildings.every),
    )
    rows = [
        evidence("components", (0,), buildings.destroyed_n),
        evidence("components", (1,), buildings.total_n),
    ]
    share = component_share_pct(buildings.destroyed_n, buildings.total_n)
    if candidate.names == ("percent",) and share is not None:
        rows.append(evidence("component_share", (0, 1), share))
    return masks, tuple(rows)


def _before(view: TileView) -> str:
    """The date of the pair that the damage map does not describe."""
    return next(date for date in view.dates if date != view.label_frame)


def _in_percent(question: Question) -> bool:
    return question.value_of("component_share") is not None


def measure(question: Question, regions: Sequence[Region]) -> float | None:
    """Destroyed buildings as a count, or percent of all, as the question asks."""
    from terra_cot.evidence import component_share_pct
    from terra_cot.facts import components

    number = int(components(regions[0].array))
    return component_share_pct(number, int(components(regions[1].array))) if _in_percent(question) else float(number)


def option(question: Question, value: float) -> int | None:
    if question.option_values is None or len(question.option_values) != RUNGS:
        return None
    scale = SHARES if _in_percent(question) else count_scale(1, 0, 1)
    return scale.nearest(value, question.option_values)


def stated(question: Question) -> Quantity:
    return PERCENT if _in_percent(question) else DESTROYED_COUNT


TASK = Task(
    "BCE",
    "building_change_estimation",
    288,
    "damage",
    ("not_a_pair", "fewer_than_10_buildings", "fewer_than_3_destroyed", "options_too_close", *LADDER_FILTERS),
    propose,
    prove,
    measure,
    option,
    stated,
)
