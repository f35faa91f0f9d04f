"""A frame is pixels of one modality at one date on a grid; a tile is frames that share a grid, and a label map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.tile import Modality, ShiftReason, ShiftStatus

REFLECTANCE_SCALE = 1e-4
"""Imagery whose source says what its numbers mean is kept in reflectance x 10000."""

WHOLE_PX = 0.05
"""A shift this near to whole pixels is taken out as whole pixels: the estimate is no better, and nothing is blurred."""


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """A displacement estimate between two frames: [dy, dx] px, a score, and whether it was applied or why not."""

    found_px: tuple[float, float] | None
    score: float | None
    status: ShiftStatus
    reason: ShiftReason | None = None

    @property
    def removed_px(self) -> tuple[float, float]:
        """[dy, dx] that reading again takes out; (0, 0) where nothing is."""
        if self.status != "removed" or self.found_px is None:
            return (0.0, 0.0)
        whole = (float(round(self.found_px[0])), float(round(self.found_px[1])))
        near = max(abs(found - at) for found, at in zip(self.found_px, whole, strict=True)) < WHOLE_PX
        return whole if near else self.found_px


REFERENCE = Shift(None, None, "reference")
ALONE = Shift(None, None, "alone")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """`pixels` CHW in the file's own dtype and unit, `valid` bool HW, `cloud` bool HW (cloud or shadow) or None.

    `cloud_flag` is the archive's word on whether there is cloud, not where; `cloud_unknown` why a mask that was asked
    for is None. `decibel`: the source says that the pixels are SAR power in dB; `reflectance`: that they are
    reflectance x 10000.
    """

    frame: str
    modality: Modality
    datetime: str | None
    bands: tuple[str, ...]
    pixels: NDArray[np.generic]
    valid: NDArray[np.bool_]
    cloud: NDArray[np.bool_] | None
    grid: Grid
    shift: Shift = ALONE
    cloud_flag: bool | None = None
    cloud_unknown: DataError | None = None
    decibel: bool = False
    reflectance: bool = False

    def __post_init__(self) -> None:
        expected = (len(self.bands), *self.grid.shape)
        if self.pixels.shape != expected or self.valid.shape != self.grid.shape:
            raise ValueError(f"frame {self.frame}: pixels {self.pixels.shape}, grid and bands say {expected}")

    def band(self, name: str) -> NDArray[np.generic]:
        """HW pixels of the band called `name`."""
        band: NDArray[np.generic] = self.pixels[self.bands.index(name)]
        return band

    def clear(self) -> NDArray[np.bool_]:
        """Bool HW: valid and not under cloud or shadow."""
        return self.valid if self.cloud is None else self.valid & ~self.cloud


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Frames on one grid, oldest first, and the codes (HW uint16) of the label map of date `label_frame`.

    `label_series`: the codes of further dates, by date.
    """

    tile_id: str
    frames: tuple[Frame, ...]
    label: NDArray[np.uint16] | None
    label_frame: str | None
    grid: Grid
    label_series: Mapping[str, NDArray[np.uint16]] = field(default_factory=dict)
