"""A benchmark is built in two passes: texts and numbers from label maps first, pictures only of what was chosen.

Memory holds light candidates and one row group. The same tiles and seed give the same bytes, in whatever order the
folders are named. Nothing vanishes: tiles read = used + dropped by reason, and candidates = questions + refused by
named filter + left over, all in the manifest.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from terra_cot.balance.duplicates import NEAR_BITS
from terra_cot.balance.leakage import PLACE_COLUMNS, PLACES_NAME, Place, leaks, refuse_leaks, write_places
from terra_cot.draw import digest
from terra_cot.errors import ConfigError, ConflictError, DataError
from terra_cot.legend import View, legend
from terra_cot.sample import ShownFrame
from terra_cot.store.atomic import clear_leftovers, write_bytes
from terra_cot.store.manifest import file_entry, manifest_parts, manifest_sha256, read_manifest, write_manifest
from terra_cot.store.shards import TILES, Part, open_part, read_group, read_rows, write_part
from terra_cot.tile import FrameRecord, TileRecord, decode_label
from terrascope_bench.card import card
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.selection import Pool, Selection
from terrascope_bench.tasks import TASKS, Candidate, Task, TileView

OnStep = Callable[[int, int], None]
SPLITS = ("all", "train", "validation", "test")
ROWS_PER_PART = 1024
_LIGHT = [
    "tile_id",
    "frames.list.element.frame",
    "frames.list.element.modality",
    "label",
    "label_frame",
    "legend",
    "width",
    "height",
    "gsd_m",
    "split",
]


@dataclass
class _Counts:
    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    proposed: Counter[str] = field(default_factory=Counter)
    refused: dict[str, Counter[str]] = field(default_factory=lambda: {code: Counter() for code in TASKS})


def build_benchmark(
    datasets: Sequence[Path],
    out: Path,
    *,
    seed: int = 0,
    per_task: int | None = None,
    view: View = "display",
    split: str | None = None,
    rasters: bool = False,
    on_step: OnStep | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Write the benchmark folder `out` from the tiles of finished datasets; returns its manifest.

    Args:
        per_task: questions a task at most; None for the published numbers.
        split: all, train, validation or test; None takes "test" where any tile has it, else all.
        rasters: keep the frames' GeoTIFFs with all bands beside their pictures.

    Raises:
        ConfigError: an unknown split, no dataset. ConflictError: `out` is in use.
        DataError: a dataset cannot be read, two tiles share a name, not one question could be made, or a training tile
            of the same datasets shows what a question of the test split shows.
    """
    if split is not None and split not in SPLITS:
        raise ConfigError(f"no split {split!r} (known: {', '.join(SPLITS)})")
    if not datasets:
        raise ConfigError("name at least one dataset folder")
    manifests = {folder: read_manifest(folder, "dataset") for folder in datasets}
    parts = [
        folder / part.path
        for folder in datasets
        for part in manifest_parts(manifests[folder])
        if part.path.startswith(f"{TILES.name}/")
    ]
    _claim(out, force)
    total = sum(open_part(path, TILES.schema).metadata.num_rows for path in parts)
    chosen_split = split or _default_split(parts)

    step = on_step or (lambda done, of: None)
    counts = _Counts()
    pools = _propose(parts, seed, per_task, view, chosen_split, counts, lambda done: step(done, 2 * total))
    asked: set[tuple[str, ...]] = set()
    # The task with the fewest candidates chooses first: what it asks about is closed to the others.
    selections = {code: pools[code].select(asked) for code in sorted(TASKS, key=lambda code: (pools[code].size, code))}
    wanted: dict[str, list[Candidate]] = defaultdict(list)
    for selection in selections.values():
        for candidate in selection.chosen:
            wanted[candidate.tile_id].append(candidate)
    if not wanted:
        raise DataError(
            "no question could be made from these tiles",
            file=", ".join(map(str, datasets)),
            got=f"{sum(pool.size for pool in pools.values())} candidates from {counts.read} tiles",
            fix="letters are balanced in whole sets: give more tiles with label maps, or another --split",
        )
    counts.dropped["not_selected"] = counts.read - sum(counts.dropped.values()) - len(wanted)

    sources: dict[tuple[str, str], int] = Counter()
    checked = _check_training(parts, wanted, chosen_split, out)
    questions = _questions(parts, wanted, seed, view, rasters, sources, lambda done: step(total + done, 2 * total))
    written = _write(out, questions)
    body = {
        "seed": seed,
        "split": chosen_split,
        "view": view,
        "rasters": rasters,
        "datasets": sorted(
            (
                {"sha256": manifest_sha256(folder), "tiles": _tiles_of(manifest)}
                for folder, manifest in manifests.items()
            ),
            key=lambda entry: str(entry["sha256"]),
        ),
        "sources": [
            {"source": source, "licence": licence, "questions": n} for (source, licence), n in sorted(sources.items())
        ],
        "training_tiles_checked": checked,
        "files": [file_entry(out, PLACES_NAME)],
        "tiles": {"read": counts.read, "used": len(wanted), "dropped": _positive(counts.dropped)},
        "tasks": {code: _task_counts(code, counts, selections[code]) for code in TASKS},
    }
    manifest = {**body, "kind": "benchmark"}
    write_bytes(out / "README.md", card(manifest).encode())
    return write_manifest(out, "benchmark", body, written)


