"""Boxes of a recipe and windows of a grid, in lon/lat of WGS 84."""

from __future__ import annotations

import math

import shapely
from pyproj import Transformer
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from terra_cot.errors import GridError
from terra_cot.geo.grid import Grid
from terra_cot.geo.ground import ground, share

__all__ = ["BBox", "area_of", "clipped", "ground", "share"]

BBox = tuple[float, float, float, float]
_EDGE_POINTS = 21  # a straight edge in degrees is a curve in metres


def area_of(bbox: BBox | None) -> BaseGeometry | None:
    """The ground of a box; two parts where it crosses the antimeridian."""
    if bbox is None:
        return None
    west, south, east, north = bbox
    if west < east:
        return box(west, south, east, north)
    return shapely.union_all([box(west, south, 180, north), box(-180, south, east, north)])


def clipped(grid: Grid, bbox: BBox | None) -> Grid:
    """The smallest window of whole pixels that holds all of a box that the grid has.

    Raises:
        GridError: they do not touch.
    """
    if bbox is None:
        return grid
    west, south, east, north = bbox
    to_grid = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    left, bottom, right, top = to_grid.transform_bounds(
        west, south, east if west < east else east + 360, north, densify_pts=_EDGE_POINTS
    )
    corners = [~grid.transform @ corner for corner in ((left, top), (right, bottom))]
    if not all(math.isfinite(value) for corner in corners for value in corner):
        raise GridError("the bbox has no place in the CRS of the scene", got=bbox, expected=grid.crs)
    (first_column, first_row), (last_column, last_row) = corners
    row, column = max(0, math.floor(first_row)), max(0, math.floor(first_column))
    height = min(grid.height, math.ceil(last_row)) - row
    width = min(grid.width, math.ceil(last_column)) - column
    if height < 1 or width < 1:
        raise GridError("the scene lies outside of the bbox", got=bbox, reason="outside_bbox")
    return grid.window(row, column, height, width)
