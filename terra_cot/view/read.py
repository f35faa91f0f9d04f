"""Chosen samples with their tiles, part by part: of the tiles only the row groups that hold one of them are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from terra_cot.errors import DataError
from terra_cot.store.join import Pair
from terra_cot.store.shards import SAMPLES, TILES, open_part, read_group, read_rows

Row = dict[str, Any]
TILE = ("tile_id", "source", "source_id", "licence", "legend", "crs", "gsd_m", "width", "height", "lon", "lat")
FRAME = ("datetime", "bands", "cloud_fraction", "nodata_fraction", "shift_px", "shift_status", "shift_score")
_COLUMNS = [*TILE, *(f"frames.list.element.{name}" for name in ("frame", "modality", "image.bytes", *FRAME))]
_NEEDED = pa.schema([TILES.schema.field(name) for name in (*TILE, "frames")])


def chosen_rows(folder: Path, pair: Pair, rows: Sequence[int]) -> Iterator[tuple[Row, list[Row]]]:
    """Each tile of a part that has a chosen sample, and those samples, as rows of the columns that a site shows.

    Raises:
        DataError: a file is missing or cannot be read, or a sample has no tile here.
    """
    held: defaultdict[str, list[Row]] = defaultdict(list)
    wanted = set(rows)
    if pair.samples and wanted:
        for number, row in enumerate(read_rows(folder / pair.samples.path, SAMPLES)):
            if number in wanted:
                held[row["tile_id"]].append(row)
    if not held:
        return
    path = folder / pair.tiles.path
    with open_part(path, _NEEDED) as file:
        for group in range(file.num_row_groups):
            names = {row["tile_id"] for row in read_group(file, group, ["tile_id"], path)}
            if held.keys().isdisjoint(names):
                continue
            for row in read_group(file, group, _COLUMNS, path):
                if row["tile_id"] in held:
                    yield row, held.pop(row["tile_id"])
    for tile_id, left in held.items():
        raise DataError(
            "a sample of a tile that its part does not have",
            file=pair.samples.path if pair.samples else None,
            row=left[0]["sample_id"],
            field="tile_id",
            got=tile_id,
        )
