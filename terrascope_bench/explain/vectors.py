"""A mask as GeoJSON (RFC 7946): a feature a connected part, in longitude and latitude of WGS 84, with its area in m².

Shells run counter-clockwise and holes clockwise; what crosses the antimeridian is cut there. Areas are those of the
pixels on the scene's grid, which keeps areas to 0.5 % of the ellipsoid: they sum to the area of the mask, exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import GeometryCollection, MultiPolygon, mapping, shape
from shapely.geometry.base import BaseGeometry

from terra_cot.export.outline import bounds, in_degrees, patches
from terra_cot.facts import area_m2
from terra_cot.geo.flat import to_degrees
from terra_cot.geo.grid import Grid
from terra_cot.store.atomic import dump_json, write_bytes


def features(mask: NDArray[np.bool_], grid: Grid, properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A feature for each connected part of a mask (bool HW), in reading order, each with its pixels and area."""
    assert grid.crs is not None
    pixel = abs(grid.transform.determinant)
    out = []
    for ground in patches(mask, grid.transform):
        pixels = round(ground.area / pixel)
        parts = in_degrees(ground, grid.transform, to_degrees(grid.crs))
        found = parts[0] if len(parts) == 1 else MultiPolygon(parts)
        measured = {"pixels": pixels, "area_m2": round(area_m2(pixels, grid.gsd_m), 2)}
        out.append(feature(found, {**properties, **measured}))
    return out


def feature(found: BaseGeometry, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": dict(properties), "geometry": mapping(found)}


def write_features(path: Path, name: str, found: list[dict[str, Any]]) -> None:
    """Write a FeatureCollection; without features it is one all the same."""
    body: dict[str, Any] = {"type": "FeatureCollection", "name": name, "features": found}
    if found:
        boxes = [shape(entry["geometry"]).envelope for entry in found]
        body["bbox"] = bounds(GeometryCollection(boxes))
    write_bytes(path, dump_json(body))
