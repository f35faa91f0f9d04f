"""A part of samples is checked with the part of tiles that it follows from: together they need nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from terra_cot.cut import TileOptions
from terra_cot.errors import DataError
from terra_cot.pixels.images import PartImages
from terra_cot.store.counts import SAMPLE_KEYS
from terra_cot.store.shards import SAMPLES, TILES, Part, Table, read_rows
from terra_cot.tile import TileRecord
from terra_cot.verify.report import Problem, Report, Where
from terra_cot.verify.sample import Labels, check_sample
from terra_cot.verify.tile import check_tile


@dataclass(frozen=True, slots=True)
class PartJob:
    """The check of one part of tiles and the part of samples that follows from it."""

    folder: Path
    tiles: Part | None
    samples: Part | None
    options: TileOptions
    seed: int


def verify_part(job: PartJob) -> Report:
    report = Report()
    report.counts = {key: Counter() for key in (*SAMPLE_KEYS, "tiles_split")}
    tiles: dict[str, TileRecord] = {}
    for row, where in _rows(job.folder, job.tiles, TILES, "tile_id", report):
        report.tiles += 1
        report.counts["tiles_split"][str(row["split"])] += 1
        try:
            record = TileRecord.from_row(row)
            check_tile(record, job.options, where)
        except Exception as error:  # noqa: BLE001 - the border of a row: whatever it holds is its own fault, and named
            where.say("", f"cannot be read: {error!r}")
        else:
            tiles[record.tile_id] = _without_pixels(record)
    images = PartImages(job.folder / job.tiles.path) if job.tiles else None
    labels = Labels(images)
    for row, where in _rows(job.folder, job.samples, SAMPLES, "sample_id", report):
        report.samples += 1
        for key in SAMPLE_KEYS:
            report.counts[key][str(row[key])] += 1
        try:
            check_sample(row, tiles, labels, job.seed, where)
        except Exception as error:  # noqa: BLE001 - as above
            where.say("", f"cannot be read: {error!r}")
    if images:
        images.close()
    return report


def _rows(
    folder: Path, part: Part | None, table: Table, key: str, report: Report
) -> Iterator[tuple[dict[str, Any], Where]]:
    """Rows of a part, each with its place in the report; notes twins and rows that are too few or too many."""
    if part is None:
        return
    seen: set[str] = set()
    rows = 0
    try:
        for row in read_rows(folder / part.path, table):
            rows += 1
            where = Where(part.path, str(row[key]), report)
            if where.row in seen:
                where.say(key, "appears twice")
            seen.add(where.row)
            yield row, where
    except DataError as error:
        report.problems.append(Problem(part.path, None, "", f"cannot be read: {error}"))
        return
    if rows != part.rows:
        report.problems.append(Problem(part.path, None, "rows", f"has {rows}, the manifest says {part.rows}"))


def _without_pixels(record: TileRecord) -> TileRecord:
    """A tile kept for its samples: label and names, no images."""
    return replace(record, frames=tuple(replace(frame, image=b"", raster=None, cloud=None) for frame in record.frames))
