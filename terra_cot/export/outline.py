"""The outline of a mask on the ground: polygons along pixel edges, in longitude and latitude of WGS 84."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from terra_cot.geo.grid import Grid

_DECIMALS = 8  # of a degree: a millimetre


_EDGE = 600.0
"""Metres of an edge, times the root of the pixel's side: a straight edge in a plane bends by half of length squared
over Earth's radius, which within this length is about a hundredth of a pixel."""


def outline(mask: NDArray[np.bool_], transform: Affine, to_degrees: Transformer) -> MultiPolygon | None:
    """Polygons of a bool HW mask, holes kept, shells counter-clockwise; None where the mask is empty."""
    pieces = [part for ground in patches(mask, transform) for part in in_degrees(ground, transform, to_degrees)]
    return MultiPolygon(pieces) if pieces else None


def patches(mask: NDArray[np.bool_], transform: Affine) -> Iterator[Polygon]:
    """The connected parts of a bool HW mask in the CRS of its grid, valid, holes kept.

    Pixels that meet at a corner alone are two polygons, as a valid outline asks.
    """
    from rasterio import features

    for geometry, _ in features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4, transform=transform):
        ground = shape(geometry)
        # A hole that touches itself at a corner is one ring here, and two in a valid polygon.
        yield from [ground] if ground.is_valid else _polygons(shapely.make_valid(ground))


def in_degrees(ground: Polygon, transform: Affine, to_degrees: Transformer) -> list[Polygon]:
    """A polygon in longitude and latitude, shells counter-clockwise; several where the antimeridian cuts it.

    Corners are carried over one by one, and points of long edges with them, so that what is straight in metres does
    not become straight in degrees.
    """
    edge = _EDGE * math.sqrt(max(abs(transform.a), abs(transform.e)))
    carried = shapely.transform(shapely.segmentize(ground, edge), _degrees(to_degrees))
    return [orient(part) for part in _polygons(_cut(carried))]


def footprint(grid: Grid) -> BaseGeometry:
    """The ground of a tile: its four corners, or two parts at the antimeridian."""
    corners = [(0, 0), (0, grid.height), (grid.width, grid.height), (grid.width, 0)]
    ring = Polygon([grid.transform @ corner for corner in corners])
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    parts = [orient(part) for part in _polygons(_cut(shapely.transform(ring, _degrees(to_degrees))))]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _degrees(to_degrees: Transformer) -> object:
    def carry(points: NDArray[np.float64]) -> NDArray[np.float64]:
        longitude, latitude = to_degrees.transform(points[:, 0], points[:, 1])
        return np.round(np.column_stack([longitude, latitude]), _DECIMALS)

    return carry


def _cut(polygon: BaseGeometry) -> BaseGeometry:
    """The same ground without an edge that runs around the Earth."""
    west, _, east, _ = polygon.bounds
    if east - west <= 180:
        return polygon
    turned = shapely.transform(polygon, lambda points: np.column_stack([points[:, 0] % 360, points[:, 1]]))
    left = turned.intersection(box(0, -90, 180, 90))
    right = translate(turned.intersection(box(180, -90, 360, 90)), xoff=-360)
    return shapely.union_all([left, right])


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(geometry) if isinstance(part, Polygon) and not part.is_empty]


def bounds(geometry: BaseGeometry) -> list[float]:
    """[west, south, east, north] as GeoJSON has it: west above east where the geometry lies on both ends of the map."""
    west, south, east, north = geometry.bounds
    if east - west > 180:
        parts = [part.bounds for part in shapely.get_parts(geometry)]
        west = min(part[0] for part in parts if part[0] > 0)
        east = max(part[2] for part in parts if part[2] < 0)
    return [round(float(edge), _DECIMALS) for edge in (west, south, east, north)]
