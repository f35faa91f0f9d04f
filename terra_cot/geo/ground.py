"""What lies where: the ground of grids and of images tied by points, in lon/lat of WGS 84, and shares of it."""

from __future__ import annotations

from odc.geo.geom import multipoint
from shapely.geometry.base import BaseGeometry

from terra_cot.geo.gcps import Tie
from terra_cot.geo.grid import Grid

_EDGE_POINTS = 21  # a straight edge in degrees is a curve in metres
COVERS = 0.999  # an outline is rounded: what covers this share covers all


def ground(grid: Grid) -> BaseGeometry:
    """The ground of a grid."""
    step = max(grid.shape) * grid.gsd_m / _EDGE_POINTS
    return grid.geobox.extent.to_crs("EPSG:4326", resolution=step, wrapdateline=True).geom


def ground_of_tie(tie: Tie) -> BaseGeometry:
    """The ground between the outermost points of an image."""
    hull = multipoint([(point.x, point.y) for point in tie.points], tie.crs).convex_hull
    return hull.to_crs("EPSG:4326", wrapdateline=True).geom


def share(part: BaseGeometry, whole: BaseGeometry) -> float:
    """Share of `whole` that `part` covers; within one scene degrees are as good as metres."""
    return float(part.intersection(whole).area / whole.area)