def _propose(
    parts: Sequence[Path],
    seed: int,
    per_task: int | None,
    view: View,
    split: str,
    counts: _Counts,
    on_tile: Callable[[int], None],
) -> dict[str, Pool]:
    """Pass 1: every candidate of every tile, from the label columns alone."""
    pools = {code: Pool(seed, task.size if per_task is None else per_task) for code, task in TASKS.items()}
    seen: set[str] = set()
    for path in parts:
        for row in read_rows(path, TILES, _LIGHT):
            counts.read += 1
            on_tile(counts.read)
            if row["tile_id"] in seen:
                raise DataError("two tiles have this name", file=path, row=row["tile_id"], fix="give each dataset once")
            seen.add(row["tile_id"])
            reason = _unusable(row, split)
            if reason:
                counts.dropped[reason] += 1
                continue
            if not _propose_tile(_view(row, view, path), seed, pools, counts):
                counts.dropped["no_candidate"] += 1
    return pools


def _unusable(row: dict[str, Any], split: str) -> str | None:
    """Why no task can use the tile: the name of the reason."""
    if split not in ("all", row["split"]):
        return "other_split"
    if row["label"] is None or row["legend"] is None:
        return "no_label_map"
    if all(frame["frame"] != row["label_frame"] for frame in row["frames"]):
        return "no_frame_of_the_label_date"
    return None


def _propose_tile(tile: TileView, seed: int, pools: dict[str, Pool], counts: _Counts) -> bool:
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


def _view(row: dict[str, Any], view: View, path: Path) -> TileView:
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


def _questions(
    parts: Sequence[Path],
    wanted: dict[str, list[Candidate]],
    seed: int,
    view: View,
    rasters: bool,
    sources: Counter[tuple[str, str]] | dict[tuple[str, str], int],
    on_tile: Callable[[int], None],
) -> Iterator[dict[str, Any]]:
    """Pass 2: rows of the questions table, ordered by tile within each part; parts in the order of their first tile.

    Row groups without a chosen tile are not read beyond their tile names.
    """
    done = 0
    for path in sorted(parts, key=_first_tile):
        with open_part(path, TILES.schema) as part:
            for group in range(part.num_row_groups):
                names = read_group(part, group, ["tile_id"], path)
                done += len(names)
                on_tile(done)
                if not any(row["tile_id"] in wanted for row in names):
                    continue
                for row in read_group(part, group, None, path):
                    if row["tile_id"] not in wanted:
                        continue
                    tile = TileRecord.from_row(row)
                    tile_view = _view(row, view, path)
                    for candidate in wanted[tile.tile_id]:
                        question = _question(tile, tile_view, candidate, seed, rasters)
                        sources[question.source, question.licence] = (
                            sources.get((question.source, question.licence), 0) + 1
                        )
                        yield question.to_row()


