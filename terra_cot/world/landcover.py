"""The label and the picture come from one drawing, so they cannot disagree.

Layers are painted from the general to the particular: farmland, forest, upland,
marsh, water, quarries, towns, roads. Each paints the surface (what it looks like)
and the cover (its class) of the same cells at once.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from terra_cot.world.config import CELL_M
from terra_cot.world.materials import (
    BARE,
    BUILT,
    CROP,
    GRASS,
    PARCELS,
    SHRUB,
    TREE,
    WATER,
    WETLAND,
    Material,
    field_surface,
    meadow_surface,
)
from terra_cot.world.noise import F32, U8, U16, fractal, grain, level, smoothstep, wander
from terra_cot.world.parcels import Parcels, make_parcels
from terra_cot.world.terrain import Line, Style, Terrain, make_terrain
from terra_cot.world.towns import Town, build_town, place_towns
from terra_cot.world.window import around, offsets, turned


@dataclass(frozen=True, slots=True)
class Land:
    """One place before any change; every field HW over the drawn cells.

    Attributes:
        surface: uint16 surface numbers (see `materials`).
        cover: uint8 WorldCover codes.
        terrain: Relief and water.
        parcels: Farm plan.
        towns: Settlements, the largest first.
        patchy: float32, unit noise of some 120 m: soil, vigour, stands.
        fine: float32, unit noise of some 5 m: canopies, stones.
        warp: float32, unit noise that bends streets.
    """

    surface: U16
    cover: U8
    terrain: Terrain
    parcels: Parcels
    towns: list[Town]
    patchy: F32
    fine: F32
    warp: F32


def make_land(rng: np.random.Generator, size: int, scale: float, style: Style) -> Land:
    """Return one place of `size` x `size` cells; `scale` shrinks wide features in small places."""
    terrain = make_terrain(rng, size, scale, style)
    parcels = make_parcels(rng, size, scale, style.bocage)
    broad = fractal(rng, size, 2600 * scale / CELL_M, 3.6, coarse=4)
    medium = fractal(rng, size, 700 * scale / CELL_M, 3.5, coarse=2)
    patchy = fractal(rng, size, 300 / CELL_M, 3.1, coarse=2)
    fine = grain(rng, size, 0.8)
    warp = fractal(rng, size, 900 / CELL_M, 6.0, coarse=4)
    surface, cover = _farmland(rng, terrain, parcels, broad, style)
    wood = _forest(terrain, parcels, broad, medium, patchy, style, surface, cover)
    _upland(rng, terrain, broad, medium, patchy * np.float32(style.mosaic), wood, scale, surface, cover)
    _marsh(rng, terrain, medium, patchy, scale, surface, cover)
    _quarries(rng, terrain, medium, patchy, scale, surface, cover)
    _water(terrain, patchy, fine, surface, cover)
    wet = terrain.water_m < 25
    radii = [style.town_m * scale] + [float(r) * max(scale, 0.6) for r in rng.uniform(190, 420, style.villages)]
    taken = (cover == WETLAND) | (cover == BARE) | (cover == WATER)
    towns = place_towns(rng, size, radii, terrain.height_m, terrain.water_m, taken)
    for town in towns:
        build_town(town, medium, warp, surface, cover, ~wet & (cover != BARE))
    _roads(rng, towns, size, terrain, surface, cover)
    return Land(surface, cover, terrain, parcels, towns, patchy, fine, warp)


def _parcel_mean(field: F32, parcels: Parcels) -> F32:
    """Return the mean of the field over each cell's own parcel."""
    flat = parcels.parcel.ravel()[::2]
    total = np.bincount(flat, field.ravel()[::2], PARCELS)
    count = np.bincount(flat, minlength=PARCELS)
    mean = (total / np.maximum(count, 1)).astype(np.float32)
    return np.asarray(mean[parcels.parcel])


def _farmland(rng: np.random.Generator, terrain: Terrain, parcels: Parcels, broad: F32, style: Style) -> tuple[U16, U8]:
    lean = rng.random(PARCELS).astype(np.float32)[parcels.parcel]
    steep = terrain.height_m / np.float32(0.5 * style.relief_m)
    damp = np.exp(-terrain.river_m / np.float32(260))
    belts = 0.55 * steep + 0.9 * damp + (0.22 + 0.5 * (1 - style.mosaic)) * broad
    pasture = _parcel_mean(belts, parcels) + 0.9 * style.mosaic * lean
    meadow = pasture > level(pasture, 0.62)
    surface = np.where(meadow, meadow_surface(parcels.parcel), field_surface(parcels.parcel))
    surface[parcels.track] = Material.TRACK
    surface[parcels.hedge] = Material.HEDGE
    return surface.astype(np.uint16), np.where(meadow, GRASS, CROP).astype(np.uint8)


