"""A scene as the model's pictures: an overview, and windows at full resolution, rendered as training tiles are.

Every image is read on the grid of the scene, shifts between images taken out where they can be trusted. The shift of
an image is estimated once, in the middle of the scene, so that tiles do not move against each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.frame import ALONE, Frame, Shift
from terra_cot.geo.grid import Grid
from terra_cot.pixels.display import Stretch, display
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Scene, SceneFrame
from terra_cot.tile import Modality

OVERVIEW_PX = 1024
"""Longer side of an overview: what a benchmark's largest picture has."""

_ALIGN_PX, _MAX_SHIFT_PX = 1024, 8.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One image: `pixels` HW3 uint8 as displayed, `valid` bool HW."""

    frame: str
    modality: Modality
    pixels: NDArray[np.uint8]
    valid: NDArray[np.bool_]


class Views:
    """Reads one scene; a context, that holds its files open."""

    def __init__(self, scene: Scene, stretch: Stretch | None = None, align: bool = True) -> None:
        self.scene, self._stretch, self._align = scene, stretch or Stretch(), align
        self._reader = SceneReader(scene)
        self.shifts: dict[tuple[str, str], Shift] = {}

    def __enter__(self) -> Views:
        self._reader.__enter__()
        if self._align and len(self.scene.frames) > 1:
            self.shifts = self._found()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.__exit__(kind, error, trace)

    @property
    def grid(self) -> Grid:
        return self.scene.grid

    @property
    def dates(self) -> list[str]:
        """Dates in order, without repetition."""
        return list(dict.fromkeys(frame.frame for frame in self.scene.frames))

    def shift(self, frame: SceneFrame) -> Shift:
        """What is known of an image's misregistration."""
        return self.shifts.get((frame.frame, frame.modality), ALONE)

    def _found(self) -> dict[tuple[str, str], Shift]:
        from terra_cot.coregister.series import find_shifts

        height, width = (min(length, _ALIGN_PX) for length in self.grid.shape)
        middle = self.grid.window((self.grid.height - height) // 2, (self.grid.width - width) // 2, height, width)
        frames = [self._reader.frame(frame, middle) for frame in self.scene.frames]
        return find_shifts(frames, None, _MAX_SHIFT_PX, True)

    def read(self, frame: SceneFrame, grid: Grid) -> Frame:
        """An image as it is stored, on a grid; its shift is taken out."""
        scale = self.grid.gsd_m / grid.gsd_m
        down, right = self.shift(frame).removed_px
        return self._reader.frame(frame, grid, (down * scale, right * scale))

    def on(self, grid: Grid, date: str | None = None) -> Iterator[View]:
        """The images of a date, or of all, on a grid."""
        for frame in self.scene.frames:
            if date not in (None, frame.frame):
                continue
            read = self.read(frame, grid)
            try:
                yield View(frame.frame, frame.modality, display(read, self._stretch), read.valid)
            except DataError as error:
                raise DataError(
                    error.problem,
                    file=frame.assets[0].path,
                    got=error.got,
                    expected=error.expected,
                    fix="name the bands in file order: --bands B02,B03,B04",
                ) from None

    def window(self, date: str, row: int, column: int, shape: tuple[int, int]) -> list[View]:
        """The images of a date in a window; where it reaches over the scene's edge they are black and not valid."""
        height, width = min(shape[0], self.grid.height - row), min(shape[1], self.grid.width - column)
        views = self.on(self.grid.window(row, column, height, width), date)
        return [view if (height, width) == shape else _padded(view, shape) for view in views]

    def overview(self) -> list[View]:
        """Every image with at most `OVERVIEW_PX` on its longer side, over exactly the ground of the scene.

        Raises:
            DataError: an image that shows nothing of the scene.
        """
        found = list(self.on(overview_grid(self.grid)))
        for view, frame in zip(found, self.scene.frames, strict=True):
            if not view.valid.any():
                raise DataError(
                    "shows nothing of the ground of the first image",
                    file=frame.assets[0].path,
                    fix="give images of one place",
                )
        return found


def overview_grid(grid: Grid) -> Grid:
    """The same ground in fewer pixels; the grid itself where it is small."""
    from affine import Affine

    longest = max(grid.shape)
    if longest <= OVERVIEW_PX:
        return grid
    height, width = (max(1, round(length * OVERVIEW_PX / longest)) for length in grid.shape)
    transform = grid.transform @ Affine.scale(grid.width / width, grid.height / height)
    return Grid(grid.crs, transform, height, width, grid.gsd_m * longest / OVERVIEW_PX)


def _padded(view: View, shape: tuple[int, int]) -> View:
    pixels = np.zeros((*shape, 3), np.uint8)
    valid = np.zeros(shape, np.bool_)
    height, width = view.valid.shape
    pixels[:height, :width], valid[:height, :width] = view.pixels, view.valid
    return View(view.frame, view.modality, pixels, valid)
