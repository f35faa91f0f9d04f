"""Keep: what a finished run made is not deleted because its scenes are not found this time; only --force lets it go.

The plan that a finished run sealed says which scenes its parts follow from. A scene that a new scan no longer gives
(its folder is gone, a disk is not there, a file cannot be read) would leave its slots empty, and its tiles and samples
would go with the parts that are made again. That is refused before anything is written. What unfinished runs cut is
not kept in this way: nothing sealed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terra_cot.counted import counted
from terra_cot.errors import ConflictError, DataError, shorten
from terra_cot.recipe import Recipe
from terra_cot.scene import SCENES, Drop
from terra_cot.stages.plan import sealed_parts
from terra_cot.stages.scan import read_drops
from terra_cot.store.index import Index
from terra_cot.store.shards import SAMPLES, TILES, Table, read_rows


@dataclass(slots=True)
class _Loss:
    """What would go: scenes in order of their slots, and how many tiles and samples there are of them."""

    scenes: dict[str, None]
    tiles: int = 0
    samples: int = 0


def refuse_loss(folder: Path, hidden: Path, found: Path, recipe: Recipe) -> None:
    """Compare the scenes of a new scan (`found`, a scenes.parquet) with those that the parts of `folder` follow from.

    Raises:
        ConflictError: tiles are there of scenes that the scan no longer gives; says of which, and how many.
    """
    loss = _loss(folder, hidden, found, recipe.part_tiles)
    if not loss.tiles:
        return
    first, number = next(iter(loss.scenes)), len(loss.scenes)
    them = "it" if number == 1 else "them"
    where = ", ".join(dict.fromkeys(spec.root for spec in recipe.archives()))
    limit = f"; limit {recipe.limit} counts from the first scene" if recipe.limit is not None else ""
    raise ConflictError(
        f"{folder}: {counted(number, 'scene')} of the last run {'is' if number == 1 else 'are'} no longer found in "
        f"{shorten(where)} ({'' if number == 1 else 'first '}{shorten(first)}: {_why(found, first)}{limit}), and "
        f"{counted(loss.tiles, 'tile')} and {counted(loss.samples, 'sample')} made of "
        f"{them} would be deleted; nothing was changed: bring {them} back (is a disk or a folder missing?) and run "
        f"again, or --force to go on without {them}"
    )


def tiles_there(folder: Path, number: int) -> frozenset[str]:
    """The tiles that part `number` holds now."""
    return frozenset(row["tile_id"] for row in _rows(folder, TILES, number, ["tile_id"]))


def refuse_drop(folder: Path, drop: Drop, there: frozenset[str]) -> None:
    """Raises ConflictError where a tile that is there would be dropped as its part is made again."""
    if drop.level == "tile" and drop.item in there:
        raise ConflictError(
            f"{folder}: tile {shorten(drop.item)} of the last run would be dropped ({drop.reason}: {drop.detail}); its "
            f"part was left as it is: mend or bring back the files and run again, "
            "or --force to go on without it"
        )


def _loss(folder: Path, hidden: Path, found: Path, part_tiles: int) -> _Loss:
    loss = _Loss({})
    if next(sealed_parts(hidden, part_tiles), None) is None:
        return loss  # nothing was finished yet: the scenes need not be looked up
    with Index() as names:
        for row in read_rows(found, SCENES, ["scene_id"]):
            names.add(row["scene_id"])
        for number, scenes in sealed_parts(hidden, part_tiles):
            gone = {name for name in scenes if not names.get(name)}
            held = _rows(folder, TILES, number, ["tile_id", "source_id"]) if gone else []
            rows = [row for row in held if row["source_id"] in gone]
            if rows:
                made = {row["source_id"] for row in rows}
                loss.scenes |= dict.fromkeys(name for name in scenes if name in made)
                loss.tiles += len(rows)
                tiles = {row["tile_id"] for row in rows}
                loss.samples += sum(row["tile_id"] in tiles for row in _rows(folder, SAMPLES, number, ["tile_id"]))
    return loss


def _rows(folder: Path, table: Table, number: int, columns: list[str]) -> list[dict[str, Any]]:
    """Some columns of a part; nothing where there is none, or none that can be read: nothing is left to keep."""
    path = table.part(folder, number)
    try:
        return list(read_rows(path, table, columns)) if path.is_file() else []
    except DataError:
        return []


def _why(found: Path, scene: str) -> str:
    """What the new scan says of a scene: why it or its frames were dropped, or that there is none."""
    told = ""
    for drop in read_drops(found):
        if drop["level"] == "scene" and drop["item"] == scene:
            return told or f"{drop['reason']}, {shorten(drop['detail'])}"
        if drop["item"].startswith(f"{scene}/") and not told:
            told = f"{drop['reason']}, {shorten(drop['detail'])}"
    return "not there"
