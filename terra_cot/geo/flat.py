"""The Earth is flat only nearby: which CRS keeps the areas of a whole raster, and where the raster lies in it.

A UTM zone is true to 0.1 % in its middle and to 0.5 % some four degrees off it; the equal-area grids of the poles and
a Lambert equal-area plane around the raster itself keep every area, but lengths only to 1 % within 16 degrees.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Geod, Proj, Transformer

from terra_cot.errors import GridError

TRUE_AREA = 5e-3
"""A projection that stretches areas by more, anywhere in a raster, is not measured in."""

_TRUE_LENGTH = 1e-2
_NEAR_M, _NEAR_AREA = 30_000, 5e-4  # over so many metres areas change by less: the middle speaks for all
_EVERY = 33  # places along each side at which a raster is looked at
_LAMBERT = "+proj=laea +lat_0={lat:g} +lon_0={lon:g} +datum=WGS84 +units=m +no_defs"

_GEOD = Geod(ellps="WGS84")

Coordinates = NDArray[np.float64]


def true_sides_m(transform: Affine, crs: str, height: int, width: int) -> tuple[float, float]:
    """Width and height in metres, along the ellipsoid, of the pixel in the middle of a raster."""
    column, row = width / 2, height / 2
    places = [
        to_degrees(crs).transform(*(transform @ at)) for at in ((column, row), (column + 1, row), (column, row + 1))
    ]
    if not all(math.isfinite(value) for place in places for value in place):
        raise GridError("the geotransform leads off the Earth", got=tuple(transform)[:6], expected=f"a place in {crs}")
    across, down = (_GEOD.inv(*places[0], *other)[2] for other in places[1:])
    return float(across), float(down)


def keeps_areas(transform: Affine, crs: str, height: int, width: int, sides: tuple[float, float]) -> bool:
    """Whether pixels are as large on the ellipsoid as in a metric CRS: in the middle (`sides`, m) and in corners."""
    error = abs(sides[0] * sides[1] / abs(transform.determinant) - 1)
    if max(height * sides[1], width * sides[0]) <= _NEAR_M and abs(error - TRUE_AREA) > _NEAR_AREA:
        return error < TRUE_AREA
    columns = np.array([0.5, 0.0, 1.0, 0.0, 1.0]) * (width - 1)
    rows = np.array([0.5, 0.0, 0.0, 1.0, 1.0]) * (height - 1)
    areas = _pixel_areas_m2(transform, crs, columns, rows)
    return bool((np.abs(areas / abs(transform.determinant) - 1) <= TRUE_AREA)[np.isfinite(areas)].all())


def flat_crs(transform: Affine, crs: str, height: int, width: int) -> str:
    """A metric CRS that is true all over a raster: UTM or a polar grid where they are, else a plane around it.

    Raises:
        GridError: the raster is too wide for any plane.
    """
    lon, lat = to_degrees(crs).transform(*(transform @ (width / 2, height / 2)))
    usual = working_crs((lon, lat), "EPSG:4326")
    places = np.stack(to_degrees(crs).transform(*_lattice(transform, height, width)))
    places = places[:, np.isfinite(places).all(axis=0)]
    if np.ptp((places[0] - lon + 180) % 360) < 2:  # within four degrees of its middle a zone is true
        return usual
    for name in (usual, CRS.from_user_input(_LAMBERT.format(lat=round(lat), lon=round(lon))).to_wkt("WKT1_GDAL")):
        found = Proj(name).get_factors(*places)
        areas, lengths = np.asarray(found.areal_scale), np.asarray(found.tissot_semimajor)
        if (np.abs(areas - 1) <= TRUE_AREA).all() and (np.abs(lengths - 1) <= _TRUE_LENGTH).all():
            return name
    raise GridError(
        "too wide for one flat grid",
        got=f"{np.ptp(places[0]):.0f} by {np.ptp(places[1]):.0f} degrees",
        expected="at most some 30 degrees",
        fix="cut it into several files",
        reason="too_wide",
    )


def working_crs(middle: tuple[float, float], crs: str) -> str:
    """A metric CRS that is true around `middle`: the UTM zone, or EASE-Grid 2.0 where UTM ends (84 N, 80 S)."""
    lon, lat = to_degrees(crs).transform(*middle)
    if lat > 84:
        return "EPSG:6931"
    if lat < -80:
        return "EPSG:6932"
    zone = int(((lon + 180) % 360) // 6) + 1
    return f"EPSG:{32600 + zone if lat >= 0 else 32700 + zone}"


def extent(transform: Affine, crs: str, height: int, width: int, target: str) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a raster in `target`: its sides may bulge, and a pole may lie inside."""
    x, y = _between(crs, target).transform(*_lattice(transform, height, width))
    x, y = x[np.isfinite(x)], y[np.isfinite(y)]
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


@lru_cache(maxsize=64)
def to_degrees(crs: str) -> Transformer:
    """From x, y of a CRS to longitude, latitude (WGS 84)."""
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)


@lru_cache(maxsize=64)
def _between(crs: str, target: str) -> Transformer:
    return Transformer.from_crs(crs, target, always_xy=True)


def _lattice(transform: Affine, height: int, width: int) -> tuple[Coordinates, Coordinates]:
    """x and y of places all over a raster, its edges and corners among them."""
    columns, rows = np.meshgrid(np.linspace(0, width, _EVERY), np.linspace(0, height, _EVERY))
    return _xy(transform, columns.ravel(), rows.ravel())


def _xy(transform: Affine, columns: Coordinates, rows: Coordinates) -> tuple[Coordinates, Coordinates]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * columns + b * rows + c, d * columns + e * rows + f


def _pixel_areas_m2(transform: Affine, crs: str, columns: Coordinates, rows: Coordinates) -> Coordinates:
    """Width times height of pixels along the ellipsoid; inf or nan off the Earth."""
    stacked = np.concatenate([columns, columns + 1, columns]), np.concatenate([rows, rows, rows + 1])
    lon, lat = to_degrees(crs).transform(*_xy(transform, *stacked))
    (lon_0, lon_c, lon_r), (lat_0, lat_c, lat_r) = np.split(lon, 3), np.split(lat, 3)
    with np.errstate(invalid="ignore"):
        across, down = _GEOD.inv(lon_0, lat_0, lon_c, lat_c)[2], _GEOD.inv(lon_0, lat_0, lon_r, lat_r)[2]
    return np.asarray(np.multiply(across, down), np.float64)
