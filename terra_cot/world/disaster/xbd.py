"""A pair's labels are written exactly as xBD writes them (Gupta et al. 2019).

`features.xy` holds polygons in pixels, `features.lng_lat` the same buildings in degrees;
the damage level (`subtype`) is on the post-disaster label only; both labels share uids.
"""

from typing import Any

import numpy as np

from terra_cot.world.config import PAIR_GSD_M
from terra_cot.world.disaster.damage import Disaster
from terra_cot.world.disaster.layout import Layout, Points

_LONGITUDE, _LATITUDE = 14.0, 49.0
_METRES_PER_DEGREE = 111_320.0


def label(
    layout: Layout, disaster: Disaster, name: str, image: str, index: int, captured: str, post: bool
) -> dict[str, Any]:
    """Return the label of one picture as a JSON object.

    Args:
        layout: The neighbourhood.
        disaster: What happened to it.
        name: Name of the disaster.
        image: File name of the picture.
        index: Number of the pair; sets the place in degrees.
        captured: Acquisition time, ISO 8601.
        post: Whether the picture is the one after the disaster.
    """
    pixels, degrees = [], []
    for building, subtype in zip(layout.buildings, disaster.subtypes, strict=True):
        properties = {"feature_type": "building", "uid": building.uid}
        if post:
            properties = {"feature_type": "building", "subtype": subtype, "uid": building.uid}
        pixels.append({"properties": properties, "wkt": _wkt(building.outline, 6)})
        degrees.append({"properties": properties, "wkt": _wkt(_degrees(building.outline, index), 12)})
    metadata = {
        "sensor": "SYNTHETIC",
        "provider_asset_type": "SYNTHETIC",
        "gsd": PAIR_GSD_M,
        "capture_date": captured,
        "off_nadir_angle": 0.0,
        "pan_resolution": PAIR_GSD_M,
        "disaster": name,
        "disaster_type": disaster.kind,
        "original_width": layout.size,
        "original_height": layout.size,
        "width": layout.size,
        "height": layout.size,
        "id": f"{name}/{index}/{'post' if post else 'pre'}",
        "img_name": image,
    }
    return {"features": {"lng_lat": degrees, "xy": pixels}, "metadata": metadata}


def _degrees(outline: Points, index: int) -> Points:
    latitude = _LATITUDE + 0.01 * (index // 100)
    longitude = _LONGITUDE + 0.01 * (index % 100)
    east = outline[:, 0] * PAIR_GSD_M / (_METRES_PER_DEGREE * np.cos(np.deg2rad(latitude)))
    north = -outline[:, 1] * PAIR_GSD_M / _METRES_PER_DEGREE
    return np.stack([longitude + east, latitude + north], axis=1)


def _wkt(outline: Points, digits: int) -> str:
    closed = np.concatenate([outline, outline[:1]])
    return "POLYGON ((" + ", ".join(f"{x:.{digits}f} {y:.{digits}f}" for x, y in closed) + "))"