def _forest(
    terrain: Terrain, parcels: Parcels, broad: F32, medium: F32, patchy: F32, style: Style, surface: U16, cover: U8
) -> F32:
    """Paint the woods: ragged on the hills, straight-edged where farms hold them back. Return the leaning to wood."""
    lean = 0.9 * terrain.height_m / np.float32(style.relief_m * 0.5) + 0.55 * broad + 0.45 * style.mosaic * medium
    lean = lean - 0.5 * np.exp(-terrain.river_m / np.float32(350))
    farmed = 0.6 * _parcel_mean(lean, parcels) + 0.4 * lean
    wood = (farmed > level(farmed, 1 - style.forest)) | (lean > level(lean, 1 - style.forest * 0.55))
    needles = (
        0.35 * terrain.height_m / np.float32(style.relief_m * 0.5) + 0.7 * broad * -1 + 0.55 * patchy + medium * 0.5
    )
    conifer = needles > level(needles, 0.55)
    surface[wood] = np.where(conifer, Material.CONIFER, Material.BROADLEAF)[wood].astype(np.uint16)
    young = wood & (patchy < -1.5)
    surface[young] = Material.YOUNG_WOOD
    cover[wood] = TREE
    ride = wood & parcels.track
    surface[ride] = Material.TRACK
    return np.asarray(lean, dtype=np.float32)


def _upland(
    rng: np.random.Generator,
    terrain: Terrain,
    broad: F32,
    medium: F32,
    patchy: F32,
    wood: F32,
    scale: float,
    surface: U16,
    cover: U8,
) -> None:
    """Paint scrub on poor slopes and bare rock on the tops."""
    size = len(surface)
    poor = fractal(rng, size, 1500 * scale / CELL_M, 3.6, coarse=4) + 0.2 * patchy
    dry = smoothstep(60, 300, terrain.water_m)
    away = poor + 0.25 * wood
    scrub = (away > level(away, 0.925)) & (dry > 0.5)
    surface[scrub] = np.where(patchy + 0.6 * medium > 0.15, Material.SHRUB, Material.HEATH)[scrub]
    open_ground = scrub & (patchy < -0.9)
    surface[open_ground] = Material.UPLAND_GRASS
    cover[scrub] = SHRUB
    top = terrain.height_m + 6 * patchy + 10 * broad
    alp = top > level(top, 0.972)
    surface[alp] = Material.UPLAND_GRASS
    cover[alp] = GRASS
    rock = top + 4 * medium > level(top + 4 * medium, 0.984)
    surface[rock] = np.where(patchy > 0.9, Material.GRAVEL, Material.ROCK)[rock]
    cover[rock] = BARE


def _marsh(
    rng: np.random.Generator, terrain: Terrain, medium: F32, patchy: F32, scale: float, surface: U16, cover: U8
) -> None:
    """Paint reed beds beside lakes and in the low land along the river."""
    size = len(surface)
    marsh = terrain.water_m < 90 * np.clip(0.35 + 0.8 * medium, 0, 2) * (terrain.river_m > 200)
    shore = np.argwhere(
        (terrain.water_m[::8, ::8] < 120) & (terrain.water_m[::8, ::8] > 40) & (terrain.height_m[::8, ::8] < 14)
    )
    shore = shore[((shore > size / 8 * 0.12) & (shore < size / 8 * 0.88)).all(axis=1)] * 8
    for radius_m in rng.uniform(480, 760, 6) * scale:
        if not len(shore):
            break
        row, column = shore[int(rng.integers(len(shore)))]
        box = around(row, column, radius_m * 2.5 / CELL_M, size)
        away = np.hypot(*offsets(box, row, column)) * CELL_M
        ragged = 1 + np.maximum(0.28 * medium[box] + 0.12 * patchy[box], -0.6)
        marsh[box] |= (away * ragged < radius_m) & (terrain.height_m[box] < 20)
    surface[marsh] = np.where(patchy > -0.15, Material.REED, Material.WET_MEADOW)[marsh]
    pools = marsh & (patchy + 0.4 * medium < -1.45)
    surface[pools] = Material.POOL
    cover[marsh] = WETLAND


