"""Samples a second from tiles already cut, and where the time goes. Run by hand: `python tests/speed/generate.py`.

Tiles are made once (seeded, 256 px, 7 classes, realistic regions), written as a dataset, and generation is run on them
by the same code as `terra-cot generate`, with 1 and 2 workers in turn. Prints medians; asserts nothing.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from terra_cot import curate
from terra_cot.engine import Crew
from terra_cot.pixels import encode
from terra_cot.recipe import Recipe, make_recipe
from terra_cot.store.manifest import write_manifest
from terra_cot.store.shards import TILES, write_part
from terra_cot.store.workspace import Marker, Workspace
from terra_cot.tile import FrameRecord, TileRecord

CODES = np.array([80, 50, 60, 30, 40, 10, 20], np.uint8)
SIDE_PX = 256


def label_map(rng: np.random.Generator) -> np.ndarray:
    """HW uint8 WorldCover codes: the strongest of seven smooth fields, a realistic number of regions."""
    noise = rng.standard_normal((len(CODES), SIDE_PX, SIDE_PX)).astype(np.float32)
    fields = [
        cv2.GaussianBlur(field, (0, 0), sigma) for field, sigma in zip(noise, (5, 6, 7, 8, 9, 10, 12), strict=True)
    ]
    return CODES[np.argmax([field / field.std() for field in fields], axis=0)]


def tile(number: int, rng: np.random.Generator, picture: bytes) -> TileRecord:
    frame = FrameRecord(
        frame="t0",
        modality="optical",
        datetime="2023-04-12T00:00:00Z",
        image=picture,
        raster=None,
        bands=("B04", "B03", "B02"),
        cloud_fraction=0.0,
        nodata_fraction=0.0,
        shift_px=(0.0, 0.0),
        shift_score=None,
        shift_found_px=None,
        shift_status="alone",
    )
    return TileRecord(
        tile_id=f"tile_{number:05d}",
        frames=(frame,),
        label=encode.label_png(label_map(rng).astype(np.uint16)),
        label_frame="t0",
        legend="worldcover",
        crs="EPSG:32633",
        transform=(10.0, 0.0, 300000.0, 0.0, -10.0, 5400000.0),
        width=SIDE_PX,
        height=SIDE_PX,
        gsd_m=10.0,
        source="speed",
        source_id="speed",
        licence="CC0-1.0",
        split="train",
        lon=12.3,
        lat=48.7,
    )


def make_tiles(folder: Path, recipe: Recipe, tiles: int, a_part: int) -> None:
    rng = np.random.default_rng(0)
    picture = encode.png(rng.integers(0, 255, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8))
    with Workspace(folder, recipe.body()) as workspace:
        (workspace.hidden / "scan.json").write_text('{"scenes": 1, "sources": [], "dropped": {}}')
        (workspace.hidden / "scenes.dropped.jsonl").touch()
        parts = []
        for number in range(tiles // a_part):
            rows = (tile(number * a_part + k, rng, picture).to_row() for k in range(a_part))
            part = write_part(folder, TILES, number, rows)
            workspace.markers.mark(TILES, number, Marker("speed", part, {"split": {"train": part.rows}}))
            parts.append(part)
        workspace.markers.mark_tiled()
    body = {"recipe": recipe.body(), "recipe_sha256": recipe.sha256(), "seed": 0, "sources": [], "counts": {}}
    write_manifest(folder, "dataset", body, parts)


def once(folder: Path, workers: int) -> tuple[float, int]:
    shutil.rmtree(folder / "samples", ignore_errors=True)
    start = time.perf_counter()
    manifest = curate.generate(folder, crew=Crew(workers))
    return time.perf_counter() - start, manifest["counts"]["samples"]["kept"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    recipe = make_recipe(
        {"name": "speed", "source": {"kind": "rasters", "root": "."}, "generate": {"res": 2, "l1_min": 4, "l1_max": 4}}
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "dataset"
        make_tiles(folder, recipe, arguments.tiles, 64)
        rates: dict[int, list[float]] = {1: [], 2: []}
        samples = 0
        for _ in range(arguments.rounds):
            for workers, found in rates.items():
                seconds, samples = once(folder, workers)
                found.append(samples / seconds)
        print(f"{arguments.tiles} tiles of {SIDE_PX} px, {samples} samples, start of the workers included")
        for workers, found in rates.items():
            rounds = [round(rate) for rate in found]
            print(f"  {workers} worker(s): median {statistics.median(found):,.0f} samples/s of {rounds}")
        profile = cProfile.Profile()
        profile.runcall(once, folder, 1)
        print("\nwhat dominates (one worker, profiled):")
        pstats.Stats(profile).sort_stats("tottime").print_stats(16)


if __name__ == "__main__":
    main()
