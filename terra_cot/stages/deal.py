"""Deal: which split each cell of the Earth belongs to, from where the tiles of the scan will lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import orjson

from terra_cot.atomic import write_json
from terra_cot.cut import TileOptions, scene_tiles
from terra_cot.grid import Grid
from terra_cot.scene import Scene
from terra_cot.splits import SplitOptions, cell_of, deal, split_of


def deal_cells(folder: Path, scenes: Iterable[Scene], options: TileOptions, splits: SplitOptions, seed: int) -> None:
    """Write `cells.json`: the split of every cell that holds a tile. A scene without a place is a cell of its own."""
    counts: Counter[str] = Counter()
    for scene in scenes:
        for _, grid in scene_tiles(scene, options):
            if grid is not None:
                counts[_cell(scene, grid, splits)] += 1
    write_json(folder / "cells.json", deal(counts, splits, seed))


def read_cells(folder: Path) -> Mapping[str, str]:
    """The split of every cell."""
    path = folder / "cells.json"
    return _read(path, path.stat().st_mtime_ns)


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
