"""Water shapes the land: rivers are drawn first, and the hills stand back from them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from terra_cot.world.config import CELL_M
from terra_cot.world.noise import F32, Bool, blur, fractal, level, resize, smoothstep, wander
from terra_cot.world.window import around, offsets, turned

Line = NDArray[np.float64]
"""A curve: N x 2, (row, column) in cells."""


@dataclass(frozen=True, slots=True)
class Style:
    """What sets one place apart from another.

    Attributes:
        relief_m: Height of the hills.
        forest: Share of the land that leans to forest.
        lakes: Number of lakes.
        town_m: Radius of the main town.
        villages: Number of villages.
        bocage: Share of field edges with a hedge.
        river_m: Width of the main river.
        mosaic: How finely land use is mixed: 1 parcel by parcel, near 0 in wide belts that keep to themselves.
    """

    relief_m: float
    forest: float
    lakes: int
    town_m: float
    villages: int
    bocage: float
    river_m: float
    mosaic: float


STYLES = (
    Style(70.0, 0.20, 3, 1150.0, 7, 0.08, 150.0, 1.0),
    Style(55.0, 0.28, 9, 850.0, 6, 0.16, 85.0, 0.15),
    Style(190.0, 0.38, 4, 850.0, 7, 0.28, 90.0, 0.7),
    Style(110.0, 0.26, 4, 1350.0, 8, 0.12, 120.0, 0.25),
)


@dataclass(frozen=True, slots=True)
class Terrain:
    """Relief and open water of one place; every field HW over the drawn cells.

    Attributes:
        height_m: float32, metres above the river.
        river: bool, river surface.
        lake: bool, lake surface.
        slope_down: float32, rise per metre towards the south.
        slope_right: float32, rise per metre towards the east.
        river_m: float32, metres to the nearest river bank (0 on the river).
        water_m: float32, metres to the nearest river or lake.
        axis: Course of the main river, in cells.
    """

    height_m: F32
    river: Bool
    lake: Bool
    slope_down: F32
    slope_right: F32
    river_m: F32
    water_m: F32
    axis: Line


def make_terrain(rng: np.random.Generator, size: int, scale: float, style: Style) -> Terrain:
    """Return the terrain of one place of `size` x `size` cells; `scale` shrinks wide features in small places."""
    axis = _river(rng, size, scale)
    streams = [(axis, style.river_m * max(0.6, scale))]
    stream_m = 0.45 * style.river_m * max(0.6, scale) + 4
    streams += [(_tributary(rng, size, scale, axis), stream_m) for _ in range(2)]
    river = np.zeros((size, size), np.uint8)
    for line, width_m in streams:
        _draw(rng, river, line, width_m)
    _oxbows(rng, river, axis, style.river_m * max(0.6, scale), scale)
    to_river = _distance_m(river > 0)

    broad = fractal(rng, size, 3200 * scale / CELL_M, 4.6, coarse=4)
    ridged = 1.2 - 1.6 * np.abs(fractal(rng, size, 2200 * scale / CELL_M, 4.4, coarse=4))
    detail = fractal(rng, size, 500 * scale / CELL_M, 4.4, coarse=4)
    relief = 0.62 * broad + 0.42 * ridged + 0.08 * detail
    relief = relief - level(relief, 0.05)
    valley = 1 - np.exp(-((to_river / np.float32(1100 * scale)) ** 1.6))
    height = style.relief_m * np.maximum(relief, 0.02 * detail) * valley * 0.5
    height = (height + 0.5 * detail + to_river * np.float32(0.0012)).astype(np.float32)

    lake = _lakes(rng, size, scale, style, height, to_river)
    river_mask = (river > 0) & ~lake
    down, right = (np.asarray(slope, dtype=np.float32) for slope in np.gradient(blur(height, 5.0), CELL_M))
    return Terrain(height, river_mask, lake, down, right, to_river, np.minimum(to_river, _distance_m(lake)), axis)


def _walk(
    rng: np.random.Generator, start: Line, heading: float, steps: int, wave: float, bend: float, line_pull: float
) -> Line:
    """Return a sine-generated curve (Langbein and Leopold 1966), one point every 4 cells."""
    swing = np.clip(0.75 + 0.45 * wander(rng, steps, wave / 2), 0.15, 1.25) * bend
    phase = 2 * np.pi * np.arange(steps) / wave + 1.3 * wander(rng, steps, wave * 0.8) + rng.uniform(0, 6.28)
    turn = swing * np.sin(phase) + 0.25 * wander(rng, steps, wave * 1.5)
    across = np.array([np.cos(heading), -np.sin(heading)])
    points = np.empty((steps, 2))
    here = start.astype(float)
    for i in range(steps):
        points[i] = here
        drift = float((here - start) @ across)
        angle = heading + turn[i] - np.clip(line_pull * drift, -0.6, 0.6)
        here = here + 4.0 * np.array([np.sin(angle), np.cos(angle)])
    return points


def _river(rng: np.random.Generator, size: int, scale: float) -> Line:
    heading = rng.uniform(-0.6, 0.6) + rng.choice([0.0, np.pi / 2])
    middle = size * rng.uniform(0.38, 0.62, 2)
    start = middle - np.array([np.sin(heading), np.cos(heading)]) * size * 0.85
    wave = rng.uniform(1500, 2300) * scale / CELL_M / 4
    return _walk(rng, start, heading, int(size * 1.9 * 1.7 / 4), wave, rng.uniform(0.85, 1.15), 2.0 / size)


def _tributary(rng: np.random.Generator, size: int, scale: float, axis: Line) -> Line:
    inside = np.flatnonzero(((axis > size * 0.15) & (axis < size * 0.85)).all(axis=1))
    at = int(rng.choice(inside)) if inside.size else len(axis) // 2
    step = axis[min(at + 12, len(axis) - 1)] - axis[max(at - 12, 0)]
    flow = np.arctan2(step[0], step[1])
    # Water joins downstream at an acute angle, so seen from the mouth the stream leads back and aside.
    heading = flow + np.pi + rng.choice([-1, 1]) * rng.uniform(0.8, 1.3)
    wave = rng.uniform(500, 900) * scale / CELL_M / 4
    return _walk(rng, axis[at], heading, int(size * 1.1 / 4), wave, rng.uniform(0.7, 1.1), 1.2 / size)


def _draw(rng: np.random.Generator, mask: NDArray[np.uint8], line: Line, width_m: float) -> None:
    widths = width_m / CELL_M * np.clip(1 + 0.2 * wander(rng, len(line), 30), 0.6, 1.6)
    points = np.round(line[:, ::-1] * 16).astype(np.int32)
    for a, b, width in zip(points[:-1], points[1:], widths[:-1], strict=True):
        if -1600 < a[0] < 16 * len(mask) + 1600 and -1600 < a[1] < 16 * len(mask) + 1600:
            cv2.line(mask, a.tolist(), b.tolist(), 1, max(1, round(width)), cv2.LINE_8, 4)


def _oxbows(rng: np.random.Generator, mask: NDArray[np.uint8], axis: Line, width_m: float, scale: float) -> None:
    """Draw cut-off meanders: crescents lying beside the river."""
    for _ in range(5):
        centre = axis[int(rng.integers(len(axis)))] + rng.normal(0, 420 * scale / CELL_M, 2)
        radius = rng.uniform(110, 230) * scale / CELL_M
        start = rng.uniform(0, 360)
        cv2.ellipse(
            mask,
            (int(centre[1]), int(centre[0])),
            (int(radius), int(radius * rng.uniform(0.6, 0.9))),
            rng.uniform(0, 360),
            start,
            start + rng.uniform(130, 240),
            1,
            max(2, int(width_m * 0.55 / CELL_M)),
        )


def _lakes(rng: np.random.Generator, size: int, scale: float, style: Style, height: F32, to_river: F32) -> Bool:
    """Fill hollows: noise-edged discs set where the land is low, away from the edges."""
    lake = np.zeros((size, size), bool)
    edge = fractal(rng, size, 600 * scale / CELL_M, 3.9, coarse=2)
    for number in range(style.lakes):
        radius = rng.uniform(230, 430) * scale / CELL_M * (1.5 if number == 0 else 1.0)
        spots = rng.uniform(0.12, 0.88, (24, 2)) * size
        cells = spots.astype(int)
        costs = height[cells[:, 0], cells[:, 1]] + 30.0 * (to_river[cells[:, 0], cells[:, 1]] < radius * CELL_M * 1.4)
        row, column = spots[int(np.argmin(costs))]
        turn, flat = rng.uniform(0, np.pi), rng.uniform(0.45, 0.9)
        box = around(row, column, radius * 2.2, size)
        across, along = turned(*offsets(box, row, column), turn)
        lake[box] |= np.hypot(along, across / flat) < radius * (1 + 0.26 * edge[box])
    return lake


def _distance_m(mask: Bool) -> F32:
    if not mask.any():
        return np.full(mask.shape, 1e5, np.float32)
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32) * CELL_M


def shade(terrain: Terrain, sun_azimuth_deg: float, strength: float) -> F32:
    """Return the relative brightness of sloping ground, 1 on the level (float32)."""
    azimuth = np.deg2rad(sun_azimuth_deg)
    east, south = np.float32(-strength * np.sin(azimuth)), np.float32(strength * np.cos(azimuth))
    light = terrain.slope_right * east + terrain.slope_down * south
    return np.asarray(np.clip(light + 1, 0.6, 1.4), dtype=np.float32)


def floodplain(rng: np.random.Generator, terrain: Terrain, reach_m: float) -> Bool:
    """Return the cells a flood covers: low ground near the river, with an uneven edge."""
    size = len(terrain.height_m)
    uneven = fractal(rng, size, 700 / CELL_M, 3.6, coarse=2)
    along = resize(rng.uniform(0.3, 1.5, (5, 5)).astype(np.float32), size, cv2.INTER_CUBIC)
    climb = smoothstep(2.0, 12.0, terrain.height_m)
    reach = reach_m * along * (1 + 0.45 * uneven) * (1 - climb)
    return np.asarray(terrain.river_m < reach)
