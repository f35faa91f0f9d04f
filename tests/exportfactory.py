"""Small datasets for tests of exports and readers: real runs, and the same tiles with samples of other shapes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from geofactory import rasters_archive

from terra_cot import curate
from terra_cot.recipe import make_recipe
from terra_cot.sample import Sample, ShownFrame
from terra_cot.store.counts import SAMPLE_KEYS, dataset_counts
from terra_cot.store.join import joined, pairs
from terra_cot.store.manifest import read_manifest, write_manifest
from terra_cot.store.shards import SAMPLES, TILES, write_part
from terra_cot.tile import TileRecord
from terra_cot.world import WorldConfig, write_world

Change = Callable[[TileRecord, tuple[Sample, ...]], tuple[TileRecord, tuple[Sample, ...]]]


def small_dataset(folder: Path, scenes: int = 2, side: int = 128, **more: object) -> Path:
    """Places with two optical dates and a SAR image each, labelled; parts of three tiles."""
    recipe = rasters_archive(folder / "data", scenes=scenes, side=side)
    curate.run(make_recipe({**recipe, "part_tiles": 3, **more}), folder / "dataset")
    return folder / "dataset"


def world_dataset(folder: Path) -> Path:
    """One place of the synthetic world and four disaster pairs, which have no CRS."""
    write_world(folder / "world", WorldConfig(scenes=1, pairs=4, size_px=256))
    source = {"kind": "world", "root": str(folder / "world")}
    curate.run(make_recipe({"name": "world", "source": source, "tile": {"size_px": 128}}), folder / "dataset")
    return folder / "dataset"


def changed(dataset: Path, out: Path, change: Change) -> Path:
    """A dataset with every tile and its samples passed through `change`."""
    manifest = read_manifest(dataset, "dataset")
    parts, tiles, counts = [], Counter[str](), {key: Counter[str]() for key in SAMPLE_KEYS}
    for number, pair in enumerate(pairs(manifest)):
        rows = [change(*row) for row in joined(dataset, pair, images=True, rasters=True)]
        parts.append(write_part(out, TILES, number, [tile.to_row() for tile, _ in rows]))
        parts.append(write_part(out, SAMPLES, number, [sample.to_row() for _, found in rows for sample in found]))
        for tile, found in rows:
            tiles[tile.split] += 1
            for key in SAMPLE_KEYS:
                counts[key].update(getattr(sample, key) for sample in found)
    kept = {key: manifest[key] for key in ("recipe", "recipe_sha256", "seed", "sources")}
    numbers = dataset_counts(scenes=1, tiles=tiles, samples=counts, drops=[])
    write_manifest(out, "dataset", {**kept, "counts": numbers, "files": []}, [part for part in parts if part.rows])
    return out


def showing(*frames: tuple[str, str]) -> Change:
    """Every sample shows these frames."""

    def change(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
        shown = tuple(ShownFrame(frame, modality) for frame, modality in frames)  # type: ignore[arg-type]
        return tile, tuple(replace(sample, frames=shown) for sample in samples)

    return change


def every_sample(dataset: Path) -> dict[str, tuple[TileRecord, Sample]]:
    """Samples by id, with their tiles."""
    found = {}
    for pair in pairs(read_manifest(dataset, "dataset")):
        for tile, samples in joined(dataset, pair, rasters=True):
            found |= {sample.sample_id: (tile, sample) for sample in samples}
    return found


def every_tile(dataset: Path) -> dict[str, TileRecord]:
    parts = pairs(read_manifest(dataset, "dataset"))
    return {tile.tile_id: tile for pair in parts for tile, _ in joined(dataset, pair, rasters=True)}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
