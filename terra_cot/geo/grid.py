"""A grid ties pixels to the ground; this is the only file that may swap rows/columns and x/y.

Wraps `odc.geo` GeoBox, which carries the axis order in its types. Positions are (row, column), pixel sizes metres.
A grid without a CRS (aerial PNGs) is allowed only where a source states the ground sample distance itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from affine import Affine
from odc.geo.geobox import GeoBox

from terra_cot.errors import GridError
from terra_cot.geo.flat import extent, flat_crs, keeps_areas, to_degrees, true_sides_m

_SQUARE = 1e-3  # sides that differ by less are square: resampling would harm more than a thousandth of a distance
_SAME_PX = 1e-3  # two grids are one when their pixels coincide within this share of a pixel


@dataclass(frozen=True)
class Grid:
    """Pixels on the ground: `transform` maps (column, row) to (x, y) of `crs`, north up; `gsd_m` metres per pixel."""

    crs: str | None
    transform: Affine
    height: int
    width: int
    gsd_m: float

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise GridError("an empty grid", got=(self.height, self.width))
        if not self.gsd_m > 0 or not math.isfinite(self.gsd_m):
            raise GridError("a ground sample distance must be positive", got=self.gsd_m)

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @cached_property
    def geobox(self) -> GeoBox:
        return GeoBox((self.height, self.width), self.transform, self.crs)

    def window(self, row: int, column: int, height: int, width: int) -> Grid:
        """The part of this grid that starts at pixel (row, column)."""
        return Grid(self.crs, self.transform @ Affine.translation(column, row), height, width, self.gsd_m)

    def moved(self, dy_px: float, dx_px: float) -> Grid:
        """The same pixels laid `dy_px` rows and `dx_px` columns further: reading there takes a shift out."""
        transform = self.transform @ Affine.translation(dx_px, dy_px)
        return Grid(self.crs, transform, self.height, self.width, self.gsd_m)

    def tiles(self, size: int) -> Iterator[tuple[int, int, Grid | None]]:
        """(row, column, grid) of each size x size tile, rows first; None where the grid ends inside the tile.

        A grid no larger than one tile is one tile of its own size.
        """
        if self.height <= size and self.width <= size:
            yield 0, 0, self
            return
        for row in range(math.ceil(self.height / size)):
            for column in range(math.ceil(self.width / size)):
                whole = (row + 1) * size <= self.height and (column + 1) * size <= self.width
                yield row, column, self.window(row * size, column * size, size, size) if whole else None

    def offset_in(self, other: Grid) -> tuple[int, int] | None:
        """(row, column) of this grid's origin in `other` when their pixels coincide, else None."""
        if self.crs != other.crs:
            return None
        relative = ~other.transform @ self.transform
        drift = max(self.height, self.width)
        if abs(relative.a - 1) * drift > _SAME_PX or abs(relative.e - 1) * drift > _SAME_PX:
            return None
        if abs(relative.b) * drift > _SAME_PX or abs(relative.d) * drift > _SAME_PX:
            return None
        column, row = round(relative.c), round(relative.f)
        if abs(relative.c - column) > _SAME_PX or abs(relative.f - row) > _SAME_PX:
            return None
        return row, column

    def lon_lat(self) -> tuple[float, float] | None:
        """Longitude and latitude (WGS 84, degrees) of the centre; None without a CRS."""
        if self.crs is None:
            return None
        middle = self.transform @ (self.width / 2, self.height / 2)
        lon, lat = to_degrees(self.crs).transform(*middle)
        return round((float(lon) + 180) % 360 - 180, 6), round(float(lat), 6)


def grid_of(dataset: Any, gsd_m: float | None = None) -> Grid:
    """The working grid of an open rasterio dataset: its own pixels where they are square, north up and true metres.

    Any other raster gets a north-up grid around it: in its own CRS where that keeps areas to 0.5 % (rotated, south-up
    or non-square pixels), else (degrees, feet, Mercator, polar stereographic) in the UTM zone of its centre, or in an
    equal-area plane where UTM does not reach (poles) or stretches (wide rasters). `gsd_m` asks for another pixel size,
    or gives it where there is no CRS.

    Raises:
        GridError: no CRS and no stated gsd_m, a transform that places no pixels, or a raster too wide for a plane.
    """
    native = dataset.transform
    if dataset.crs is None:
        if gsd_m is None:
            raise GridError(
                "no CRS",
                file=dataset.name,
                fix="write it back with `rio edit-info --crs`, or state gsd_m for imagery without a place",
                reason="no_crs",
            )
        return Grid(None, Affine.scale(gsd_m, -gsd_m), dataset.height, dataset.width, gsd_m)
    if native.determinant == 0 or native == Affine.identity():
        raise GridError("no geotransform", file=dataset.name, got=tuple(native)[:6])
    crs = crs_name(dataset.crs)
    sides = true_sides_m(native, crs, dataset.height, dataset.width)
    metric = dataset.crs.is_projected and math.isclose(dataset.crs.linear_units_factor[1], 1.0)
    true = metric and keeps_areas(native, crs, dataset.height, dataset.width, sides)
    upright = native.b == 0 and native.d == 0 and native.a > 0 and native.e < 0
    square = math.isclose(native.a, -native.e, rel_tol=_SQUARE)
    if true and upright and square and (gsd_m is None or math.isclose(native.a, gsd_m, rel_tol=1e-6)):
        return Grid(crs, native, dataset.height, dataset.width, pixel_m(native))
    if true:  # the finer side: nothing that the raster resolves is lost
        size = gsd_m or round(min(math.hypot(native.a, native.d), math.hypot(native.b, native.e)), 6)
        target = crs
    else:  # as many pixels as there are: towards the poles degrees of longitude resolve nothing more
        size = gsd_m or max(round(math.sqrt(math.prod(sides)), 1), 0.1)
        target = flat_crs(native, crs, dataset.height, dataset.width)
    bounds = extent(native, crs, dataset.height, dataset.width, target)
    around = GeoBox.from_bbox(bounds, target, resolution=size)
    return Grid(target, around.transform, around.height, around.width, float(size))


def pixel_m(transform: Affine) -> float:
    """Side of a square as large as a pixel of a north-up transform: its square is the pixel's area, exactly."""
    across, down = float(transform.a), -float(transform.e)
    return across if across == down else math.sqrt(across * down)


def crs_name(crs: Any) -> str:
    """`EPSG:n` where the CRS has a code, else its WKT."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else str(crs.to_wkt())


def native_grid(dataset: Any) -> Grid | None:
    """The raster's own pixels as a Grid (not necessarily north up or metric); None without a CRS."""
    if dataset.crs is None:
        return None
    size = abs(dataset.transform.a) or 1.0
    return Grid(crs_name(dataset.crs), dataset.transform, dataset.height, dataset.width, size)
