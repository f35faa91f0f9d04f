"""Tiles with their samples: both tables of a dataset joined part by part, streamed.

Part k of the samples refers to tiles of part k only, so a part is joined on its own: its samples are held (text and
RLE), its tiles pass one row group at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terra_cot.sample import Sample
from terra_cot.store.manifest import manifest_parts
from terra_cot.store.shards import SAMPLES, TILES, Part, open_part, read_group, read_rows
from terra_cot.tile import TileRecord


@dataclass(frozen=True, slots=True)
class Pair:
    """The tiles and the samples of one part number; `samples` is None where those tiles give none."""

    name: str
    tiles: Part
    samples: Part | None


def pairs(manifest: dict[str, Any]) -> list[Pair]:
    """The parts of a dataset, in order of their numbers."""
    tables: dict[str, dict[str, Part]] = {TILES.name: {}, SAMPLES.name: {}}
    for part in manifest_parts(manifest):
        table, _, file = part.path.partition("/")
        tables[table][file.removeprefix("part-").removesuffix(".parquet")] = part
    tiles, samples = tables[TILES.name], tables[SAMPLES.name]
    for name in samples.keys() - tiles.keys():
        raise DataError("samples without their tiles", file=samples[name].path, fix="make the dataset again")
    return [Pair(name, tiles[name], samples.get(name)) for name in sorted(tiles, key=lambda name: (len(name), name))]


def joined(
    folder: Path, pair: Pair, *, images: bool = True, rasters: bool = False
) -> Iterator[tuple[TileRecord, tuple[Sample, ...]]]:
    """Each tile of a part with its samples, in the order of the parts.

    Args:
        images: with the PNG for display of each frame; empty bytes otherwise.
        rasters: with the GeoTIFF of all bands; None otherwise.

    Raises:
        DataError: a file is missing or cannot be read, or a sample has no tile here.
    """
    held: dict[str, list[Sample]] = defaultdict(list)
    if pair.samples:
        for row in read_rows(folder / pair.samples.path, SAMPLES):
            held[row["tile_id"]].append(Sample.from_row(row))
    for tile in tiles_of(folder, pair.tiles, images=images, rasters=rasters):
        yield tile, tuple(held.pop(tile.tile_id, ()))
    for tile_id, samples in held.items():
        raise DataError(
            "a sample of a tile that its part does not have",
            file=pair.samples.path if pair.samples else None,
            row=samples[0].sample_id,
            field="tile_id",
            got=tile_id,
        )


def tiles_of(folder: Path, part: Part, *, images: bool = False, rasters: bool = False) -> Iterator[TileRecord]:
    """Tiles of one part, without the bytes that are not asked for."""
    path = folder / part.path
    heavy = tuple(
        f"frames.list.element.{name}."
        for name, wanted in (("image", images), ("raster", rasters), ("cloud", False))
        if not wanted
    )
    with open_part(path, TILES.schema) as file:
        leaves = [file.schema.column(number).path for number in range(len(file.schema))]
        columns = [leaf for leaf in leaves if not leaf.startswith(heavy)]
        for group in range(file.num_row_groups):
            for row in read_group(file, group, columns, path):
                yield TileRecord.from_row(row)
