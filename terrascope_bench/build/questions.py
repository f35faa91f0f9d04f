"""Pass 2: chosen candidates become questions with masks and evidence, each in every variant that its tile can show.

Tiles are read once more, in the order of their parts, and of a row group only where a tile of it was chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from terra_cot.draw import digest
from terra_cot.store.shards import FRAME, TILES, Part, open_part, read_group, write_part
from terra_cot.tile import TileRecord
from terrascope_bench.build.propose import Wanted, tile_view
from terrascope_bench.build.variants import ending, showings, worded
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.tasks import TASKS, Candidate

ROWS_PER_PART = 1024
_WITHOUT_RASTERS = [name for name in TILES.schema.names if name != "frames"] + [
    f"frames.list.element.{field.name}" for field in FRAME if field.name != "raster"
]
"""Columns of a tile; its GeoTIFFs, some ten times the rest, are not read where they are not kept."""


@dataclass
class Written:
    """What was written: `texts` are the questions without pictures and masks, in their order.

    `shown` and `impossible` count questions by variant and, where it cannot be shown, by reason; `instead` those of the
    latter that are shown with other frames; `endings` count rows by the ending of their id; `sources` count questions
    by source and licence.
    """

    texts: list[Question] = field(default_factory=list)
    shown: Counter[str] = field(default_factory=Counter)
    impossible: Counter[tuple[str, str]] = field(default_factory=Counter)
    instead: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    sources: Counter[tuple[str, str]] = field(default_factory=Counter)


def write_questions(
    out: Path,
    parts: Sequence[Path],
    chosen: dict[str, list[Candidate]],
    wanted: Wanted,
    rasters: bool,
    on_tile: Callable[[int], None],
) -> tuple[list[Part], Written]:
    """Write the parts of the questions table; `chosen` holds the candidates of each tile."""
    written = Written()
    rows = _rows(parts, chosen, wanted, rasters, written, on_tile)
    made: list[Part] = []
    for first in rows:
        made.append(write_part(out, QUESTIONS, len(made), chain((first,), islice(rows, ROWS_PER_PART - 1))))
    return made, written


def _rows(
    parts: Sequence[Path],
    chosen: dict[str, list[Candidate]],
    wanted: Wanted,
    rasters: bool,
    written: Written,
    on_tile: Callable[[int], None],
) -> Iterator[dict[str, Any]]:
    done = 0
    for path in sorted(parts, key=_first_tile):
        with open_part(path, TILES.schema) as part:
            for group in range(part.num_row_groups):
                names = read_group(part, group, ["tile_id"], path)
                done += len(names)
                on_tile(done)
                if not any(row["tile_id"] in chosen for row in names):
                    continue
                for row in read_group(part, group, None if rasters else _WITHOUT_RASTERS, path):
                    for question in _of_tile(row, path, chosen.get(row["tile_id"], ()), wanted, written):
                        written.texts.append(replace(question, frames=(), masks=None, evidence=()))
                        yield question.to_row()


def _of_tile(
    row: dict[str, Any],
    path: Path,
    candidates: Sequence[Candidate],
    wanted: Wanted,
    written: Written,
) -> Iterator[Question]:
    if not candidates:
        return
    tile = TileRecord.from_row(row)
    view = tile_view(row, wanted.view, path)
    for candidate in candidates:
        task = TASKS[candidate.task]
        change = task.legend_kind == "damage"
        masks, evidence = task.prove(view, candidate)
        stem = digest(wanted.seed, "id", candidate.task, candidate.tile_id, *candidate.names).hex()[:16]
        written.sources[tile.source, tile.licence] += 1
        for item in showings(tile.frames, view.label_frame, change, wanted.variants):
            if item.reason is None:
                written.shown[item.variant] += 1
            else:
                written.impossible[item.variant, item.reason] += 1
                written.instead[item.variant] += bool(item.frames)
            if not item.frames:
                continue
            written.endings[ending(item.frames)] += 1
            yield Question(
                question_id=f"{candidate.task.lower()}-{stem}-{ending(item.frames)}",
                task=candidate.task,
                question=worded(candidate.question, item.frames, view.label_frame, change),
                options=candidate.options,
                option_values=candidate.values,
                answer=candidate.answer,
                frames=item.frames,
                masks=masks,
                evidence=evidence,
                tile_id=tile.tile_id,
                legend=view.legend.name,
                view=view.vocabulary.view,
                label_frame=view.label_frame,
                split=tile.split,
                width=tile.width,
                height=tile.height,
                gsd_m=tile.gsd_m,
                source=tile.source,
                source_id=tile.source_id,
                licence=tile.licence,
            )


def _first_tile(path: Path) -> str:
    with open_part(path, TILES.schema) as part:
        rows = read_group(part, 0, ["tile_id"], path)
    return rows[0]["tile_id"] if rows else ""
