"""The world on disk is ordinary source files: GeoTIFF, PNG, JSON, and the truth in a folder of its own.

    world.json                                what was made, and how
    scenes/PLACE/S2_DATE_10m.tif              B02 B03 B04 B08, uint16, reflectance x 10000, nodata 0
    scenes/PLACE/S2_DATE_20m.tif              B05 B8A B11 B12, the same at 20 m
    scenes/PLACE/S2_DATE_cloud.tif            uint8; 0 clear, 1 cloud, 2 shadow, nodata 255
    scenes/PLACE/S1_DATE.tif                  VV VH, float32 dB, nodata NaN, on a grid of its own
    scenes/PLACE/labels.tif                   uint8 WorldCover codes on the first date, nodata 0
    truth/PLACE/labels_DATE.tif               the same on every date
    truth/PLACE/change_KIND.tif               uint8, 1 where an event changed the label
    truth/shifts.json                         place -> file -> [down, right] misregistration in 10 m pixels
    disaster/SPLIT/images|labels/...          pairs in xBD layout

The only file of the package that touches the disk. No file holds a clock time: equal
configs give equal bytes, whatever the number of workers.
"""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from terra_cot.errors import ConfigError
from terra_cot.world.config import BANDS_10M, BANDS_20M, PIXEL_M, WorldConfig
from terra_cot.world.disaster.pair import make_pair
from terra_cot.world.scene import WorldScene, make_scene

FORMAT_VERSION = 1
_OPTICAL_TIME = "T10:06:29Z"
_RADAR_TIME = "T05:18:41Z"


def write_world(
    out: Path, config: WorldConfig, on_step: Callable[[int, int], None] | None = None, workers: int = 1
) -> dict[str, Any]:
    """Write the world under `out` and return what world.json holds.

    Args:
        out: Folder to write to; made if missing. Files of the same names are replaced.
        config: What to make.
        on_step: Called as on_step(done, total) after each scene and each pair.
        workers: Number of processes; the bytes do not depend on it.

    Raises:
        ConfigError: workers is below 1.
    """
    if workers < 1:
        raise ConfigError(f"world: workers must be 1 or more, got {workers}")
    out.mkdir(parents=True, exist_ok=True)
    tasks = [("scene", index) for index in range(config.scenes)] + [("pair", index) for index in range(config.pairs)]
    done: dict[tuple[str, int], dict[str, Any]] = {}

    def finished(task: tuple[str, int], record: dict[str, Any]) -> None:
        done[task] = record
        if on_step is not None:
            on_step(len(done), len(tasks))

    if workers == 1 or len(tasks) < 2:
        for task in tasks:
            finished(task, _write_item(out, config, *task))
    else:
        # Spawn, not fork: the caller may hold threads or an open GDAL dataset.
        with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn")) as pool:
            waiting = {pool.submit(_write_item, out, config, *task): task for task in tasks}
            for future in as_completed(waiting):
                finished(waiting[future], future.result())

    scenes = [done["scene", index] for index in range(config.scenes)]
    shifts = {scene["name"]: scene["shifts"] for scene in scenes}
    world = {
        "format_version": FORMAT_VERSION,
        "licence": "CC0-1.0",
        "legend": "worldcover",
        "config": asdict(config),
        "scenes": scenes,
        "pairs": [done["pair", index] for index in range(config.pairs)],
    }
    (out / "truth").mkdir(exist_ok=True)
    _write_json(out / "truth" / "shifts.json", shifts)
    _write_json(out / "world.json", world)
    return world


def _write_item(out: Path, config: WorldConfig, kind: str, index: int) -> dict[str, Any]:
    return _write_scene(out, config, index) if kind == "scene" else _write_pair(out, config, index)


