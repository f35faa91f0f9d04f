"""Images of a tile are read when a fact asks for them, and not before: most samples need label maps alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from terra_cot.errors import DataError
from terra_cot.pixels.spectral import Image
from terra_cot.store.shards import TILES, open_part, read_group
from terra_cot.tile import FrameRecord, Modality, TileRecord

Fetch = Callable[[str], tuple[FrameRecord, ...]]
"""The frame records of the tile of this name, with their rasters and cloud masks."""


class TileImages:
    """The images of one tile. `tile` may come without rasters; `fetch` brings them, once."""

    def __init__(self, tile: TileRecord, fetch: Fetch | None = None) -> None:
        self.tile = tile
        self._fetch = fetch
        self._images: dict[tuple[str, Modality], Image] | None = None

    def image(self, frame: str, modality: Modality) -> Image | None:
        """The image of a date and modality; None where the tile has none."""
        if self._images is None:
            records = self._fetch(self.tile.tile_id) if self._fetch else self.tile.frames
            self._images = {(record.frame, record.modality): Image(record) for record in records}
        return self._images.get((frame, modality))

    def cloud_fraction(self, frame: str) -> float | None:
        """Share of the date's optical image under cloud or shadow; None where it is not known."""
        records = [record for record in self.tile.shown(frame) if record.modality == "optical"]
        return records[0].cloud_fraction if records else None


_COLUMNS = [
    "tile_id",
    *(f"frames.list.element.{name}" for name in ("frame", "modality", "datetime", "bands", "cloud_fraction")),
    *(f"frames.list.element.{name}" for name in ("nodata_fraction", "shift_px", "shift_score", "shift_found_px")),
    *(f"frames.list.element.{name}" for name in ("shift_status", "shift_reason", "cloud_flag")),
    *(f"frames.list.element.{name}" for name in ("raster.bytes", "cloud.bytes")),
]


class PartImages:
    """Rasters of a part of tiles by tile, one row group in memory at a time; ask in the order of the part."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part: pq.ParquetFile | None = None
        self._groups: dict[str, int] = {}
        self._held = -1
        self._rows: dict[str, tuple[FrameRecord, ...]] = {}

    def __call__(self, tile_id: str) -> tuple[FrameRecord, ...]:
        if self._part is None:
            self._part = open_part(self._path, TILES.schema)
            for group in range(self._part.num_row_groups):
                names = read_group(self._part, group, ["tile_id"], self._path)
                self._groups |= {str(row["tile_id"]): group for row in names}
        if tile_id not in self._groups:
            raise DataError("no such tile", file=self._path, row=tile_id)
        if self._groups[tile_id] != self._held:
            self._rows = {}  # let go of before the next group is read
            rows = read_group(self._part, self._groups[tile_id], _COLUMNS, self._path)
            self._held = self._groups[tile_id]
            self._rows = {
                str(row["tile_id"]): tuple(FrameRecord.from_row(frame) for frame in row["frames"]) for row in rows
            }
        return self._rows[tile_id]

    def close(self) -> None:
        if self._part is not None:
            self._part.close()
            self._part = None
