"""Tile: scenes cut into parts of tiles, as the plan says; a part that is there and still follows is not made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.balance.splits import SplitOptions
from terra_cot.cut import TileOptions, cut_scene, scene_tiles
from terra_cot.engine import Crew
from terra_cot.errors import DataError
from terra_cot.pixels.remote import UNREACHABLE, is_remote, located
from terra_cot.recipe import Recipe
from terra_cot.scene import Drop, to_row
from terra_cot.stages import OnStep
from terra_cot.stages.deal import deal_cells, read_cells, tile_split
from terra_cot.stages.keep import refuse_drop, tiles_there
from terra_cot.stages.plan import Plan, Slice
from terra_cot.store.atomic import sha256_json
from terra_cot.store.shards import TILES, write_part
from terra_cot.store.workspace import Marker, Markers, Workspace


@dataclass(frozen=True, slots=True)
class TilePart:
    """The work of one part of tiles. `keep`: what it holds was finished, and no tile of it may go."""

    markers: Markers
    number: int
    generation: int
    slices: tuple[Slice, ...]
    options: TileOptions
    splits: SplitOptions | None
    keep: bool = False


def tile_scenes(workspace: Workspace, recipe: Recipe, crew: Crew, on_step: OnStep | None, force: bool = False) -> None:
    """Every part that the plan has and the folder has not.

    Raises:
        ConflictError: a tile that a finished run made would be dropped, and `force` does not say that it may.
    """
    with Plan(workspace.hidden, recipe.tile, recipe.part_tiles) as plan:
        if plan.empty:
            raise DataError(
                "no scene is left after the scan",
                file=", ".join(spec.root for spec in recipe.archives()),
                fix=f"see why each was dropped in {workspace.hidden / 'scenes.dropped.jsonl'}",
            )
        if recipe.splits is not None:
            deal_cells(workspace.hidden, plan.scenes(), plan.sealed, recipe.tile, recipe.splits, recipe.seed)
        parts = (
            TilePart(
                workspace.markers,
                part.number,
                part.generation,
                part.slices,
                recipe.tile,
                recipe.splits,
                keep=part.generation < plan.sealed and not force,
            )
            for part in plan.parts()
        )
        sizes, done = plan.sizes, 0
        if on_step:
            on_step("tile", 0, sum(sizes))
        for number in crew.work(cut_part, parts, len(sizes)):
            done += sizes[number]
            if on_step:
                on_step("tile", done, sum(sizes))
    workspace.markers.remove_parts_from(TILES, len(sizes))
    workspace.markers.mark_tiled()


def cut_part(job: TilePart) -> int:
    """Cut one part of tiles unless it is there, and whole as far as servers go; returns its number."""
    placed = _placed(job)
    fingerprint = _tile_fingerprint(job, placed)
    done = job.markers.marker(TILES, job.number, fingerprint)
    if done and not any(drop["reason"] == UNREACHABLE for drop in done.drops):
        return job.number
    drops: list[dict[str, str]] = []
    counts: Counter[str] = Counter()
    there = tiles_there(job.markers.folder, job.number) if job.keep else frozenset()

    def rows() -> Iterator[dict[str, Any]]:
        for piece in job.slices:
            for item in cut_scene(piece.scene, job.options, piece.first, piece.last, placed):
                if isinstance(item, Drop):
                    refuse_drop(job.markers.folder, item, there)
                    drops.append({"stage": "tile", **item.to_row()})
                else:
                    counts[item.split] += 1
                    yield item.to_row()
        job.markers.begin(TILES)  # only now: a part that is refused leaves the dataset whole

    part = write_part(job.markers.folder, TILES, job.number, rows())
    job.markers.mark(TILES, job.number, Marker(fingerprint, part, {"split": dict(counts)}, drops))
    return job.number


def _placed(job: TilePart) -> dict[str, str | None] | None:
    """The split of each tile of a part by name; None: the splits of the scenes hold."""
    if job.splits is None:
        return None
    cells = read_cells(job.markers.hidden, job.generation)
    return {
        tile_id: tile_split(piece.scene, grid, cells, job.splits)
        for piece in job.slices
        for tile_id, grid in islice(scene_tiles(piece.scene, job.options), piece.first, piece.last)
        if grid is not None
    }


def _tile_fingerprint(job: TilePart, placed: dict[str, str | None] | None) -> str:
    """All that a part of tiles follows from: options, scenes, splits, and the size and time of every file."""
    pieces = []
    for piece in job.slices:
        stats = [_stamp(located(piece.scene.root, name)) for name in piece.scene.files()]
        pieces.append([to_row(piece.scene), piece.first, piece.last, stats])
    return sha256_json([FORMAT_VERSION, __version__, job.options.model_dump(mode="json"), pieces, placed])


def _stamp(place: str | Path) -> list[int]:
    if is_remote(place):
        return []  # what the source knows of a remote file is in Scene.stamp
    try:
        found = Path(place).stat()
    except OSError:
        return []  # gone since the scan: cutting reports it
    return [found.st_size, found.st_mtime_ns]