def _write_scene(out: Path, config: WorldConfig, index: int) -> dict[str, Any]:
    scene = make_scene(config, index)
    folder, truth = out / "scenes" / scene.name, out / "truth" / scene.name
    folder.mkdir(parents=True, exist_ok=True)
    truth.mkdir(parents=True, exist_ok=True)
    crs = CRS.from_epsg(config.epsg)
    left, top = scene.origin_m
    fine = Affine(PIXEL_M, 0, left, 0, -PIXEL_M, top)
    coarse = Affine(2 * PIXEL_M, 0, left, 0, -2 * PIXEL_M, top)
    down, right = scene.sar_offset_px
    radar = Affine(PIXEL_M, 0, left + right * PIXEL_M, 0, -PIXEL_M, top - down * PIXEL_M)
    shifts: dict[str, list[float]] = {}
    for t, date in enumerate(scene.dates):
        day = date.replace("-", "")
        seen = {"DATETIME": date + _OPTICAL_TIME}
        _write_tif(folder / f"S2_{day}_10m.tif", scene.optical_10m[t], crs, fine, 0, BANDS_10M, seen)
        _write_tif(folder / f"S2_{day}_20m.tif", scene.optical_20m[t], crs, coarse, 0, BANDS_20M, seen)
        _write_tif(folder / f"S2_{day}_cloud.tif", scene.cloud[t][None], crs, fine, 255, ("cloud",), seen)
        tags = {"DATETIME": date + _RADAR_TIME, "UNIT": "dB"}
        _write_tif(folder / f"S1_{day}.tif", scene.sar[t], crs, radar, float("nan"), ("VV", "VH"), tags)
        _write_tif(truth / f"labels_{day}.tif", scene.labels[t][None], crs, fine, 0, ("label",), {"DATETIME": date})
        shifts[f"S2_{day}_10m.tif"] = list(scene.optical_shifts[t])
        shifts[f"S2_{day}_20m.tif"] = list(scene.optical_shifts[t])
        shifts[f"S1_{day}.tif"] = list(scene.sar_shifts[t])
    first = {"DATETIME": scene.dates[0]}
    _write_tif(folder / "labels.tif", scene.labels[0][None], crs, fine, 0, ("label",), first)
    for change in scene.changes:
        tags = {"DATETIME": scene.dates[change.first]}
        _write_tif(truth / f"change_{change.kind}.tif", change.mask[None], crs, fine, None, (change.kind,), tags)
    return _scene_record(scene, shifts)


def _scene_record(scene: WorldScene, shifts: dict[str, list[float]]) -> dict[str, Any]:
    pixel_m2 = PIXEL_M * PIXEL_M
    return {
        "name": scene.name,
        "dates": list(scene.dates),
        "cloud_share": [round(float((mask == 1).mean()), 4) for mask in scene.cloud],
        "changes": [
            {
                "kind": change.kind,
                "date": scene.dates[change.first],
                "last_date": scene.dates[change.last],
                "area_m2": int(change.mask.sum()) * pixel_m2,
                "file": f"truth/{scene.name}/change_{change.kind}.tif",
            }
            for change in scene.changes
        ],
        "shifts": shifts,
    }


def _write_pair(out: Path, config: WorldConfig, index: int) -> dict[str, Any]:
    pair = make_pair(config, index)
    base = out / "disaster" / pair.split
    for folder in ("images", "labels"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    for phase, picture, label in (("pre", pair.pre, pair.pre_label), ("post", pair.post, pair.post_label)):
        stem = f"{pair.name}_{phase}_disaster"
        _write_png(base / "images" / f"{stem}.png", picture)
        _write_json(base / "labels" / f"{stem}.json", label, indent=None)
    return {
        "name": pair.name,
        "split": pair.split,
        "disaster_type": pair.disaster_type,
        "buildings": len(pair.subtypes),
        "subtypes": {subtype: pair.subtypes.count(subtype) for subtype in sorted(set(pair.subtypes))},
    }


def _write_tif(
    path: Path,
    bands: NDArray[Any],
    crs: CRS,
    transform: Affine,
    nodata: float | None,
    names: tuple[str, ...],
    tags: dict[str, str],
) -> None:
    count, height, width = bands.shape
    tile = 256 if min(height, width) >= 256 else 128
    with (
        rasterio.Env(GDAL_NUM_THREADS=1),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype=bands.dtype.name,
            crs=crs,
            transform=transform,
            nodata=nodata,
            compress="deflate",
            predictor=3 if bands.dtype.kind == "f" else 2,
            zlevel=4,
            tiled=True,
            blockxsize=tile,
            blockysize=tile,
        ) as file,
    ):
        file.write(bands)
        file.descriptions = names
        file.update_tags(**tags)


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    kept, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_PNG_COMPRESSION, 2])
    if not kept:
        raise OSError(f"{path}: the PNG encoder refused a picture of shape {picture.shape}")
    path.write_bytes(data.tobytes())


def _write_json(path: Path, content: dict[str, Any], indent: int | None = 1) -> None:
    path.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")
