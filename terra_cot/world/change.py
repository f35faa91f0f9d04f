"""A change of the label is an event with a date and a place; a change of season is not.

Three events: a flood stands on the plain on one date and is gone on the next; a
clearing stays, bare at first and grassed over later; a suburb stays.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from terra_cot.world.config import CELL_M, DATES, MARGIN_PX
from terra_cot.world.landcover import Land
from terra_cot.world.materials import BARE, BUILT, CROP, GRASS, SHRUB, TREE, WATER, WETLAND, Material
from terra_cot.world.noise import F32, U8, U16, Bool, fractal
from terra_cot.world.terrain import floodplain
from terra_cot.world.towns import build
from terra_cot.world.window import around, offsets, turned

_PLAN = (("flood", "clearing"), ("suburb", "flood"), ("clearing", "suburb"))


@dataclass(frozen=True, slots=True)
class Event:
    """One change: its kind, its first date, its last date (indices into DATES), its cells (HW bool)."""

    kind: str
    first: int
    last: int
    cells: Bool


@dataclass(frozen=True, slots=True)
class State:
    """The place on one date: HW uint16 surface numbers and uint8 class codes."""

    surface: U16
    cover: U8


def plan_events(rng: np.random.Generator, land: Land, scale: float, index: int) -> list[Event]:
    """Return the events of place `index`; which kinds it has turns with the index."""
    events = []
    for kind in _PLAN[index % len(_PLAN)]:
        first = int(rng.integers(1, len(DATES)))
        if kind == "flood":
            cells = _flooded(rng, land, scale)
            last = first
        else:
            first = min(first, 2)
            cells = _cleared(rng, land, scale) if kind == "clearing" else _suburb(rng, land, scale)
            last = len(DATES) - 1
        events.append(Event(kind, first, last, cells))
    return events


def state_at(land: Land, events: list[Event], date: int) -> State:
    """Return the surface and the cover of the place on one date."""
    surface, cover = land.surface, land.cover
    for event in sorted(events, key=lambda e: e.kind == "flood"):
        if date < event.first:
            continue
        surface, cover = surface.copy(), cover.copy()
        if event.kind == "clearing":
            _clear(land, event, date, surface, cover)
        elif event.kind == "suburb":
            _settle(land, event, surface, cover)
        elif date == event.first:
            surface[event.cells] = Material.FLOOD
            cover[event.cells] = WATER
    return State(surface, cover)


def _flooded(rng: np.random.Generator, land: Land, scale: float) -> Bool:
    low = floodplain(rng, land.terrain, 300 * scale)
    open_land = np.isin(land.cover, (CROP, GRASS, WETLAND, SHRUB))
    wet = (low & open_land).astype(np.uint8)
    # Only water in touch with the river: keep the components that reach its banks.
    return _touching(wet, land.terrain.river_m < 60, 40)


def _cleared(rng: np.random.Generator, land: Land, scale: float) -> Bool:
    """Return several felled compartments: rotated rectangles with frayed edges, inside the woods."""
    size = len(land.cover)
    wood = (land.cover == TREE).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(wood, cv2.DIST_L2, 3), dtype=np.float32)
    ragged = fractal(rng, size, 200 / CELL_M, 3.2, coarse=2)
    cells = np.zeros((size, size), bool)
    deep = np.argwhere(_inner(depth)[::6, ::6] > 14 * max(scale, 0.5)) * 6
    for _ in range(6):
        if not len(deep):
            break
        row, column = deep[int(rng.integers(len(deep)))]
        turn = rng.uniform(0, np.pi)
        half = rng.uniform((160, 110), (360, 230)) * max(scale, 0.55) / CELL_M
        box = around(row, column, 1.3 * half[0] + 12, size)
        q, p = turned(*offsets(box, row, column), turn)
        cells[box] |= (np.abs(p) + 3 * ragged[box] < half[0]) & (np.abs(q) + 2 * ragged[box] < half[1])
    return np.asarray(cells & (wood > 0))


def _suburb(rng: np.random.Generator, land: Land, scale: float) -> Bool:
    """Return new quarters at the edge of the larger towns, on farmland."""
    size = len(land.cover)
    free = np.isin(land.cover, (CROP, GRASS)) & (land.surface != Material.ASPHALT)
    inner = _inner(free.astype(np.float32))
    cells = np.zeros((size, size), bool)
    for town in land.towns[:2]:
        radius = rng.uniform(330, 480) * max(scale, 0.55) / CELL_M
        turns = rng.uniform(0, 2 * np.pi, 24)
        away = town.radius_m / CELL_M + 0.55 * radius
        centres = np.stack([town.row + away * np.sin(turns), town.column + away * np.cos(turns)], axis=1)
        best, best_share = centres[0], -1.0
        for centre in centres:
            share = float(inner[around(centre[0], centre[1], radius, size)].sum()) / (4 * radius * radius)
            if share > best_share:
                best, best_share = centre, share
        box = around(best[0], best[1], 1.5 * radius, size)
        q, p = (np.abs(axis) for axis in turned(*offsets(box, best[0], best[1]), town.tilt))
        cells[box] |= (p < radius) & (q < radius * 0.75) & (p + q < radius * 1.45)
    return np.asarray(cells & free)


def _clear(land: Land, event: Event, date: int, surface: U16, cover: U8) -> None:
    old = date > event.first + 1
    if old:
        surface[event.cells] = np.where(land.patchy > -0.4, Material.CUT_REGROWTH, Material.CUT_SLASH)[event.cells]
    else:
        surface[event.cells] = np.where(land.patchy > 0.3, Material.CUT_SLASH, Material.CUT_SOIL)[event.cells]
    cover[event.cells] = GRASS if old else BARE


def _settle(land: Land, event: Event, surface: U16, cover: U8) -> None:
    town = land.towns[0]
    box = _bounds(event.cells)
    y, x = (axis * np.float32(CELL_M) for axis in offsets(box, 0.0, 0.0))
    away = np.full(y.shape, 0.8, np.float32)
    build(event.cells[box], away, y, x, land.warp[box], town.tilt, town.key + 77, surface[box], cover[box])
    cover[event.cells] = BUILT


def _bounds(cells: Bool) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(cells.any(axis=1)), np.flatnonzero(cells.any(axis=0))
    if not rows.size:
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _touching(mask: U8, anchor: Bool, least: int) -> Bool:
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    keep = np.zeros(len(stats), bool)
    keep[np.unique(parts[anchor & (mask > 0)])] = True
    keep &= stats[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False
    return np.asarray(keep[parts])


def _inner(field: F32) -> F32:
    """Return the field with the drawn margin set to 0, so that an event falls inside the optical grid."""
    edge = 2 * MARGIN_PX + 8
    inner = np.zeros_like(field)
    inner[edge:-edge, edge:-edge] = field[edge:-edge, edge:-edge]
    return inner
