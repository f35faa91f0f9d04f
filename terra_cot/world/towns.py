"""A town is streets first, then blocks, then plots, then one house on each plot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.world.config import CELL_M
from terra_cot.world.materials import BUILT, GRASS, TREE, Material
from terra_cot.world.noise import F32, U8, U16, Bool, scramble, unit
from terra_cot.world.window import around, offsets, turned

_HOUSE, _CENTRE, _WORKS, _PARK, _GARDENS = range(5)


@dataclass(frozen=True, slots=True)
class Town:
    """One settlement: centre in cells, radius in metres, direction of its streets."""

    row: float
    column: float
    radius_m: float
    tilt: float
    key: int


def place_towns(
    rng: np.random.Generator, size: int, radii_m: list[float], height: F32, water_m: F32, taken: Bool
) -> list[Town]:
    """Return towns on low dry ground, apart from each other, the largest first."""
    towns: list[Town] = []
    for number, radius in enumerate(radii_m):
        spots = rng.uniform(0.06, 0.94, (60, 2)) * size
        cells = spots.astype(int)
        there = (cells[:, 0], cells[:, 1])
        cost = height[there] / 40 + np.abs(water_m[there] - 0.9 * radius - 150) / 900 + 9.0 * taken[there]
        for town in towns:
            gap_m = np.hypot(spots[:, 0] - town.row, spots[:, 1] - town.column) * CELL_M
            cost += 8.0 * (gap_m < radius + town.radius_m + 500)
        if number == 0:
            cost += 3.0 * (np.abs(spots / size - 0.5).max(axis=1) > 0.3)
        best = int(np.argmin(cost))
        towns.append(
            Town(
                float(spots[best, 0]),
                float(spots[best, 1]),
                radius,
                rng.uniform(0, np.pi / 2),
                int(rng.integers(1 << 30)),
            )
        )
    return towns


def build_town(town: Town, ragged: F32, warp: F32, surface: U16, cover: U8, land: Bool) -> None:
    """Draw one town into `surface` and `cover` (HW), where `land` allows.

    Args:
        town: The town.
        ragged: HW float32, unit noise that frays the outline.
        warp: HW float32, unit noise that bends the streets.
        surface: HW uint16 surface numbers, changed in place.
        cover: HW uint8 class codes, changed in place.
        land: HW bool, cells that may be built on.
    """
    box = around(town.row, town.column, town.radius_m * 1.6 / CELL_M + 4, len(surface))
    y, x = (offset * np.float32(CELL_M) for offset in offsets(box, town.row, town.column))
    away = np.hypot(y, x) / np.float32(town.radius_m) * (1 + 0.24 * ragged[box])
    inside = (away < 1) & land[box]
    build(inside, away, y, x, warp[box], town.tilt, town.key, surface[box], cover[box])


def build(
    inside: Bool, away: F32, y_m: F32, x_m: F32, warp: F32, tilt: float, key: int, surface: U16, cover: U8
) -> None:
    """Draw streets, plots and houses over the cells of `inside`; `away` runs from 0 (centre) to 1 (edge)."""
    y_m, x_m = y_m + 22 * warp, x_m - 22 * warp
    q, p = turned(y_m, x_m, tilt)
    block_p, to_street_p, _ = _streets(p, 150.0, 0.30, key)
    # Cross streets are offset from one row of blocks to the next, as in a grown town.
    q = q + unit(scramble(block_p, np.int32(key & 0xFFFF))) * np.float32(60)
    block_q, to_street_q, from_street_q = _streets(q, 92.0, 0.25, key + 1)
    block = scramble(block_p, block_q, np.int32(key & 0xFFFFFF))
    kind = _block_kind(block, block_p, away, key)

    street = np.minimum(to_street_p, to_street_q)
    fresh = np.full(surface.shape, int(Material.LAWN), np.uint16)
    green = unit(scramble(np.floor(p / 9), np.floor(q / 9), block))
    fresh[green < 0.30] = Material.GARDEN_TREE
    fresh[green > 0.90] = Material.CONCRETE

    plot_p, plot_q = np.floor(p / 21), np.floor(from_street_q / 27)
    plot = scramble(plot_p, plot_q, block)
    lp = p - plot_p * 21 - 10.5 + 5 * (unit(plot, 1) - 0.5)
    lq = from_street_q - plot_q * 27 - 14 + 6 * (unit(plot, 2) - 0.5)
    half_p, half_q = 5.2 + 2.6 * unit(plot, 3), 4.2 + 2.2 * unit(plot, 4)
    row_houses = kind == _CENTRE
    half_p = np.where(row_houses, 9.5, half_p)
    half_q = np.where(row_houses, 6.5 + 5 * unit(block, 5), half_q)
    house = (np.abs(lp) < half_p) & (np.abs(lq) < half_q) & (unit(plot, 6) < np.where(row_houses, 0.92, 0.86))
    fresh[row_houses & (unit(plot, 8) < 0.45) & ~house] = Material.CONCRETE
    _roofs(fresh, house, unit(plot, 7), unit(block, 9))

    works = kind == _WORKS
    hall_p, hall_q = np.floor(p / 78), np.floor(q / 58)
    hall = scramble(hall_p, hall_q, np.int32(key & 0xFFFFF))
    hp, hq = np.abs(p - hall_p * 78 - 39), np.abs(q - hall_q * 58 - 29)
    big = (hp < 20 + 15 * unit(hall, 1)) & (hq < 13 + 12 * unit(hall, 2)) & (unit(hall, 3) < 0.8)
    yard = np.where(unit(hall, 4) < 0.55, Material.CONCRETE, np.where(unit(hall, 4) < 0.8, Material.ASPHALT, 24))
    fresh[works] = yard[works].astype(np.uint16)
    _roofs(fresh, works & big, np.clip(unit(hall, 5) * 0.8 + 0.35, 0, 0.999), unit(hall, 6))

    park = kind == _PARK
    fresh[park] = np.where(warp[park] + 2.0 * (green[park] - 0.5) > 0.0, Material.BROADLEAF, Material.LAWN)
    gardens = kind == _GARDENS
    fresh[gardens & ~house] = np.where(green[gardens & ~house] < 0.6, Material.GARDEN_TREE, Material.LAWN)
    pitch = park & (unit(block, 11) < 0.35) & (np.abs(p - np.round(p / 150) * 150) < 55)
    fresh[pitch] = Material.PITCH
    fresh[(street < 4.6) & ~park] = Material.ASPHALT

    label = np.full(surface.shape, BUILT, np.uint8)
    parks = park & (street > 6)
    label[parks] = np.where(fresh[parks] == Material.BROADLEAF, TREE, GRASS)
    surface[inside] = fresh[inside]
    cover[inside] = label[inside]


def _streets(at_m: F32, step_m: float, jitter: float, key: int) -> tuple[NDArray[np.int32], F32, F32]:
    """Return block number, metres to the nearest street, metres from the street before."""
    number = np.floor(at_m / step_m).astype(np.int32)
    salt = np.int32(key & 0x3FFFFFFF)
    near = (number + (unit(scramble(number, salt)) - 0.5) * jitter) * step_m
    far = (number + 1 + (unit(scramble(number + 1, salt)) - 0.5) * jitter) * step_m
    before = at_m < near
    after = at_m > far
    block = number - before + after
    start = np.where(before, near - step_m, np.where(after, far, near))
    edge = np.minimum(np.abs(at_m - near), np.abs(at_m - far))
    return block.astype(np.int32), edge.astype(np.float32), (at_m - start).astype(np.float32)


def _block_kind(block: NDArray[np.uint32], block_p: NDArray[np.int32], away: F32, key: int) -> NDArray[np.int8]:
    draw = unit(block, 21)
    kind = np.full(block.shape, _HOUSE, np.int8)
    kind[draw < 0.10] = _GARDENS
    kind[draw > 0.93] = _PARK
    kind[(away < 0.42) & (draw < 0.55)] = _CENTRE
    kind[(away < 0.22) & (draw < 0.9)] = _CENTRE
    side = unit(scramble(block_p // 3, np.int32(key & 0xFFFF)), 5)
    kind[(side < 0.28) & (away > 0.35) & (draw < 0.8)] = _WORKS
    return kind


def _roofs(fresh: U16, where: Bool, draw: F32, taste: F32) -> None:
    colour = np.clip(draw * 0.75 + taste * 0.25, 0, 0.999)
    choice = np.where(
        colour < 0.48,
        Material.ROOF_RED,
        np.where(colour < 0.70, Material.ROOF_GREY, np.where(colour < 0.86, Material.ROOF_DARK, Material.ROOF_BRIGHT)),
    )
    fresh[where] = choice[where].astype(np.uint16)
