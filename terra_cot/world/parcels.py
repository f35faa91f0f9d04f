"""Farmland is cut into districts, districts into columns, columns into fields.

Within a district all edges share one direction, as land consolidation left them. The
two cuts are look-up tables over metres along and across, so that a map of millions
of cells costs a handful of array reads.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.world.config import CELL_M
from terra_cot.world.materials import PARCELS
from terra_cot.world.noise import F32, U16, Bool, fractal, scramble, unit, wander

_STEP_M = 2.5


@dataclass(frozen=True, slots=True)
class Parcels:
    """The farmland plan of one place; every field HW over the drawn cells.

    Attributes:
        parcel: uint16, parcel number below `materials.PARCELS`.
        track: bool, unpaved field tracks.
        hedge: bool, hedgerows.
        streak: float32, unit-deviation stripes along the working direction.
        district: uint8, farming district.
    """

    parcel: U16
    track: Bool
    hedge: Bool
    streak: F32
    district: NDArray[np.uint8]


def make_parcels(rng: np.random.Generator, size: int, scale: float, bocage: float) -> Parcels:
    """Return the parcels of one place of `size` x `size` cells."""
    extent_m = size * CELL_M
    count = max(4, int(14 * scale))
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(CELL_M)
    warp = 1500 * max(scale, 0.5) / CELL_M
    y += np.float32(80) * fractal(rng, size, warp, 7.0, coarse=8)
    x += np.float32(80) * fractal(rng, size, warp, 7.0, coarse=8)

    district = _districts(rng, y, x, extent_m, count)
    tilt = rng.uniform(0, np.pi, count).astype(np.float32)
    cos, sin = np.cos(tilt)[district], np.sin(tilt)[district]
    reach = int(extent_m * 1.5 / _STEP_M)
    along = np.clip(((x * cos + y * sin) / _STEP_M + reach).astype(np.int32), 0, 2 * reach - 1)
    across_m = y * cos - x * sin

    # Three farm structures: broad consolidated fields, ordinary ones, narrow strips.
    kind = rng.choice(3, count, p=(0.3, 0.45, 0.25))
    kind[:3] = (0, 1, 2)
    column_m = np.array([420.0, 260.0, 330.0])[kind]
    row_m = np.array([560.0, 330.0, 170.0])[kind]
    columns = [_cuts(rng, 2 * reach, step) for step in column_m]
    rows = [_cuts(rng, 2 * reach, step) for step in row_m]
    column, column_edge_m, column_part = (np.concatenate(part) for part in zip(*columns, strict=True))
    row, row_edge_m, _ = (np.concatenate(part) for part in zip(*rows, strict=True))
    stripe = np.concatenate([wander(rng, 2 * reach, 4) for _ in range(count)])

    base = district.astype(np.int32) * (2 * reach)
    key = base + along
    in_column = column[key]
    owner = np.repeat(np.arange(count, dtype=np.int32), 2 * reach)
    slide = (unit(scramble(column, owner)) * np.float32(400))[key]
    across = np.clip(((across_m + slide) / _STEP_M + reach).astype(np.int32), 0, 2 * reach - 1) + base
    in_row = row[across]
    cell = scramble(in_column, in_row, district)
    strips = np.array([[1, 1, 1, 2], [1, 1, 2, 3], [3, 4, 6, 7]], np.float32)
    pieces = strips[kind[district], (unit(cell, 3) * 4).astype(np.int32)]
    piece = (column_part[key] * pieces).astype(np.int32)
    parcel = (scramble(cell, piece) % np.uint32(PARCELS)).astype(np.uint16)

    edge_column = unit(scramble(column, owner, np.int32(7)), 1)[key]
    near_column = column_edge_m[key]
    near_row = row_edge_m[across]
    track = ((near_column < 3.0) & (edge_column < 0.5)) | ((near_row < 2.6) & (unit(cell, 9) < 0.10))
    edge_row = unit(scramble(in_row, in_column, district), 2)
    hedge = ((near_column < 7.5) & (edge_column > 1 - bocage)) | ((near_row < 7.5) & (edge_row < bocage))
    return Parcels(parcel, track & ~hedge, hedge, stripe[key], district)


def _districts(rng: np.random.Generator, y: F32, x: F32, extent_m: float, count: int) -> NDArray[np.uint8]:
    y, x = y[::2, ::2], x[::2, ::2]
    best = np.full(y.shape, np.inf, np.float32)
    district = np.zeros(y.shape, np.uint8)
    for number in range(count):
        row, column = rng.uniform(0, extent_m, 2).astype(np.float32)
        away = (y - row) ** 2 + (x - column) ** 2
        nearer = away < best
        best[nearer] = away[nearer]
        district[nearer] = number
    return district.repeat(2, axis=0).repeat(2, axis=1)


def _cuts(rng: np.random.Generator, length: int, step_m: float) -> tuple[NDArray[np.int32], F32, F32]:
    """Return for each position its interval, its distance to the nearest cut (m) and its place within (0..1)."""
    total = length * _STEP_M
    gaps = step_m * rng.uniform(0.5, 1.6, int(total / (0.5 * step_m)) + 2)
    cuts = np.cumsum(gaps)
    at = np.arange(length) * _STEP_M
    number = np.searchsorted(cuts, at)
    end = cuts[number]
    start = end - gaps[number]
    edge = np.minimum(at - start, end - at).astype(np.float32)
    part = np.clip((at - start) / gaps[number], 0, 0.9999).astype(np.float32)
    return number.astype(np.int32), edge, part
