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
| largest_pixels | 1 | px | pixels of the largest 8-connected region (of several, the first row by row) |
| largest_area | 1 | m2 | largest_pixels x gsd^2 |
| largest_distance | 2 | m | distance of that region of the first from the second: their separation x gsd |
| buffer | 0 | m | 10 x gsd: how far "near" reaches |
| near_share | 2 | % | 100 x pixels of the first within 10 px of the second / pixels of the first |
| above_share, left_share | 2 | % | 100 x pixels of the first above (left of) the centroid of the second / its pixels |
| joint_share | any | % | 100 x pixels in any of the masks / valid_pixels |
| shared_pixels | 2 | px | pixels in both masks: of class A on one date and class B on another, what became B |
| shared_area | 2 | m2 | shared_pixels x gsd^2 |
| inside_share | 2 | % | 100 x pixels of the first that are in the second / pixels of the first |
| area_change | 2 | m2 | (pixels of the second - pixels of the first) x gsd^2 |
| size_change | 2 | % | 100 x (pixels of the second - pixels of the first) / pixels of the first |
| cloud | 0 | % | 100 x cloud_fraction of the date's optical image |
| ndvi, ndwi, nbr | 1 | index | mean of the index over the mask (`spectral.py`) |
| backscatter_vv, backscatter_vh | 1 | dB | mean power over the mask (`spectral.py`) |
| ndvi_contrast ... backscatter_vh_contrast | 1 | index or dB | that mean less the one over the rest of the image |

Facts from `cloud` on are of an image. They are measured on the mask's own date (without masks, on that of the row's
first mask), or on the date named after an @: `ndvi@t1` is the mean NDVI of the region on date t1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from terra_cot import facts
from terra_cot.errors import DataError
from terra_cot.pixels.spectral import INDICES, MODALITY
from terra_cot.sample import Evidence

if TYPE_CHECKING:
    from terra_cot.pixels.images import TileImages

BoolMask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a fact needs beside its masks: valid pixels of the tile (px) and its ground sample distance (m).

    Facts of images also need `dates`, the frame of each of the row's masks, and the tile's `images`.
    """

    valid_px: int
    gsd_m: float
    dates: tuple[str, ...] = ()
    images: TileImages | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """How one fact is measured: number of masks (None: one or more), unit, and the rule (None where it has no value).

    `image_rule` is the rule of a fact of an image: it is also given the date.
    """

    masks: int | None
    unit: str
    rule: Callable[[Sequence[BoolMask], Ground], float | None] | None
    image_rule: Callable[[Sequence[BoolMask], TileImages, str], float | None] | None = None


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


def size_change_pct(before_px: int, after_px: int) -> float | None:
    """Change of an area in percent of what it was; None where there was nothing."""
    return None if before_px == 0 else 100.0 * (after_px - before_px) / before_px


def _largest_distance(masks: Sequence[BoolMask], ground: Ground) -> float | None:
    return _distance((facts.largest_patch(masks[0]), masks[1]), ground)


def _joint_share(masks: Sequence[BoolMask], ground: Ground) -> float | None:
    return facts.share_pct(facts.pixels(np.logical_or.reduce(masks)), ground.valid_px)


def _cloud(masks: Sequence[BoolMask], images: TileImages, frame: str) -> float | None:
    fraction = images.cloud_fraction(frame)
    return None if fraction is None else 100.0 * fraction


def _mean(masks: Sequence[BoolMask], images: TileImages, frame: str, *, quantity: str) -> float | None:
    image = images.image(frame, MODALITY[quantity])
    return None if image is None else image.mean(quantity, masks[0])


def _contrast(masks: Sequence[BoolMask], images: TileImages, frame: str, *, quantity: str) -> float | None:
    image = images.image(frame, MODALITY[quantity])
    return None if image is None else image.contrast(quantity, masks[0])


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
    "largest_pixels": Fact(1, "px", lambda m, g: float(facts.pixels(facts.largest_patch(m[0])))),
    "largest_area": Fact(1, "m2", lambda m, g: facts.area_m2(facts.pixels(facts.largest_patch(m[0])), g.gsd_m)),
    "largest_distance": Fact(2, "m", _largest_distance),
    "buffer": Fact(0, "m", lambda m, g: facts.BUFFER_PX * g.gsd_m),
    "near_share": Fact(2, "%", lambda m, g: facts.within_pct(m[0], facts.near(m[1]))),
    "above_share": Fact(2, "%", lambda m, g: facts.before_pct(m[0], m[1], 0)),
    "left_share": Fact(2, "%", lambda m, g: facts.before_pct(m[0], m[1], 1)),
    "joint_share": Fact(None, "%", _joint_share),
    "shared_pixels": Fact(2, "px", lambda m, g: float(facts.shared_px(m[0], m[1]))),
    "shared_area": Fact(2, "m2", lambda m, g: facts.area_m2(facts.shared_px(m[0], m[1]), g.gsd_m)),
    "inside_share": Fact(2, "%", lambda m, g: facts.share_pct(facts.shared_px(m[0], m[1]), facts.pixels(m[0]))),
    "area_change": Fact(2, "m2", lambda m, g: (facts.pixels(m[1]) - facts.pixels(m[0])) * g.gsd_m**2),
    "size_change": Fact(2, "%", lambda m, g: size_change_pct(facts.pixels(m[0]), facts.pixels(m[1]))),
    "cloud": Fact(0, "%", None, _cloud),
}
for _quantity in MODALITY:
    _unit = "index" if _quantity in INDICES else "dB"
    FACTS[_quantity] = Fact(1, _unit, None, partial(_mean, quantity=_quantity))
    FACTS[f"{_quantity}_contrast"] = Fact(1, _unit, None, partial(_contrast, quantity=_quantity))


def base_fact(fact: str) -> str:
    """The fact without the date after its @."""
    return fact.partition("@")[0]


def evidence(fact: str, masks: tuple[int, ...], value: float) -> Evidence:
    """An evidence row of a known fact (of an image on another date than its mask's: `ndvi@t1`), with its unit."""
    rule = FACTS[base_fact(fact)]
    if not _fits(rule, masks):
        raise ValueError(f"{fact} is measured on {rule.masks} masks, got {len(masks)}")
    return Evidence(fact, masks, float(value), rule.unit)


def _fits(rule: Fact, masks: Sequence[int]) -> bool:
    return len(masks) > 0 if rule.masks is None else len(masks) == rule.masks


def measure_fact(item: Evidence, masks: Sequence[BoolMask], ground: Ground) -> float | None:
    """The value of `item` measured again: `masks` are all the row's masks (bool HW), in order.

    Raises:
        DataError: an unknown fact, a wrong number of masks, or an index that no mask has.
    """
    name, at, frame = item.fact.partition("@")
    rule = FACTS.get(name)
    if rule is None or (at and rule.image_rule is None):
        raise DataError("unknown fact", field="evidence", got=item.fact, expected=", ".join(FACTS))
    if not _fits(rule, item.masks) or any(not 0 <= index < len(masks) for index in item.masks):
        raise DataError(
            f"fact {item.fact} points at the wrong masks",
            field="evidence",
            got=list(item.masks),
            expected=f"{rule.masks or 'some'} of {len(masks)}",
        )
    chosen = [masks[index] for index in item.masks]
    if rule.image_rule is None:
        assert rule.rule is not None
        return rule.rule(chosen, ground)
    if ground.images is None or not (frame or ground.dates):
        return None
    return rule.image_rule(chosen, ground.images, frame or ground.dates[item.masks[0] if item.masks else 0])
