"""Tiles for benchmark tests: WorldCover mosaics of 96 px and damage maps of 160 px, with PNG frames."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terra_cot.balance.duplicates import perceptual_hash
from terra_cot.store.manifest import write_manifest
from terra_cot.store.shards import TILES, write_part
from terra_cot.tile import FrameRecord, TileRecord

CODES = np.array([80, 50, 60, 30, 40, 10, 20], np.uint8)
SIDE, DAMAGE_SIDE = 96, 160
USUAL = np.array([-0.5, -0.9, -0.4, 0.5, 0.6, 1.1, -0.2])
"""How much of the land the classes of CODES usually take: what a reader of texts could know."""


def png(array: NDArray[np.uint8]) -> bytes:
    buffer = BytesIO()
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def mosaic(rng: np.random.Generator, habits: float) -> NDArray[np.uint8]:
    """HW WorldCover codes: smooth fields, the highest wins; a strip of void now and then.

    `habits` 0: all classes are alike; 1: some are usually large and others small.
    """
    cells = int(rng.integers(3, 9))
    fields = [
        np.asarray(Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32)).resize((SIDE, SIDE), 3))
        + rng.normal() * 0.6
        + habits * usual
        for usual in USUAL
    ]
    label = CODES[np.argmax(fields, axis=0)]
    if rng.random() < 0.2:
        label[: int(rng.integers(1, 20))] = 0
    return label


def damage(rng: np.random.Generator) -> NDArray[np.uint8]:
    """HW xBD codes: buildings apart from each other on a jittered grid; how many are destroyed varies by tile."""
    label = np.zeros((DAMAGE_SIDE, DAMAGE_SIDE), np.uint8)
    share = rng.beta(1.2, 1.5)
    for row in range(2, DAMAGE_SIDE - 10, 12):
        for column in range(2, DAMAGE_SIDE - 10, 12):
            if rng.random() < 0.75:
                height, width = rng.integers(4, 9, 2)
                code = 4 if rng.random() < share else int(rng.choice([1, 1, 2, 3, 5]))
                label[row : row + height, column : column + width] = code
    return label


def frame(name: str, modality: str, image: bytes) -> FrameRecord:
    return FrameRecord(
        frame=name,
        modality=modality,  # type: ignore[arg-type]
        datetime="2024-05-01T00:00:00Z",
        image=image,
        raster=None,
        bands=("B04", "B03", "B02"),
        cloud_fraction=0.0,
        nodata_fraction=0.0,
        shift_px=(0.0, 0.0),
        shift_score=None,
        shift_found_px=None,
        shift_status="alone",
    )


def tiles(count: int, seed: int, damage_count: int, split: str, habits: float) -> Iterator[TileRecord]:
    rng = np.random.default_rng(seed)
    for number in range(count + damage_count):
        pair = number >= count
        label = damage(rng) if pair else mosaic(rng, habits)
        side = label.shape[0]
        small = np.repeat((label * 2)[:, :, None], 3, axis=2)
        image = png(small)
        frames = [frame("t0", "optical", image)]
        frames.append(frame("t1", "optical", image) if pair else frame("t0", "sar", image))
        yield TileRecord(
            tile_id=f"tile-{seed}-{number:05d}",
            frames=tuple(frames),
            label=png(label),
            label_frame="t1" if pair else "t0",
            legend="xbd-damage" if pair else "worldcover",
            crs=None,
            transform=(0.5 if pair else 10.0, 0.0, 0.0, 0.0, -(0.5 if pair else 10.0), 0.0),
            width=side,
            height=side,
            gsd_m=0.5 if pair else 10.0,
            source="test",
            source_id=f"{seed}-{number}",
            licence="CC0-1.0",
            split=split,
            lon=None,
            lat=None,
            phash=perceptual_hash(small),
        )


def write_dataset(
    folder: Path, count: int, damage_count: int, seed: int = 0, split: str = "test", habits: float = 0.0
) -> Path:
    """A finished dataset folder in two parts of tiles."""
    records = [record.to_row() for record in tiles(count, seed, damage_count, split, habits)]
    half = (len(records) + 1) // 2
    parts = [write_part(folder, TILES, number, records[number * half : (number + 1) * half]) for number in (0, 1)]
    write_manifest(folder, "dataset", {"sources": []}, parts)
    return folder
