"""Evidence is measured, and can be measured again from the masks of the same row: one rule a fact, used everywhere.

Writers of chains, the benchmark's tasks, verification and the faithfulness score all call `measure_fact`.

| fact | masks | unit | value |
|---|---|---|---|
| pixels | 1 | px | foreground pixels |
| valid_pixels | 0 | px | pixels of the label map that are not void in the view that the labels belong to |
| gsd | 0 | m | ground sample distance of the tile |
| share | 1 | % | 100 x pixels / valid_pixels (paper, CA rule) |
| area | 1 | m2 | pixels x gsd^2 (paper, AQ rule) |
| components | 1 | count | 8-connected regions |
| row, column | 1 | share | centroid, 0 top or left to 1 bottom or right |
| separation | 2 | px | minimum Euclidean distance between pixel centres after a 3x3 opening of each mask |
| distance | 2 | m | separation x gsd (paper, DM rule) |
| adjacent | 2 | bool | 1 where a 3x3 dilation of the first meets the second (paper, BRD rule) |
| area_difference | 2 | % | 100 x absolute area difference / larger area (paper, CR rule) |
| component_share | 2 | % | 100 x components of the first / components of the second (paper, BCE rule) |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot import facts
from terra_cot.errors import DataError
from terra_cot.sample import Evidence

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fact needs beside its masks: valid pixels of the tile (px) and its ground sample distance (m)."""

    valid_px: int
    gsd_m: float


@dataclass(frozen=True, slots=True)
class Fact:
    """How one fact is measured: number of masks, unit, and the rule (None where it has no value)."""

    masks: int
    unit: str
    rule: Callable[[Sequence[BoolMask], Ground], float | None]


def _centroid(masks: Sequence[BoolMask], axis: int) -> float | None:
    centre = facts.centroid(masks[0])
    return None if centre is None else centre[axis]


def _separation(masks: Sequence[BoolMask]) -> float | None:
    return facts.distance_px(facts.opened(masks[0]), facts.opened(masks[1]))


def _distance(masks: Sequence[BoolMask], ground: Ground) -> float | None:
    apart = _separation(masks)
    return None if apart is None else facts.distance_m(apart, ground.gsd_m)


def area_difference_pct(first_px: int, second_px: int) -> float | None:
    """Difference of two areas in percent of the larger; None where both are empty."""
    larger = max(first_px, second_px)
    return None if larger == 0 else 100.0 * abs(first_px - second_px) / larger


def component_share_pct(part: int, whole: int) -> float | None:
    """100 x part / whole in percent; None where there is no whole."""
    return None if whole == 0 else 100.0 * part / whole


FACTS: dict[str, Fact] = {
    "pixels": Fact(1, "px", lambda m, g: float(facts.pixels(m[0]))),
    "valid_pixels": Fact(0, "px", lambda m, g: float(g.valid_px)),
    "gsd": Fact(0, "m", lambda m, g: g.gsd_m),
    "share": Fact(1, "%", lambda m, g: facts.share_pct(facts.pixels(m[0]), g.valid_px)),
    "area": Fact(1, "m2", lambda m, g: facts.area_m2(facts.pixels(m[0]), g.gsd_m)),
    "components": Fact(1, "count", lambda m, g: float(facts.components(m[0]))),
    "row": Fact(1, "share", lambda m, g: _centroid(m, 0)),
    "column": Fact(1, "share", lambda m, g: _centroid(m, 1)),
    "separation": Fact(2, "px", lambda m, g: _separation(m)),
    "distance": Fact(2, "m", _distance),
    "adjacent": Fact(2, "bool", lambda m, g: float(facts.adjacent(m[0], m[1]))),
    "area_difference": Fact(2, "%", lambda m, g: area_difference_pct(facts.pixels(m[0]), facts.pixels(m[1]))),
    "component_share": Fact(2, "%", lambda m, g: component_share_pct(facts.components(m[0]), facts.components(m[1]))),
}


def evidence(fact: str, masks: tuple[int, ...], value: float) -> Evidence:
    """An evidence row of a known fact, with its unit."""
    rule = FACTS[fact]
    if len(masks) != rule.masks:
        raise ValueError(f"{fact} is measured on {rule.masks} masks, got {len(masks)}")
    return Evidence(fact, masks, float(value), rule.unit)


def measure_fact(item: Evidence, masks: Sequence[BoolMask], ground: Ground) -> float | None:
    """The value of `item` measured again: `masks` are all the row's masks (bool HW), in order.

    Raises:
        DataError: an unknown fact, a wrong number of masks, or an index that no mask has.
    """
    rule = FACTS.get(item.fact)
    if rule is None:
        raise DataError("unknown fact", field="evidence", got=item.fact, expected=", ".join(FACTS))
    if len(item.masks) != rule.masks or any(not 0 <= index < len(masks) for index in item.masks):
        raise DataError(
            f"fact {item.fact} points at the wrong masks",
            field="evidence",
            got=list(item.masks),
            expected=f"{rule.masks} of {len(masks)}",
        )
    return rule.rule([masks[index] for index in item.masks], ground)
