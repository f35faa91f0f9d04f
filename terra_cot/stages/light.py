"""Tiles without their pictures: generation needs labels and names, and reads nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from terra_cot.store.shards import TILES, Part, read_rows
from terra_cot.tile import TileRecord

_LIGHT = [
    *(name for name in TILES.schema.names if name not in ("frames", "label")),
    *(f"frames.list.element.{name}" for name in ("frame", "modality", "datetime", "bands", "cloud_fraction")),
    *(f"frames.list.element.{name}" for name in ("nodata_fraction", "shift_px", "shift_score")),
    *(f"frames.list.element.{name}" for name in ("shift_found_px", "shift_status", "shift_reason", "cloud_flag")),
    "label.bytes",
]


def light_tiles(folder: Path, part: Part) -> Iterator[TileRecord]:
    """Tiles of a part without the bytes of their images and rasters (empty in the records)."""
    for row in read_rows(folder / part.path, TILES, _LIGHT) if part.rows else ():
        yield TileRecord.from_row(row)
