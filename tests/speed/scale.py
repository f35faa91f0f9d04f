"""The whole run at 10 k, 100 k, 1 M samples: `python tests/speed/scale.py 10000 100000`.

One place of the synthetic world (2,048 px: Sentinel-2 bands of 10 m and 20 m, a WorldCover map in degrees, so that the
20 m bands and the map are warped) is linked under as many names as the samples need; each name is read, warped and cut
again. RES, Cap-CoT and L1 samples, pictures without rasters. Prints samples a second, CPU-seconds, peak memory of a
worker, bytes a sample and what 1 M and 100 M would take; asserts nothing.

`--engine ray` runs the same parts by Ray; `--workers` as in the command.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import rasterio
from rasterio.enums import Resampling
from rasterio.warp import calculate_default_transform, reproject

from terra_cot import curate
from terra_cot.engine import Crew
from terra_cot.recipe import Recipe, make_recipe
from terra_cot.world import WorldConfig, write_world

SIDE_PX = 2048
TILE_PX = 256


def place(folder: Path) -> Path:
    """One place of the world with one date, its label map in degrees as WorldCover ships it."""
    config = WorldConfig(scenes=1, pairs=0, size_px=SIDE_PX, cloud_cover=0.0)
    write_world(folder / "world", config, workers=1)
    (scene,) = (folder / "world" / "scenes").iterdir()
    found = folder / "place"
    found.mkdir()
    date = sorted(path.name.split("_")[1] for path in scene.glob("S2_*_10m.tif"))[0]
    for name in ("10m", "20m"):
        shutil.copy(scene / f"S2_{date}_{name}.tif", found / f"S2_{date}_{name}.tif")
    with rasterio.open(scene / "labels.tif") as source:
        transform, width, height = calculate_default_transform(
            source.crs, "EPSG:4326", source.width, source.height, *source.bounds
        )
        profile = source.profile | {"crs": "EPSG:4326", "transform": transform, "width": width, "height": height}
        with rasterio.open(found / "labels.tif", "w", **profile) as target:
            reproject(
                rasterio.band(source, 1),
                rasterio.band(target, 1),
                dst_nodata=0,
                resampling=Resampling.nearest,
            )
    return found


def archive(found: Path, root: Path, scenes: int) -> None:
    for number in range(scenes):
        folder = root / f"place{number:06d}"
        folder.mkdir(parents=True)
        for path in found.iterdir():
            os.link(path, folder / path.name)


def recipe(root: Path) -> Recipe:
    return make_recipe(
        {
            "name": "scale",
            "source": {
                "kind": "rasters",
                "root": str(root),
                "frames": [
                    {"modality": "optical", "files": ["{scene}/S2_{date}_10m.tif", "{scene}/S2_{date}_20m.tif"]}
                ],
                "label": "{scene}/labels.tif",
                "legend": "worldcover",
            },
            "tile": {"size_px": TILE_PX, "raster": False},
            "generate": {"res": 2, "caption": 1, "l1_min": 2, "l1_max": 4, "l2_min": 0, "l2_max": 0},
            "near_duplicate_bits": None,
            "part_tiles": 256,
        }
    )


def peak_mb() -> dict[int, int]:
    """Peak resident memory (MB) of this process and its children by process id."""
    own = os.getpid()
    children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    found = {}
    for process in (own, *map(int, children)):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text()
            for kilobytes in re.findall(r"VmHWM:\s*(\d+)", status):
                found[process] = int(kilobytes) // 1024
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", type=int, nargs="+")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engine", default="local")
    arguments = parser.parse_args()
    per_tile = 6.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # its memory is not that of the run
            found = apart.submit(place, folder).result()
        for samples in arguments.samples:
            scenes = max(1, round(samples / per_tile / (SIDE_PX // TILE_PX) ** 2 + 0.5))
            root, out = folder / "archive", folder / "out"
            archive(found, root, scenes)
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            stages: dict[str, float] = {}

            peaks: dict[int, int] = {}

            def on_step(
                stage: str, done: int, total: int, stages: dict[str, float] = stages, peaks: dict[int, int] = peaks
            ) -> None:
                stages[stage] = time.perf_counter()
                if stage != "scan":
                    peaks.update(peak_mb())

            manifest = curate.run(recipe(root), out, crew=Crew(arguments.workers, arguments.engine), on_step=on_step)
            wall = time.perf_counter() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            own = peaks.pop(os.getpid(), 0)
            made, tiles = manifest["counts"]["samples"]["kept"], manifest["counts"]["tiles"]["kept"]
            per_tile = made / tiles
            size = sum(part["bytes"] for part in manifest["parts"])
            print(
                f"{made:,} samples, {tiles:,} tiles ({per_tile:.1f} a tile), {arguments.workers} x {arguments.engine}"
            )
            print(f"  {wall:,.0f} s, {made / wall:,.0f} samples/s; {made / cpu:,.0f} a CPU-second of the workers")
            marks = [start, *stages.values()]
            for stage, since, at in zip(stages, marks, marks[1:], strict=False):
                print(f"  {stage}: {at - since:,.1f} s")
            print(f"  peak memory: worker {max(peaks.values(), default=0):,} MB, parent {own:,} MB")
            print(f"  {size / made / 1000:,.1f} kB a sample on disk")
            print(f"  at this rate 1 M take {1e6 * wall / made / 60:,.0f} min, 100 M {1e8 * wall / made / 3600:,.0f} h")
            shutil.rmtree(root)
            shutil.rmtree(out)


if __name__ == "__main__":
    main()