def _quarries(
    rng: np.random.Generator, terrain: Terrain, medium: F32, patchy: F32, scale: float, surface: U16, cover: U8
) -> None:
    """Paint open pits: concentric benches, light faces and darker floors, spoil beside them."""
    size = len(surface)
    for radius_m in np.array([620.0, 430.0, 300.0]) * scale * rng.uniform(0.85, 1.15, 3):
        spots = rng.uniform(0.1, 0.9, (20, 2)) * size
        cells = spots.astype(int)
        far = np.minimum(terrain.water_m[cells[:, 0], cells[:, 1]], 900)
        row, column = spots[int(np.argmax(far + rng.uniform(0, 300, 20)))]
        turn, flat = rng.uniform(0, np.pi), rng.uniform(0.55, 0.85)
        box = around(row, column, radius_m * 1.5 / CELL_M, size)
        across, along = turned(*offsets(box, row, column), turn)
        rough = 0.09 * medium[box] + 0.03 * patchy[box]
        depth = 1 - np.hypot(along, across / flat) * CELL_M / radius_m - rough
        pit = (depth > 0) & (terrain.water_m[box] > 60)
        bench = np.mod(depth * radius_m / 75, 1.0)
        floor = np.where(medium[box] + 0.5 * patchy[box] > 0.9, Material.GRAVEL, Material.QUARRY_FLOOR)
        floor = np.where(medium[box] + 0.5 * patchy[box] < -1.1, Material.CUT_SOIL, floor)
        surface[box][pit] = np.where((bench < 0.24) & (depth < 0.62), Material.QUARRY_FACE, floor)[pit]
        cover[box][pit] = BARE


def _water(terrain: Terrain, patchy: F32, fine: F32, surface: U16, cover: U8) -> None:
    bank = (terrain.river_m > 0) & (terrain.river_m < 22 + 16 * patchy)
    trees = bank & (patchy > -0.35) & (cover != BARE)
    surface[trees] = np.where(fine > -1.0, Material.BROADLEAF, Material.WET_MEADOW)[trees]
    cover[trees] = TREE
    bars = (terrain.river_m > 0) & (terrain.river_m < 34) & (patchy < -1.75)
    surface[bars] = Material.GRAVEL
    cover[bars] = BARE
    surface[terrain.lake] = Material.LAKE
    surface[terrain.river] = Material.RIVER
    cover[terrain.lake | terrain.river] = WATER


def _roads(rng: np.random.Generator, towns: list[Town], size: int, terrain: Terrain, surface: U16, cover: U8) -> None:
    """Join each town to the nearest larger one and out of the map; lay one motorway."""
    paved = np.zeros((size, size), np.uint8)
    for number, town in enumerate(towns):
        here = np.array([town.row, town.column])
        if number:
            others = np.array([(other.row, other.column) for other in towns[:number]])
            there = others[int(np.argmin(np.hypot(*(others - here).T)))]
            _lay(rng, paved, here, there, 2)
        if number < 3:
            angle = rng.uniform(0, 2 * np.pi)
            _lay(rng, paved, here, here + size * 1.2 * np.array([np.sin(angle), np.cos(angle)]), 2)
    motorway = np.zeros((size, size), np.uint8)
    if size > 900:
        angle = rng.uniform(0, np.pi)
        middle = np.array([towns[0].row, towns[0].column])
        middle = middle + np.array([np.cos(angle), -np.sin(angle)]) * (towns[0].radius_m * 1.5 + 250) / CELL_M
        way = np.array([np.sin(angle), np.cos(angle)]) * size
        _lay(rng, motorway, middle - way * 1.2, middle + way * 1.2, 7)
        motorway[terrain.lake] = 0
        lanes = motorway.astype(bool)
        core = cv2.distanceTransform(motorway, cv2.DIST_L2, 3) > 3.2
        surface[lanes] = Material.ASPHALT
        surface[core] = Material.LAWN
        cover[lanes] = BUILT
    surface[(paved > 0) & (motorway == 0) & ~terrain.lake] = Material.ASPHALT


def _lay(rng: np.random.Generator, canvas: U8, start: Line, end: Line, width: int) -> None:
    count = max(8, int(np.hypot(*(end - start)) / 6))
    t = np.linspace(0, 1, count)[:, None]
    side = np.array([-(end - start)[1], (end - start)[0]]) / max(1.0, float(np.hypot(*(end - start))))
    sway = wander(rng, count, 60)[:, None] * np.sin(np.pi * t) ** 0.7 * min(60.0, 0.06 * count * 6)
    points = start + (end - start) * t + side * sway
    cv2.polylines(canvas, [np.round(points[:, ::-1] * 16).astype(np.int32)], False, 1, width, cv2.LINE_8, 4)
