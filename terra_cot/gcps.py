"""A raster without a transform that is tied to the ground at points, as Sentinel-1 GRD is: read by one warp.

Between the points lies a thin plate spline, exact at each of them: the points of a GRD follow its terrain, which a
polynomial over a whole swath does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.geom import multipoint
from rasterio.control import GroundControlPoint
from rasterio.enums import Resampling
from rasterio.transform import from_gcps
from rasterio.warp import reproject

from terra_cot.errors import GridError
from terra_cot.grid import Grid, crs_name, true_sides_m, working_crs

LEAST_POINTS = 4
_TOLERANCE_PX = 0.02
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
        affine = from_gcps(list(self.points))
        sides = true_sides_m(affine, self.crs, self.height, self.width)
        size = gsd_m or max(round(math.sqrt(math.prod(sides)), 1), 0.1)
        target = working_crs(affine @ (self.width / 2, self.height / 2), self.crs)
        places = multipoint([(point.x, point.y) for point in self.points], self.crs)
        box = GeoBox.from_bbox(places.to_crs(target).boundingbox, target, resolution=size)
        return Grid(target, box.transform, box.height, box.width, float(size))

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
    reproject(
        source if array else rasterio.band(source, list(source.indexes)),
        pixels,
        gcps=list(tie.points),
        src_crs=tie.crs,
        src_nodata=nodata,
        dst_transform=grid.transform,
        dst_crs=grid.crs,
        dst_nodata=np.nan,
        resampling=resampling,
        num_threads=1,
        tolerance=_TOLERANCE_PX,
        SRC_METHOD="GCP_TPS",
        UNIFIED_SRC_NODATA="NO",
    )
    return pixels, np.asarray(np.isfinite(pixels).all(axis=0))
