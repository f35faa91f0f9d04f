"""The run: scan, cut, generate, finish. Each stage works part by part, and a finished part is never made twice.

Part k of the samples follows from part k of the tiles alone, part k of the tiles from its own scenes. The plan (which
scenes make which part) follows from the scan, so bytes depend on recipe, seed and inputs, not on workers or crashes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.atomic import sha256_json, write_bytes, write_json
from terra_cot.card import write_card
from terra_cot.cloud import require
from terra_cot.counts import SAMPLE_KEYS, dataset_counts
from terra_cot.cut import TileOptions, cut_scene, tile_count
from terra_cot.engine import work
from terra_cot.errors import ConfigError, DataError
from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.manifest import file_entry, write_manifest
from terra_cot.recipe import Recipe, apply_settings, make_recipe
from terra_cot.remote import UNREACHABLE, is_remote, located
from terra_cot.sample import Sample
from terra_cot.scene import Drop, Scene, read_scenes, to_row, write_scenes
from terra_cot.shards import SAMPLES, TILES, Part, read_rows, write_part
from terra_cot.sources import scan
from terra_cot.tile import TileRecord
from terra_cot.workspace import Marker, Markers, Workspace, purpose

OnStep = Callable[[str, int, int], None]
"""Told the stage ("scan", "tile", "generate"), what is done and how much there is (0 while unknown)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Tiles `first` to `last` (exclusive) of a scene."""

    scene: Scene
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TilePart:
    """The work of one part of tiles."""

    markers: Markers
    number: int
    slices: tuple[Slice, ...]
    options: TileOptions


@dataclass(frozen=True, slots=True)
class SamplePart:
    """The work of one part of samples: it reads the tiles of the same number."""

    markers: Markers
    number: int
    tiles: Part
    options: GenerateOptions
    seed: int


def run(
    recipe: Recipe, out: Path, *, workers: int = 1, force: bool = False, on_step: OnStep | None = None
) -> dict[str, Any]:
    """Make, or go on making, the dataset of a recipe in `out`; returns its manifest.

    Raises:
        ConflictError: `out` is in use or holds something else.
        DataError, ConfigError: the source cannot be read, or the recipe does not fit it.
    """
    require(recipe.tile.cloud)
    found = scan(recipe.source.kind, recipe.source.root, recipe.source.options())
    with Workspace(out, recipe.body(), force) as workspace:
        scan_to(workspace.hidden, found, recipe.limit, on_step)
        _tile(workspace, recipe, workers, on_step)
        _generate(workspace, recipe, workers, on_step)
        return finish(workspace, recipe)


def tile(
    scenes: Path, recipe: Recipe, out: Path, *, workers: int = 1, force: bool = False, on_step: OnStep | None = None
) -> dict[str, Any]:
    """The first half of `run`: cut the scenes of a `scenes.parquet`."""
    require(recipe.tile.cloud)
    with Workspace(out, recipe.body(), force) as workspace:
        scan_to(workspace.hidden, read_scenes(scenes), recipe.limit, on_step)
        _tile(workspace, recipe, workers, on_step)
        return finish(workspace, recipe)


def generate(
    folder: Path, settings: Sequence[str] = (), *, workers: int = 1, on_step: OnStep | None = None
) -> dict[str, Any]:
    """The second half of `run`: samples from the tiles that `folder` holds, by its recipe with `settings` laid over.

    Raises:
        ConfigError: a setting outside `generate.` and `seed`, which would no longer describe the tiles.
        DataError: no tiles, or not all of them.
    """
    for setting in settings:
        if not setting.startswith(("generate.", "seed=")):
            raise ConfigError(f"--set {setting}: the tiles are cut; only generate.* and seed can still be set")
    recipe = make_recipe(apply_settings(purpose(folder), settings))
    if not Markers(folder).tiled():
        raise DataError("the tiles are not finished", file=folder, fix="run the command that cuts them again")
    with Workspace(folder, recipe.body(), adopt=True) as workspace:
        _generate(workspace, recipe, workers, on_step)
        return finish(workspace, recipe)


def scan_to(
    folder: Path, found: Iterable[Scene | Drop], limit: int | None = None, on_step: OnStep | None = None
) -> dict[str, Any]:
    """Write `scenes.parquet` and `scan.json` (counts and drops) from a scan, streamed; returns the latter."""
    drops: list[dict[str, str]] = []
    licences: Counter[str] = Counter()
    known: set[str] = set()

    def kept() -> Iterator[Scene]:
        for item in found:
            if isinstance(item, Drop):
                drops.append({"stage": "scan", **item.to_row()})
                continue
            if item.scene_id in known:  # its tiles would take the names of another scene's
                drop = Drop("scene", item.scene_id, "duplicate_scene", "a scene of this name was kept already")
                drops.append({"stage": "scan", **drop.to_row()})
                continue
            known.add(item.scene_id)
            licences[f"{item.source}\n{item.licence}"] += 1
            if on_step:
                on_step("scan", licences.total(), 0)
            yield item

    part = write_scenes(folder / "scenes.parquet", islice(kept(), limit))
    summary = {
        "scenes": part.rows,
        "sources": [
            {"source": key.partition("\n")[0], "licence": key.partition("\n")[2], "scenes": number}
            for key, number in sorted(licences.items())
        ],
        "drops": drops,
    }
    write_json(folder / "scan.json", summary)
    return summary


def _plan(scenes: Iterable[Scene], options: TileOptions, part_tiles: int) -> Iterator[tuple[Slice, ...]]:
    """Slices of scenes, in order, that make parts of `part_tiles` tiles; the last may be smaller."""
    part: list[Slice] = []
    room = part_tiles
    for scene in scenes:
        total, first = tile_count(scene, options), 0
        while first < total:
            last = min(total, first + room)
            part.append(Slice(scene, first, last))
            room -= last - first
            first = last
            if room == 0:
                yield tuple(part)
                part, room = [], part_tiles
    if part:
        yield tuple(part)


def _tile(workspace: Workspace, recipe: Recipe, workers: int, on_step: OnStep | None) -> None:
    scenes = workspace.hidden / "scenes.parquet"
    sizes = [
        sum(piece.last - piece.first for piece in part)
        for part in _plan(read_scenes(scenes), recipe.tile, recipe.part_tiles)
    ]
    if not sizes:
        raise DataError(
            "no scene is left after the scan",
            file=recipe.source.root,
            fix=f"see why each was dropped in {workspace.hidden / 'scan.json'}",
        )
    plan = _plan(read_scenes(scenes), recipe.tile, recipe.part_tiles)
    parts = (TilePart(workspace.markers, number, slices, recipe.tile) for number, slices in enumerate(plan))
    done = 0
    if on_step:
        on_step("tile", 0, sum(sizes))
    for number in work(cut_part, parts, min(workers, len(sizes))):
        done += sizes[number]
        if on_step:
            on_step("tile", done, sum(sizes))
    workspace.markers.remove_parts_from(TILES, len(sizes))
    workspace.markers.mark_tiled()


def cut_part(job: TilePart) -> int:
    """Cut one part of tiles unless it is there, and whole as far as servers go; returns its number."""
    fingerprint = _tile_fingerprint(job)
    done = job.markers.marker(TILES, job.number, fingerprint)
    if done and not any(drop["reason"] == UNREACHABLE for drop in done.drops):
        return job.number
    drops: list[dict[str, str]] = []
    counts: Counter[str] = Counter()

    def rows() -> Iterator[dict[str, Any]]:
        for piece in job.slices:
            for item in cut_scene(piece.scene, job.options, piece.first, piece.last):
                if isinstance(item, Drop):
                    drops.append({"stage": "tile", **item.to_row()})
                else:
                    counts[item.split] += 1
                    yield item.to_row()

    job.markers.begin(TILES)
    part = write_part(job.markers.folder, TILES, job.number, rows())
    job.markers.mark(TILES, job.number, Marker(fingerprint, part, {"split": dict(counts)}, drops))
    return job.number


def _tile_fingerprint(job: TilePart) -> str:
    """All that a part of tiles follows from: options, scenes, and the size and time of every file."""
    pieces = []
    for piece in job.slices:
        stats = [_stamp(located(piece.scene.root, name)) for name in piece.scene.files()]
        pieces.append([to_row(piece.scene), piece.first, piece.last, stats])
    return sha256_json([FORMAT_VERSION, __version__, job.options.model_dump(mode="json"), pieces])


def _stamp(place: str | Path) -> list[int]:
    if is_remote(place):
        return []  # what the source knows of a remote file is in Scene.stamp
    try:
        found = Path(place).stat()
    except OSError:
        return []  # gone since the scan: cutting reports it
    return [found.st_size, found.st_mtime_ns]


def _generate(workspace: Workspace, recipe: Recipe, workers: int, on_step: OnStep | None) -> None:
    markers = workspace.markers.all(TILES)
    parts = (
        SamplePart(workspace.markers, number, marker.part, recipe.generate, recipe.seed)
        for number, marker in enumerate(markers)
    )
    done, total = 0, sum(marker.part.rows for marker in markers)
    if on_step:
        on_step("generate", 0, total)
    for number in work(generate_part, parts, min(workers, len(markers))):
        done += markers[number].part.rows
        if on_step:
            on_step("generate", done, total)
    workspace.markers.remove_parts_from(SAMPLES, len(markers))


# Pictures and rasters stay on disk: generation needs labels and names.
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


def generate_part(job: SamplePart) -> int:
    """Write one part of samples unless it is there; returns its number."""
    fingerprint = sha256_json(
        [FORMAT_VERSION, __version__, job.options.model_dump(mode="json"), job.seed, job.tiles.sha256]
    )
    if job.markers.marker(SAMPLES, job.number, fingerprint):
        return job.number
    drops: list[dict[str, str]] = []
    counts: dict[str, Counter[str]] = {key: Counter() for key in SAMPLE_KEYS}

    def rows() -> Iterator[dict[str, Any]]:
        for record in light_tiles(job.markers.folder, job.tiles):
            for item in samples_of(record, job.options, job.seed):
                if isinstance(item, Sample):
                    for key, counter in counts.items():
                        counter[getattr(item, key)] += 1
                    yield item.to_row()
                else:
                    drops.append({"stage": "generate", **item.to_row()})

    job.markers.begin(SAMPLES)
    part = write_part(job.markers.folder, SAMPLES, job.number, rows())
    plain = {key: dict(counter) for key, counter in counts.items()}
    job.markers.mark(SAMPLES, job.number, Marker(fingerprint, part, plain, drops))
    return job.number


def finish(workspace: Workspace, recipe: Recipe) -> dict[str, Any]:
    """Write dropped.jsonl, the dataset card and, last, the manifest.

    Raises:
        DataError: every tile was dropped: there is no dataset to describe.
    """
    workspace.sweep()  # again: a worker of a killed run may have outlived the start of this one
    summary = orjson.loads((workspace.hidden / "scan.json").read_bytes())
    tiles, samples = workspace.markers.all(TILES), workspace.markers.all(SAMPLES)
    drops = [*summary["drops"], *(drop for marker in chain(tiles, samples) for drop in marker.drops)]
    write_bytes(
        workspace.folder / "dropped.jsonl",
        b"".join(orjson.dumps(drop, option=orjson.OPT_APPEND_NEWLINE) for drop in drops),
    )
    counts = dataset_counts(
        scenes=summary["scenes"],
        tiles=_total(tiles, "split"),
        samples={key: _total(samples, key) for key in SAMPLE_KEYS} if samples else None,
        drops=drops,
    )
    body = {
        "recipe": recipe.body(),
        "recipe_sha256": recipe.sha256(),
        "seed": recipe.seed,
        "sources": summary["sources"],
        "counts": counts,
    }
    write_card(workspace.folder, body)
    body["files"] = [file_entry(workspace.folder, name) for name in ("README.md", "dropped.jsonl")]
    parts = [marker.part for marker in chain(tiles, samples) if marker.part.rows]
    if not any(marker.part.rows for marker in tiles):
        why = ", ".join(f"{number} {reason}" for reason, number in counts["tiles"]["dropped"].items())
        raise DataError(
            f"no tile is left ({why})", file=workspace.folder, fix="see why each was dropped in its dropped.jsonl"
        )
    return write_manifest(workspace.folder, "dataset", body, parts)


def _total(markers: list[Marker], key: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for marker in markers:
        total.update(marker.counts.get(key, {}))
    return total
