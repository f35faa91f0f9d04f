"""What answer.json tells of masks, images and roads; the files of a mask are written beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terra_cot.facts import area_m2, components
from terra_cot.geo.grid import Grid
from terra_cot.store.atomic import sha256_file
from terrascope_bench.explain.clouds import Cloud
from terrascope_bench.explain.marked import Color
from terrascope_bench.explain.rasters import write_mask
from terrascope_bench.explain.roads import Roads
from terrascope_bench.explain.scene import Found
from terrascope_bench.explain.vectors import features, write_features
from terrascope_bench.explain.views import Views

ROADS = "roads-under-water.geojson"


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A mask that is written: `stem` names its files."""

    stem: str
    title: str
    label: str | None
    date: str
    color: Color
    mask: NDArray[np.bool_]
    valid: NDArray[np.bool_]


def write_region(folder: Path, region: Region, grid: Grid, moment: str | None) -> dict[str, Any]:
    """Write the polygons and the COG of a region; what is known of it."""
    properties = {"label": region.label, "date": region.date, "datetime": moment}
    patches = features(region.mask, grid, properties)
    write_features(folder / f"{region.stem}.geojson", region.label or region.stem, patches)
    name = region.label or region.stem
    write_mask(folder / f"{region.stem}.tif", region.mask, region.valid, grid, name, region.color)
    pixels, seen = int(np.count_nonzero(region.mask)), int(np.count_nonzero(region.valid))
    return {
        **properties,
        "pixels": pixels,
        "area_m2": round(area_m2(pixels, grid.gsd_m), 2),
        "share_of_valid": pixels / seen if seen else None,
        "parts": components(region.mask),
        "polygons": len(patches),
        "geojson": f"{region.stem}.geojson",
        "cog": f"{region.stem}.tif",
    }


def scene_entry(found: Found, views: Views, clouds: Sequence[Cloud]) -> dict[str, Any]:
    """Grid and images, with what is known of the cloud over each."""
    grid, known = found.scene.grid, {cloud.frame: cloud for cloud in clouds}
    images = []
    for frame in found.scene.frames:
        shift, paths = views.shift(frame), sorted({Path(asset.path) for asset in frame.assets})
        images.append(
            {
                "frame": frame.frame,
                "modality": frame.modality,
                "datetime": frame.datetime,
                "files": {path.name: sha256_file(path) for path in paths},
                "bands": [band for asset in frame.assets for band in asset.bands],
                "shift_px": list(shift.removed_px),
                "shift_status": shift.status,
                "shift_reason": shift.reason,
                "cloud": _cloud(known[frame.frame]) if frame.modality == "optical" else None,
            }
        )
    return {
        "crs": grid.crs,
        "transform": [float(value) for value in tuple(grid.transform)[:6]],
        "width": grid.width,
        "height": grid.height,
        "gsd_m": grid.gsd_m,
        "dates_from": found.dates_from,
        "images": images,
    }


def _cloud(cloud: Cloud) -> dict[str, Any]:
    found_by = "spectral" if cloud.why is None else None
    told = {"share": cloud.share, "hidden_share": cloud.hidden, "shadow": cloud.shadow}
    return {"found_by": found_by, **told, "unknown": cloud.why}


def roads_entry(path: Path, roads: Roads, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was read of the roads, and how much of them lies in the flood."""
    lengths = [line["properties"]["length_m"] for line in lines]
    return {
        "file": path.name,
        "sha256": sha256_file(path),
        "read": len(roads.lines) + roads.dropped.total(),
        "lines": len(roads.lines),
        "dropped": dict(sorted(roads.dropped.items())),
        "under_water": len(lines),
        "length_m": round(sum(lengths), 2),
        "geojson": ROADS,
    }
