"""Cutting one 10,980 x 10,980 scene into 256 px tiles, against decoding it once and against gdalwarp.

Run by hand: `python tests/speed/tiles.py`. The scene is made (four uint16 bands, deflate, predictor 2, blocks of 512),
and the ways of the same work alternate: every block decoded once (the floor), every tile read by the project's reader
(same grid, then 20 m to 10 m), `rasterio.warp.reproject` of the whole, and file to file by `gdalwarp`, or by `rio warp`
where Debian's gdal-bin is not installed: one thread, blocks without compression, so that writing costs it little.
Prints medians and ratios; asserts nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.transform import array_bounds
from rasterio.warp import reproject

from terra_cot.geo.grid import Grid
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Asset, Scene, SceneFrame

CRS = "EPSG:32633"
BANDS = ("B02", "B03", "B04", "B08")
TILE_PX = 256
WARP = "gdalwarp" if shutil.which("gdalwarp") else str(Path(sys.executable).with_name("rio"))


def write_scene(path: Path, side_px: int, pixel_m: float) -> None:
    """A raster that compresses like imagery: smooth fields, an edge here and there, sensor noise."""
    rng = np.random.default_rng(0)
    profile = {
        "driver": "GTiff", "count": len(BANDS), "height": side_px, "width": side_px, "dtype": "uint16", "crs": CRS,
        "transform": Affine(pixel_m, 0, 300000, 0, -pixel_m, 5400000), "tiled": True, "blockxsize": 512,
        "blockysize": 512, "compress": "deflate", "predictor": 2, "nodata": 0,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        coarse = cv2.resize(rng.standard_normal((side_px // 40, side_px // 40)).astype(np.float32), (side_px, side_px))
        for band in range(1, len(BANDS) + 1):
            noise = rng.standard_normal((side_px, side_px), dtype=np.float32)
            dataset.write(np.clip(900 + 300 * coarse * band + 25 * noise, 1, 9000).astype(np.uint16), band)


def decode(path: Path) -> int:
    """Every block of every band, once, in file order."""
    total = 0
    with rasterio.open(path) as dataset:
        for _, window in dataset.block_windows(1):
            total += dataset.read(window=window).size
    return total


def cut(path: Path, grid: Grid) -> int:
    """Every whole tile of `grid` through the project's reader."""
    described = SceneFrame("t0", "2023-04-12T00:00:00Z", "optical", (Asset(path.name, BANDS),))
    total = 0
    with SceneReader(Scene("scene", "speed", str(path.parent), (described,), grid)) as reader:
        for _, _, place in grid.tiles(TILE_PX):
            if place is not None:
                total += reader.frame(described, place).pixels.size
    return total


def warp_whole(path: Path, grid: Grid) -> int:
    """The whole raster on `grid` in one call."""
    with rasterio.open(path) as dataset:
        out = np.zeros((dataset.count, *grid.shape), np.uint16)
        reproject(
            rasterio.band(dataset, dataset.indexes), out, dst_transform=grid.transform, dst_crs=grid.crs, dst_nodata=0,
            resampling=Resampling.bilinear, num_threads=1,
        )  # fmt: skip
    return out.size


def warp_files(source: Path, grid: Grid) -> int:
    """`source` on `grid` as a file, in a process of its own."""
    left, bottom, right, top = array_bounds(grid.height, grid.width, grid.transform)
    bounds, size, target = [str(edge) for edge in (left, bottom, right, top)], str(grid.gsd_m), f"{source}.warped.tif"
    if WARP == "gdalwarp":
        command = ["gdalwarp", "-q", "-overwrite", "-t_srs", CRS, "-te", *bounds, "-tr", size, size, "-r", "bilinear"]
        command += ["-co", "TILED=YES", "-co", "BIGTIFF=YES", str(source), target]
    else:
        command = [WARP, "warp", str(source), target, "--overwrite", "--dst-crs", CRS, "--dst-bounds", *bounds]
        command += ["--res", size, "--resampling", "bilinear", "--co", "TILED=YES", "--co", "BIGTIFF=YES"]
    subprocess.run(command, check=True, env={**os.environ, "GDAL_NUM_THREADS": "1"})
    return Path(target).stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10980)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    side, tool = arguments.side, Path(WARP).name
    with tempfile.TemporaryDirectory() as scratch:
        fine, coarse = Path(scratch) / "10m.tif", Path(scratch) / "20m.tif"
        write_scene(fine, side, 10)
        write_scene(coarse, side // 2, 20)
        grid = Grid(CRS, Affine(10, 0, 300000, 0, -10, 5400000), side, side, 10.0)
        ways: dict[str, Callable[[], int]] = {
            "decode 10 m once (floor)": lambda: decode(fine),
            "cut 10 m into tiles": lambda: cut(fine, grid),
            "decode 20 m once (floor)": lambda: decode(coarse),
            "cut 20 m into 10 m tiles": lambda: cut(coarse, grid),
            "reproject 20 m to 10 m whole": lambda: warp_whole(coarse, grid),
            f"{tool} 10 m, same grid": lambda: warp_files(fine, grid),
            f"{tool} 20 m to 10 m": lambda: warp_files(coarse, grid),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - start)
        for name, found in seconds.items():
            print(f"{name:30} {statistics.median(found):7.2f} s")
        for above, below in (
            ("cut 10 m into tiles", "decode 10 m once (floor)"),
            ("cut 20 m into 10 m tiles", "reproject 20 m to 10 m whole"),
            ("cut 10 m into tiles", f"{tool} 10 m, same grid"),
            ("cut 20 m into 10 m tiles", f"{tool} 20 m to 10 m"),
        ):
            ratios = [a / b for a, b in zip(seconds[above], seconds[below], strict=True)]
            print(f"{above} / {below}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
