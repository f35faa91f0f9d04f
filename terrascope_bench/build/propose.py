"""Pass 1: every candidate of every tile, from the label columns alone; tiles read = used + dropped by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terra_cot.legend import View, legend
from terra_cot.sample import ShownFrame
from terra_cot.store.shards import TILES, open_part, read_rows
from terra_cot.tile import decode_label
from terrascope_bench.build.variants import showings
from terrascope_bench.selection import Pool
from terrascope_bench.tasks import TASKS, Candidate, TileView

_LIGHT = [
    "tile_id",
    "frames.list.element.frame",
    "frames.list.element.modality",
    "frames.list.element.datetime",
    "label",
    "label_frame",
    "legend",
    "width",
    "height",
    "gsd_m",
    "split",
]


@dataclass
class Counts:
    """What became of tiles, and by task of candidates before the selection."""

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    proposed: Counter[str] = field(default_factory=Counter)
    refused: dict[str, Counter[str]] = field(default_factory=lambda: {code: Counter() for code in TASKS})


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame without its pixels."""

    frame: str
    modality: str
    datetime: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What candidates are wanted of: the seed, the classes, the split of the tiles, how they must be shown."""

    seed: int
    view: View
    split: str
    variants: tuple[str, ...]


def propose(
    parts: Sequence[Path], wanted: Wanted, per_task: int | None, counts: Counts, on_tile: Callable[[int], None]
) -> dict[str, Pool]:
    """The pool of candidates of each task.

    Raises:
        DataError: two tiles have one name, or a label map does not fit its tile.
    """
    pools = {code: Pool(wanted.seed, task.size if per_task is None else per_task) for code, task in TASKS.items()}
    seen: set[str] = set()
    for path in parts:
        for row in read_rows(path, TILES, _LIGHT):
            counts.read += 1
            on_tile(counts.read)
            if row["tile_id"] in seen:
                raise DataError("two tiles have this name", file=path, row=row["tile_id"], fix="give each dataset once")
            seen.add(row["tile_id"])
            reason = _unusable(row, wanted)
            if reason:
                counts.dropped[reason] += 1
                continue
            if not _propose_tile(tile_view(row, wanted.view, path), wanted.seed, pools, counts):
                counts.dropped["no_candidate"] += 1
    return pools


def _unusable(row: dict[str, Any], wanted: Wanted) -> str | None:
    """Why no task can use the tile: the name of the reason."""
    if wanted.split not in ("all", row["split"]):
        return "other_split"
    if row["label"] is None or row["legend"] is None:
        return "no_label_map"
    frames = [_Frame(frame["frame"], frame["modality"], frame["datetime"]) for frame in row["frames"]]
    if all(frame.frame != row["label_frame"] for frame in frames):
        return "no_frame_of_the_label_date"
    change = legend(row["legend"]).kind == "damage"
    if change and len({frame.frame for frame in frames}) == 1:
        return None  # the task says so itself: not_a_pair
    if not any(item.frames for item in showings(frames, row["label_frame"], change, wanted.variants)):
        return "no_frames_for_a_variant"
    return None


def _propose_tile(tile: TileView, seed: int, pools: dict[str, Pool], counts: Counts) -> bool:
    found = False
    for code, task in TASKS.items():
        if task.legend_kind != tile.legend.kind:
            continue
        for item in task.propose(tile, seed):
            counts.proposed[code] += 1
            if isinstance(item, Candidate):
                pools[code].add(item)
                found = True
            else:
                counts.refused[code][item.filter] += 1
    return found


def tile_view(row: dict[str, Any], view: View, path: Path) -> TileView:
    """A row of the tiles table as tasks see it.

    Raises:
        DataError: the label map is not on the tile's grid.
    """
    label = decode_label(row["label"]["bytes"])
    if label.shape != (row["height"], row["width"]):
        raise DataError(
            "the label map is not on the tile's grid",
            file=path,
            row=row["tile_id"],
            field="label",
            got=f"{label.shape[0]} x {label.shape[1]} px",
            expected=f"{row['height']} x {row['width']} px",
        )
    frames = tuple(ShownFrame(frame["frame"], frame["modality"]) for frame in row["frames"])
    return TileView(row["tile_id"], frames, label, row["label_frame"], legend(row["legend"]), view, row["gsd_m"])


def count_tiles(parts: Sequence[Path]) -> int:
    """Rows of the parts, from their footers."""
    total = 0
    for path in parts:
        with open_part(path, TILES.schema) as part:
            total += part.metadata.num_rows
    return total


def default_split(parts: Sequence[Path]) -> str:
    """test where any tile has it, else all."""
    tiles = (row["split"] for path in parts for row in read_rows(path, TILES, ["split"]))
    return "test" if any(split == "test" for split in tiles) else "all"
