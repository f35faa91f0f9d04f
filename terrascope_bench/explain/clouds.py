"""Where cloud hides the ground of a date: found where an image is reflectance, else said to be unknown; never guessed.

The rule is `spectral` of the cloud masks of datasets. It runs on the scene in blocks that overlap by what it looks
around, so it has no seams. Ground under cloud is seen all the same where a SAR image shows it and the model's masks are
made from both sensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from terra_cot.cloud import Reflectance, SpectralOptions
from terra_cot.cloud.reflectance import band_named, reflectances
from terra_cot.cloud.spectral import cloud_of, shadow_of
from terra_cot.errors import DataError
from terra_cot.frame import REFLECTANCE_SCALE, Frame
from terra_cot.scene import SceneFrame
from terrascope_bench.explain.views import Views, overview_grid

BLOCK_PX = 1024
_AROUND_PX = 4  # an opening and a widening by one pixel each, and one to spare
_SCALE = Reflectance(scale=REFLECTANCE_SCALE, level="surface")
_RULE = SpectralOptions()
# As true colour is named elsewhere (`display.TRUE_COLOUR`).
_ALSO = {"B2": "B02", "B3": "B03", "B4": "B04", "R": "red", "G": "green", "B": "blue"}


@dataclass(frozen=True, slots=True)
class Cloud:
    """What is known of the cloud over one optical image.

    `share` of its valid ground that looks like cloud, or its shadow where `shadow` says that a near-infrared band tells
    it; `hidden` of it that no radar shows. None where cloud cannot be told, and `why`.
    """

    frame: str
    share: float | None
    hidden: float | None = None
    shadow: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """`clouds` of each optical image; `where`: by date, bool HW of the scene, what cloud hides on it. A date without
    such ground is left out."""

    clouds: tuple[Cloud, ...]
    where: dict[str, NDArray[np.bool_]]

    def seen(self, shape: tuple[int, ...], dates: Sequence[str]) -> NDArray[np.bool_]:
        """Bool HW: not known to be hidden on any of some dates."""
        seen = np.ones(shape, np.bool_)
        for date in dates:
            if date in self.where:
                seen &= ~self.where[date]
        return seen


def find_hidden(views: Views, both_sensors: bool) -> Hidden:
    """What cloud hides.

    Args:
        both_sensors: the model's masks are made from optical and SAR together (`mask_from: fused`).
    """
    clouds: list[Cloud] = []
    where: dict[str, NDArray[np.bool_]] = {}
    for frame in views.scene.frames:
        if frame.modality != "optical":
            continue
        whole = views.read(frame, overview_grid(views.grid))
        why = _unknown(whole)
        if why:
            clouds.append(Cloud(frame.frame, None, why=why))
            continue
        mask, valid_px = _mask(views, frame)
        cloud_px = int(np.count_nonzero(mask))
        radar = [other for other in views.scene.frames if (other.frame, other.modality) == (frame.frame, "sar")]
        if both_sensors and radar and cloud_px:
            _uncover(views, radar[0], mask)
        hidden_px = int(np.count_nonzero(mask))
        share, hidden = (px / valid_px if valid_px else None for px in (cloud_px, hidden_px))
        clouds.append(Cloud(frame.frame, share, hidden, _has_shadow(_named(whole))))
        if mask.any():
            where[frame.frame] = mask
    return Hidden(tuple(clouds), where)


def _unknown(frame: Frame) -> str | None:
    """Why cloud cannot be told on an image; None where it can."""
    try:
        reflectances(frame, frame.bands[:3], _SCALE)
    except DataError as error:
        return error.problem if frame.pixels.dtype == np.uint8 else "its values are no reflectance x 10000"
    return None if band_named(_named(frame), "blue") else "it has no blue band"


def _named(frame: Frame) -> Frame:
    return replace(frame, bands=tuple(_ALSO.get(name, name) for name in frame.bands))


def _has_shadow(frame: Frame) -> bool:
    return all(band_named(frame, meaning) for meaning in ("nir", "green"))


def _mask(views: Views, frame: SceneFrame) -> tuple[NDArray[np.bool_], int]:
    """(bool HW, number of valid pixels) of one image: cloud or its shadow."""
    mask, valid_px = np.zeros(views.grid.shape, np.bool_), 0
    bands = [name.lower() for asset in frame.assets for name in asset.bands]
    reach = ceil(_RULE.shadow_reach_m / views.grid.gsd_m) if {"b08", "b8a", "nir"} & set(bands) else 0
    for inner, outer in _blocks(views.grid.shape, reach + _AROUND_PX):
        rows, columns = outer
        grid = views.grid.window(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        read = _named(views.read(frame, grid))
        found = _cloud(read) & read.valid
        at = tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
        mask[inner] = found[at]
        valid_px += int(np.count_nonzero(read.valid[at]))
    return mask, valid_px


def _cloud(frame: Frame) -> NDArray[np.bool_]:
    bands = {}
    for meaning in ("blue", "green", "red", "nir", "swir1"):
        name = band_named(frame, meaning)
        if name is not None:
            values = frame.band(name).astype(np.float32) * np.float32(REFLECTANCE_SCALE)
            bands[meaning] = np.where(frame.valid, values, np.float32(0))
    cloud = cloud_of(bands, _RULE)
    return cloud | shadow_of(bands, cloud, frame.grid.gsd_m, _RULE)


def _uncover(views: Views, radar: SceneFrame, mask: NDArray[np.bool_]) -> None:
    """Take out of a mask what a SAR image of the date shows."""
    for inner, _ in _blocks(views.grid.shape, 0):
        rows, columns = inner
        grid = views.grid.window(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)
        mask[inner] &= ~views.read(radar, grid).valid


Place = tuple[slice, slice]


def _blocks(shape: Sequence[int], around: int) -> Iterator[tuple[Place, Place]]:
    """(block, block and what lies `around` it) as rows and columns; the blocks cover a raster once."""
    cuts = [
        [
            (
                slice(start, min(start + BLOCK_PX, length)),
                slice(max(start - around, 0), min(start + BLOCK_PX + around, length)),
            )
            for start in range(0, length, BLOCK_PX)
        ]
        for length in shape
    ]
    for inner_rows, outer_rows in cuts[0]:
        for inner_columns, outer_columns in cuts[1]:
            yield (inner_rows, inner_columns), (outer_rows, outer_columns)
