"""Datasets to look at: several dates and sensors in a sample, hostile text, and ten thousand samples."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from exportfactory import changed, small_dataset

from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.mask import Mask
from terra_cot.sample import Sample, ShownFrame
from terra_cot.store.counts import SAMPLE_KEYS, dataset_counts
from terra_cot.store.join import joined, pairs
from terra_cot.store.manifest import read_manifest, write_manifest
from terra_cot.store.shards import SAMPLES, TILES, write_part
from terra_cot.tile import TileRecord

HOSTILE = "<img src=x onerror=\"document.title='taken'\"></script><script>document.title='taken'</script>\u2028'\"&"


def block(frame: str, label: str, tile: TileRecord, rows: slice, columns: slice) -> Mask:
    pixels = np.zeros((tile.height, tile.width), np.bool_)
    pixels[rows, columns] = True
    return Mask.from_array(frame, label, pixels)


def through_time(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
    """The first sample tells of two dates and both sensors, with a mask on each date and one inside another."""
    masks = (
        block("t0", "tree", tile, slice(4, 40), slice(6, 50)),
        block("t1", "tree", tile, slice(4, 20), slice(6, 50)),
        block("t0", "water", tile, slice(10, 20), slice(10, 20)),
    )
    steps = ("Image: t0 [SEG] shows forest of 2.5 ha.", "Image: t1 [SEG] shows less of it.")
    chain = " ".join((*steps, "A pond [SEG] lies inside.", "So some is gone."))
    frames = tuple(ShownFrame(entry.frame, entry.modality) for entry in tile.frames)
    first = replace(samples[0], chain=chain, masks=masks, frames=frames, options=("loss", "no loss"), answer="loss")
    return tile, (first, *samples[1:])


def six_dates(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
    """The first sample tells of six dates, with a mask on the last but one."""
    frames = tuple(replace(tile.frames[0], frame=f"t{number}") for number in range(6))
    mask = block("t4", "change of later", tile, slice(4, 20), slice(6, 50))
    shown = tuple(ShownFrame(entry.frame, entry.modality) for entry in frames)
    first = replace(samples[0], chain="It begins in Image: t4 [SEG].", masks=(mask,), evidence=(), frames=shown)
    return replace(tile, frames=frames), (first,)


def hostile(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
    """Every text of the first sample is an attack, its id and the label of its mask too."""
    first = samples[0]
    masks = tuple(replace(mask, label=HOSTILE) for mask in first.masks)
    words = dict.fromkeys(("question", "answer", "task", "writer"), HOSTILE)
    first = replace(
        first, sample_id=f"{tile.tile_id}/{HOSTILE}", chain=f"{HOSTILE} {first.chain}", masks=masks, **words
    )
    return tile, (replace(first, options=(HOSTILE, "no")), *samples[1:])


def series_dataset(folder: Path) -> Path:
    return changed(small_dataset(folder / "plain", scenes=1), folder / "series", through_time)


def long_dataset(folder: Path) -> Path:
    return changed(small_dataset(folder / "plain", scenes=1), folder / "long", six_dates)


def hostile_dataset(folder: Path) -> Path:
    return changed(small_dataset(folder / "plain", scenes=1), folder / "hostile", hostile)


def repeated_dataset(folder: Path, wanted: int, part_tiles: int = 256) -> Path:
    """At least `wanted` samples: the same tiles under new names, written about again and again with other seeds."""
    small, out = small_dataset(folder / "plain", scenes=2), folder / "many"
    manifest = read_manifest(small, "dataset")
    tiles = [tile for pair in pairs(manifest) for tile, samples in joined(small, pair) if samples]
    options = GenerateOptions(res=2, l1_min=4, l1_max=6, l2_min=3, l2_max=4, sensor_share=0)
    parts, splits, counts, made = [], Counter[str](), {key: Counter[str]() for key in SAMPLE_KEYS}, 0
    number = 0
    while made < wanted:
        rows = []
        for turn in range(part_tiles):
            if made >= wanted:
                break
            again = number * part_tiles + turn
            tile = tiles[again % len(tiles)]
            tile = replace(tile, tile_id=f"{tile.tile_id}-{again:05d}")
            samples = [sample for sample in samples_of(tile, options, again) if isinstance(sample, Sample)]
            made += len(samples)
            rows.append((tile, samples))
        parts.append(write_part(out, TILES, number, [tile.to_row() for tile, _ in rows]))
        parts.append(write_part(out, SAMPLES, number, [sample.to_row() for _, found in rows for sample in found]))
        for tile, found in rows:
            splits[tile.split] += 1
            for key in SAMPLE_KEYS:
                counts[key].update(getattr(sample, key) for sample in found)
        number += 1
    kept = {key: manifest[key] for key in ("recipe", "recipe_sha256", "seed", "sources")}
    numbers = dataset_counts(scenes=1, tiles=splits, samples=counts, drops=[])
    write_manifest(out, "dataset", {**kept, "counts": numbers, "files": []}, parts)
    return out
