"""A raster without a transform that is tied to the ground at points, as Sentinel-1 GRD is: read by one warp.

Between the points lies a thin plate spline, exact at each of them: the points of a GRD follow its terrain, which a
polynomial over a whole swath does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.geom import multipoint
from pyproj import Transformer
from rasterio.control import GroundControlPoint
from rasterio.enums import Resampling
from rasterio.transform import from_gcps
from rasterio.warp import reproject
from rasterio.windows import Window

from terra_cot.errors import GridError
from terra_cot.geo.flat import true_sides_m, working_crs
from terra_cot.geo.grid import Grid, crs_name

LEAST_POINTS = 4
PLANE = "EPSG:3857"  # any metric CRS does: nothing is projected
WARP_TOLERANCE_PX = 0.02  # GDAL's own 0.125 is as much as the shifts that are taken out
FINER = 0.75  # pixels smaller than this share of the grid's are averaged (imagery) or counted (labels)
_KERNEL_PX = 16  # what a resampling looks at around a place
_UNIT = 10.0  # GDAL takes a step of one for no transform at all
_EXACT_IN_FLOAT32 = ("uint8", "int8", "uint16", "int16", "float32")


@dataclass(frozen=True, slots=True)
class Tie:
    """Ground control points of a raster of `height` x `width` pixels, and the CRS of their x and y."""

    points: tuple[GroundControlPoint, ...]
    crs: str
    height: int
    width: int

    def grid(self, gsd_m: float | None = None) -> Grid:
        """A north-up grid around the points in true metres: their UTM zone, at the pixel size that the raster has."""
        size = gsd_m or max(round(self.pixel_m(), 1), 0.1)
        target = working_crs(from_gcps(list(self.points)) @ (self.width / 2, self.height / 2), self.crs)
        places = multipoint([(point.x, point.y) for point in self.points], self.crs)
        box = GeoBox.from_bbox(places.to_crs(target).boundingbox, target, resolution=size)
        return Grid(target, box.transform, box.height, box.width, float(size))

    def pixel_m(self) -> float:
        """Side of a square as large as a pixel on the ground."""
        return math.sqrt(math.prod(true_sides_m(from_gcps(list(self.points)), self.crs, self.height, self.width)))

    def on(self, grid: Grid) -> list[GroundControlPoint]:
        """The points with their places in pixels of a grid, times `_UNIT`, y upwards."""
        to_grid = Transformer.from_crs(self.crs, grid.crs, always_xy=True)
        x, y = to_grid.transform([point.x for point in self.points], [point.y for point in self.points])
        columns, rows = ~grid.transform @ (np.array(x), np.array(y))
        return [
            GroundControlPoint(point.row, point.col, _UNIT * column, -_UNIT * row)
            for point, column, row in zip(self.points, columns.tolist(), rows.tolist(), strict=True)
        ]

    def scaled(self, rows_px: float, columns_px: float, height: int, width: int) -> Tie:
        """The same points on a coarser raster whose first pixel has the centre of the first one here."""
        points = [
            GroundControlPoint(
                (point.row - 0.5) / rows_px + 0.5, (point.col - 0.5) / columns_px + 0.5, point.x, point.y, point.z
            )
            for point in self.points
        ]
        return Tie(tuple(points), self.crs, height, width)


def tie_of(dataset: Any) -> Tie | None:
    """The points that tie a raster to the ground; None where it has a CRS of its own, or no points.

    Raises:
        GridError: points without a CRS, or too few of them.
    """
    points, crs = dataset.gcps
    if dataset.crs is not None or not points:
        return None
    if crs is None:
        raise GridError("ground control points without a CRS", file=dataset.name, reason="no_crs")
    if len({(point.x, point.y) for point in points}) < LEAST_POINTS:
        raise GridError(
            "too few ground control points", file=dataset.name, got=len(points), expected=f"{LEAST_POINTS} or more"
        )
    name = crs_name(crs)
    if crs.is_geographic and max(point.x for point in points) - min(point.x for point in points) > 180:
        # Across the antimeridian: without a wrap the spline would run around the Earth.
        name = f"{crs.to_proj4()} +lon_wrap=180"
        points = [GroundControlPoint(point.row, point.col, point.x % 360, point.y, point.z) for point in points]
    return Tie(tuple(points), name, dataset.height, dataset.width)


def read_tied(
    source: Any, tie: Tie, grid: Grid, resampling: Resampling, nodata: float | None = None
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """(CHW float pixels, NaN where unknown; HW valid) on `grid` of an open dataset, or of a CHW array, with points."""
    array = isinstance(source, np.ndarray)
    kinds = [str(source.dtype)] if array else list(source.dtypes)
    dtype = np.float32 if all(kind in _EXACT_IN_FLOAT32 for kind in kinds) else np.float64
    pixels = np.full((len(source) if array else source.count, *grid.shape), np.nan, dtype)
    # The spline runs in places of the grid itself: no projection is left for GDAL, and no antimeridian.
    points = tie.on(grid)
    window = _window(points, tie, grid)
    if window is None:
        return pixels, np.zeros(grid.shape, np.bool_)
    # GDAL would take a dataset's own points: it is given the pixels alone.
    held = source[:, *window.toslices()] if array else source.read(window=window)
    points = [
        GroundControlPoint(point.row - window.row_off, point.col - window.col_off, point.x, point.y) for point in points
    ]
    options: dict[str, Any] = {"SRC_METHOD": "GCP_TPS", "UNIFIED_SRC_NODATA": "NO"}
    if tie.pixel_m() > FINER * grid.gsd_m:
        # Unasked, GDAL blurs where a rotation makes its estimate of the scale fall below 1.
        options |= {"XSCALE": 1, "YSCALE": 1}
    reproject(
        held,
        pixels,
        gcps=points,
        src_crs=PLANE,
        src_nodata=nodata,
        dst_transform=Affine.scale(_UNIT, -_UNIT),
        dst_crs=PLANE,
        dst_nodata=np.nan,
        resampling=resampling,
        num_threads=1,
        tolerance=WARP_TOLERANCE_PX,
        **options,
    )
    return pixels, np.asarray(np.isfinite(pixels).all(axis=0))


def _window(points: list[GroundControlPoint], tie: Tie, grid: Grid) -> Window | None:
    """The pixels of an image that a grid can need; None where it needs none."""
    fit = ~from_gcps(points)
    off = [math.dist(fit @ (point.x, point.y), (point.col, point.row)) for point in points]
    margin = max(off) + _KERNEL_PX
    corners = [
        fit @ (_UNIT * column, -_UNIT * row)
        for column, row in ((0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height))
    ]
    left, right = (edge(column for column, _ in corners) for edge in (min, max))
    top, bottom = (edge(row for _, row in corners) for edge in (min, max))
    column, row = max(0, math.floor(left - margin)), max(0, math.floor(top - margin))
    width = min(tie.width, math.ceil(right + margin)) - column
    height = min(tie.height, math.ceil(bottom + margin)) - row
    return Window(column, row, width, height) if width > 0 and height > 0 else None