def _question(tile: TileRecord, view: TileView, candidate: Candidate, seed: int, rasters: bool) -> Question:
    task = TASKS[candidate.task]
    masks, evidence = task.prove(view, candidate)
    frames = _shown(tile, task)
    stem = digest(seed, "id", candidate.task, candidate.tile_id, *candidate.names).hex()[:16]
    return Question(
        # The stem names what is asked, the ending how it is shown: variants of one question share their stem.
        question_id=f"{candidate.task.lower()}-{stem}-{_ending(frames)}",
        task=candidate.task,
        question=candidate.question,
        options=candidate.options,
        option_values=candidate.values,
        answer=candidate.answer,
        frames=tuple(frame if rasters else _without_raster(frame) for frame in frames),
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


def _shown(tile: TileRecord, task: Task) -> tuple[FrameRecord, ...]:
    """The frames of the question: the date of the label map, and for a change the date before it; optical if any."""
    dates = [tile.label_frame]
    if task.legend_kind == "damage":
        dates.insert(0, next(date for date in tile.frame_names() if date != tile.label_frame))
    out = []
    for date in dates:
        frames = tile.shown(str(date))
        out.append(next((frame for frame in frames if frame.modality == "optical"), frames[0]))
    return tuple(out)


def _ending(frames: Sequence[FrameRecord]) -> str:
    modality = "+".join(sorted({"opt" if frame.modality == "optical" else "sar" for frame in frames}))
    return modality if len(frames) == 1 else f"{modality}-pair"


def _without_raster(frame: FrameRecord) -> FrameRecord:
    return replace(frame, raster=None)


def _write(out: Path, rows: Iterator[dict[str, Any]]) -> list[Part]:
    parts: list[Part] = []
    for first in rows:
        parts.append(write_part(out, QUESTIONS, len(parts), chain((first,), islice(rows, ROWS_PER_PART - 1))))
    return parts


def _check_training(parts: Sequence[Path], wanted: dict[str, list[Candidate]], split: str, out: Path) -> int | None:
    """Write the places of the tiles that are asked about, and compare the datasets' training tiles with them.

    Returns:
        How many training tiles were compared; None where the benchmark may take training tiles itself.

    Raises:
        DataError: a training tile shows what a question shows.
    """
    held = sorted((place for _, place in _places(parts) if place.tile_id in wanted), key=lambda place: place.tile_id)
    write_places(out, held)
    if split in ("all", "train"):
        return None
    checked = 0

    def train() -> Iterator[Place]:
        nonlocal checked
        for tile_split, place in _places(parts):
            if tile_split == "train":
                checked += 1
                yield place

    refuse_leaks(leaks(train(), held, bits=NEAR_BITS), "the benchmark")
    return checked


def _places(parts: Sequence[Path]) -> Iterator[tuple[str, Place]]:
    """(split, place) of every tile, streamed."""
    for path in parts:
        for row in read_rows(path, TILES, [*PLACE_COLUMNS, "split"]):
            yield row["split"], Place.of(row)


def _claim(out: Path, force: bool) -> None:
    """Make `out` ready: an unfinished benchmark is cleared, a finished one only by force, anything else never."""
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    entries = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if not entries:
        return
    if "manifest.json" in entries:
        read_manifest(out, "benchmark")
        if not force:
            raise ConflictError(f"{out}: holds a finished benchmark; use --force to replace it")
    elif not entries <= {"questions", "README.md", PLACES_NAME}:
        raise ConflictError(f"{out}: holds something else ({', '.join(sorted(entries)[:3])}); name another folder")
    (out / "manifest.json").unlink(missing_ok=True)
    shutil.rmtree(out / QUESTIONS.name, ignore_errors=True)
    clear_leftovers(out)


def _default_split(parts: Sequence[Path]) -> str:
    return (
        "test" if any(row["split"] == "test" for path in parts for row in read_rows(path, TILES, ["split"])) else "all"
    )


def _first_tile(path: Path) -> str:
    with open_part(path, TILES.schema) as part:
        rows = read_group(part, 0, ["tile_id"], path)
    return rows[0]["tile_id"] if rows else ""


def _tiles_of(manifest: dict[str, Any]) -> int:
    return sum(part.rows for part in manifest_parts(manifest) if part.path.startswith(f"{TILES.name}/"))


def _task_counts(code: str, counts: _Counts, selection: Selection) -> dict[str, Any]:
    return {
        "questions": len(selection.chosen),
        "letters": dict(sorted(Counter(candidate.answer for candidate in selection.chosen).items())),
        "balanced_within": list(selection.levels),
        "candidates": counts.proposed[code],
        "refused": {name: counts.refused[code][name] for name in TASKS[code].filters},
        "left": _positive(selection.left),
    }


def _positive(counter: Counter[str]) -> dict[str, int]:
    return {name: n for name, n in sorted(counter.items()) if n}
