"""Deal: which split each cell of the Earth belongs to, from where the tiles of the scan will lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import orjson

from terra_cot.balance.splits import SplitOptions, cell_of, deal, split_of
from terra_cot.cut import TileOptions, scene_tiles
from terra_cot.geo.grid import Grid
from terra_cot.scene import Scene
from terra_cot.store.atomic import write_json


def deal_cells(
    folder: Path,
    scenes: Iterable[tuple[int, Scene]],
    sealed: int,
    options: TileOptions,
    splits: SplitOptions,
    seed: int,
) -> None:
    """Write for each generation the split of every cell that holds a tile of it, or of one before.

    A scene without a place is a cell of its own. What a `sealed` generation was dealt stays: a later one is dealt the
    cells that it adds, and has its shares in them.

    Args:
        scenes: (generation, scene), by generation.
    """
    known: dict[str, str] = {}
    for generation, group in groupby(scenes, key=lambda entry: entry[0]):
        path = _path(folder, generation)
        if generation < sealed and path.is_file():
            known |= orjson.loads(path.read_bytes())
        counts: Counter[str] = Counter()
        for _, scene in group:
            for _, grid in scene_tiles(scene, options):
                if grid is not None:
                    counts[_cell(scene, grid, splits)] += 1
        known |= deal({cell: number for cell, number in counts.items() if cell not in known}, splits, seed)
        write_json(path, known)


def read_cells(folder: Path, generation: int) -> Mapping[str, str]:
    """The split of every cell that a generation knows."""
    path = _path(folder, generation)
    return _read(path, path.stat().st_mtime_ns)


def _path(folder: Path, generation: int) -> Path:
    return folder / f"cells-{generation:05d}.json"


@lru_cache(maxsize=1)
def _read(path: Path, written: int) -> Mapping[str, str]:
    cells: dict[str, str] = orjson.loads(path.read_bytes())
    return cells


def tile_split(scene: Scene, grid: Grid, cells: Mapping[str, str], splits: SplitOptions) -> str | None:
    """The split of a tile; None where it lies too near to another split."""
    place = grid.lon_lat() or scene.lon_lat
    if place is None:
        return cells[_cell(scene, grid, splits)]
    half_km = max(grid.width, grid.height) * grid.gsd_m / 2000
    return split_of(*place, half_km, cells, splits)


def _cell(scene: Scene, grid: Grid, splits: SplitOptions) -> str:
    place = grid.lon_lat() or scene.lon_lat
    return f"scene:{scene.scene_id}" if place is None else cell_of(*place, splits.cell_km)
