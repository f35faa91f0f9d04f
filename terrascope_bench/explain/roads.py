"""The parts of given roads that lie in a mask: lines clipped along pixel edges, lengths along the ellipsoid.

Roads come as GeoJSON (RFC 7946: longitude and latitude of WGS 84). A part keeps the properties of its road.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from shapely import STRtree
from shapely.errors import ShapelyError
from shapely.geometry import LineString, MultiLineString, shape
from shapely.geometry.base import BaseGeometry

from terra_cot.errors import DataError
from terra_cot.export.outline import patches
from terra_cot.geo.grid import Grid
from terrascope_bench.explain.vectors import feature

_GEOD = Geod(ellps="WGS84")
_EDGE, _DECIMALS = 600.0, 8
_WGS84 = ("CRS84", "4326")


@dataclass(slots=True)
class Roads:
    """Lines with their properties; `dropped` counts what is no line by its type."""

    lines: list[tuple[BaseGeometry, dict[str, Any]]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def read_roads(path: Path) -> Roads:
    """The lines of a GeoJSON file.

    Raises:
        DataError: no GeoJSON, coordinates of another CRS, or no line in it.
    """
    try:
        body = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (orjson.JSONDecodeError, IsADirectoryError) as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    if not isinstance(body, dict):
        raise DataError("not GeoJSON", file=path, got=type(body).__name__, expected="a FeatureCollection")
    crs = body.get("crs")
    named = str(crs.get("properties", {}).get("name", crs)) if isinstance(crs, dict) else ""
    if named and not named.endswith(_WGS84):
        raise DataError("another CRS", file=path, field="crs", got=named, expected="WGS 84", fix=_MEND)
    found = Roads()
    for number, entry in enumerate(_features(body)):
        _add(found, entry, path, number)
    if not found.lines:
        raise DataError("no line in this file", file=path, got=dict(found.dropped) or None, expected="LineString")
    return found


_MEND = "ogr2ogr -t_srs EPSG:4326 roads-wgs84.geojson roads.geojson"


def _features(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if body.get("type") == "FeatureCollection":
        yield from body.get("features") or []
    else:
        yield body if body.get("type") == "Feature" else {"type": "Feature", "properties": {}, "geometry": body}


def _add(found: Roads, entry: Any, path: Path, number: int) -> None:
    geometry = entry.get("geometry") if isinstance(entry, dict) else None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("LineString", "MultiLineString"):
        found.dropped[str(kind or "no geometry")] += 1
        return
    try:
        line = shapely.force_2d(shape(geometry))
    except (ShapelyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"not a {kind} ({error})", file=path, row=f"feature {number}") from None
    if line.is_empty:
        found.dropped["empty"] += 1
        return
    west, south, east, north = line.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise DataError(
            "not longitude and latitude",
            file=path,
            row=f"feature {number}",
            got=[round(value, 1) for value in line.bounds],
            fix=_MEND,
        )
    found.lines.append((line, dict(entry.get("properties") or {})))


def roads_in(mask: NDArray[np.bool_], grid: Grid, roads: Roads) -> list[dict[str, Any]]:
    """A feature for each road that lies in a mask (bool HW), in their order: its parts there, `length_m`, and
    `of_length_m` of the whole road."""
    assert grid.crs is not None
    there = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    back = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    ground = list(patches(mask, grid.transform))
    tree = STRtree(ground)
    edge = _EDGE * math.sqrt(grid.gsd_m)  # as outlines are cut
    out = []
    for line, properties in roads.lines:
        flat = _carried(_densified(line), there)
        if not np.isfinite(flat.bounds).all():  # beyond what the plane of the scene reaches
            continue
        near = [ground[int(number)] for number in sorted(tree.query(flat, predicate="intersects"))]
        # One patch after another: a road runs through few of them, and no union of all is ever made.
        cut = [part for patch in near for part in _lines(flat.intersection(patch))]
        if not cut:
            continue
        merged = shapely.line_merge(MultiLineString(cut)) if len(cut) > 1 else cut[0]
        wet = _rounded(_carried(shapely.segmentize(merged, edge), back))
        lengths = {"length_m": _length(wet), "of_length_m": _length(line)}
        out.append(feature(wet, {**properties, **lengths}))
    return out


def _densified(line: BaseGeometry) -> BaseGeometry:
    """Points every hundredth of a degree: between them a line in degrees is straight in metres too."""
    return shapely.segmentize(line, 0.01)


def _carried(line: BaseGeometry, way: Transformer) -> BaseGeometry:
    return shapely.transform(line, lambda points: np.column_stack(way.transform(points[:, 0], points[:, 1])))


def _rounded(line: BaseGeometry) -> BaseGeometry:
    return shapely.transform(line, lambda points: np.round(points, _DECIMALS))


def _lines(found: BaseGeometry) -> list[LineString]:
    """The lines of an intersection; where a road but touches a corner there is none."""
    return [part for part in shapely.get_parts(found) if isinstance(part, LineString) and part.length > 0]


def _length(line: BaseGeometry) -> float:
    """Metres along the ellipsoid."""
    return round(float(_GEOD.geometry_length(line)), 2)
