"""A roof shows its damage: intact planes, holes and tarpaulins, a part torn open, or rubble on a slab."""

import cv2
import numpy as np

from terra_cot.world.disaster.damage import DisasterType, Subtype
from terra_cot.world.disaster.layout import Building, Points
from terra_cot.world.disaster.paint import coverage, fill
from terra_cot.world.noise import F32, grain

_SLABS = {
    "wind": (150, 142, 130),
    "flooding": (128, 112, 88),
    "fire": (128, 122, 118),
    "earthquake": (152, 146, 138),
}


def paint_roof(
    canvas: F32,
    rng: np.random.Generator,
    building: Building,
    level: Subtype,
    sun: Points,
    fine: F32,
    kind: DisasterType | None,
) -> None:
    """Paint a standing building with the damage its level calls for.

    Args:
        canvas: H x W x 3 float32, changed in place.
        rng: Source of where the damage sits.
        building: The building.
        level: xBD damage level.
        sun: (x, y) towards the sun.
        fine: H x W texture, about 1.
        kind: None before the disaster.
    """
    for wing in building.wings:
        _planes(canvas, wing.corners, building, sun, fine)
    if building.flat:
        _flat_detail(canvas, building, sun)
    if kind is None:
        return
    if level == "minor-damage":
        _minor(canvas, rng, building, kind)
    elif level == "major-damage":
        _major(canvas, rng, building, kind)


def _planes(canvas: F32, corners: Points, building: Building, sun: Points, fine: F32) -> None:
    tint = np.array(building.tint, np.float32)
    a, b, c, d = corners
    long, wide = np.hypot(*(b - a)), np.hypot(*(d - a))
    if wide > long:
        a, b, c, d = b, c, d, a
        long, wide = wide, long
    if building.flat:
        fill(canvas, corners, tint, texture=fine)
        return
    hip = min(0.5 * wide, 0.45 * long) if (building.tint[0] * 7) % 2 < 1 else 0.02 * long
    along = (b - a) / long
    start, end = (a + d) / 2 + along * hip, (b + c) / 2 - along * hip
    sides = ((a, b, end, start), (c, d, start, end), (d, a, start), (b, c, end))
    for plane in (np.array(side) for side in sides):
        out = plane[:2].mean(axis=0) - (start + end) / 2
        out = out / max(1e-6, float(np.hypot(*out)))
        shine = 1.0 + 0.26 * float(out @ sun)
        fill(canvas, plane, tint * np.float32(shine), texture=fine)
    ridge = np.array([start - along * 0.2, end + along * 0.2])
    side = np.array([-along[1], along[0]]) * 0.45
    fill(canvas, np.concatenate([ridge + side, ridge[::-1] - side]), tuple(tint * 1.18), 0.7)


def _flat_detail(canvas: F32, building: Building, sun: Points) -> None:
    outline = building.outline
    centre = outline.mean(axis=0)
    inner = centre + (outline - centre) * 0.93
    fill(canvas, inner, tuple(c * 0.93 for c in building.tint))
    for k in range(4):
        spot = centre + (outline[k] - centre) * (0.35 + 0.1 * k)
        box = spot + np.array([[-3, -2.5], [3, -2.5], [3, 2.5], [-3, 2.5]])
        fill(canvas, box - sun * 3, (70, 70, 74), 0.5)
        fill(canvas, box, (188, 188, 186))


def _minor(canvas: F32, rng: np.random.Generator, building: Building, kind: DisasterType) -> None:
    outline = building.outline
    centre = outline.mean(axis=0)
    for number in range(int(rng.integers(2, 5))):
        corner = outline[int(rng.integers(len(outline)))]
        spot = centre + (corner - centre) * rng.uniform(0.25, 0.75)
        patch = _blob(rng, spot, rng.uniform(2.0, 4.2))
        if kind in ("wind", "earthquake") and number == 0 and rng.random() < 0.6:
            turn = rng.uniform(0, np.pi)
            axis = np.array([np.cos(turn), np.sin(turn)])
            side = np.array([-axis[1], axis[0]])
            half = rng.uniform(4.0, 7.0), rng.uniform(2.6, 4.6)
            tarp = spot + np.array(
                [
                    -axis * half[0] - side * half[1],
                    axis * half[0] - side * half[1],
                    axis * half[0] + side * half[1],
                    side * half[1] - axis * half[0],
                ]
            )
            _within(canvas, tarp, outline, np.array([58, 104, 176], np.float32))
        else:
            colour = (46, 42, 40) if kind != "flooding" else (112, 96, 72)
            _within(canvas, patch, outline, np.array(colour, np.float32), 0.85)


def _major(canvas: F32, rng: np.random.Generator, building: Building, kind: DisasterType) -> None:
    """Tear open the part of the footprint on one side of a ragged line."""
    outline = building.outline
    where, alpha = coverage(canvas.shape[:2], outline)
    if where is None:
        return
    rows, columns = alpha.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    side = max(rows, columns)
    along = x * np.float32(np.cos(turn)) + y * np.float32(np.sin(turn)) + 3.0 * grain(rng, side, 3.0)[:rows, :columns]
    torn = along < np.quantile(along[alpha > 0.5], rng.uniform(0.32, 0.6)) if (alpha > 0.5).any() else along < 0
    open_part = cv2.GaussianBlur(torn.astype(np.float32), (0, 0), 0.6) * alpha
    inside = _rubble(rng, side, kind)[:rows, :columns] * np.float32(0.78)
    canvas[where] = canvas[where] * (1 - open_part[..., None]) + inside * open_part[..., None]


def paint_ruin(canvas: F32, rng: np.random.Generator, building: Building, kind: DisasterType) -> None:
    """Paint a destroyed building: rubble over the footprint and, by a ragged margin, beyond it."""
    outline = building.outline
    centre = outline.mean(axis=0)
    spill = {"wind": 8.0, "flooding": 4.0, "fire": 2.0, "earthquake": 6.0}[kind]
    reach = outline - centre
    wide = centre + reach * (1 + spill / np.maximum(np.hypot(reach[:, 0], reach[:, 1]), 1.0))[:, None]
    where, around = coverage(canvas.shape[:2], wide)
    if where is None:
        return
    rows, columns = around.shape
    side = max(rows, columns)
    core = np.zeros(around.shape, np.float32)
    inner_where, inner = coverage(canvas.shape[:2], outline)
    if inner_where is not None:
        core[
            inner_where[0].start - where[0].start : inner_where[0].stop - where[0].start,
            inner_where[1].start - where[1].start : inner_where[1].stop - where[1].start,
        ] = inner
    soft = cv2.GaussianBlur(around, (0, 0), spill / 2.2)
    scatter = (grain(rng, side, 1.4)[:rows, :columns] + 4.2 * soft > 2.4).astype(np.float32) * around
    cover = np.maximum(cv2.GaussianBlur(scatter, (0, 0), 0.6) * 0.85, core * (0.94 if kind != "flooding" else 0.75))
    heap = _rubble(rng, side, kind)[:rows, :columns]
    canvas[where] = canvas[where] * (1 - cover[..., None]) + heap * cover[..., None]
    if kind in ("wind", "fire") and rng.random() < 0.5:  # a swept slab shows through
        slab = centre + (outline - centre) * rng.uniform(0.55, 0.85)
        fill(canvas, slab, tuple(float(c) for c in _SLABS[kind]), 0.45)


def _rubble(rng: np.random.Generator, side: int, kind: DisasterType) -> F32:
    """Return a heap of debris: planks, plaster, shadowed gaps; side x side x 3 float32."""
    size = max(side, 8)
    coarse, bits = grain(rng, size, 2.4), grain(rng, size, 0.9)
    base = np.array(_SLABS[kind], np.float32) * (0.62 if kind == "fire" else 0.86)
    contrast = 24 if kind == "fire" else 32
    heap = base + contrast * (0.65 * coarse + 0.75 * bits)[..., None]
    for _ in range(int(size * size / 130)):  # planks, beams and sheets
        at, turn, length = rng.uniform(0, size, 2), rng.uniform(0, np.pi), rng.uniform(2, 6)
        end = at + length * np.array([np.cos(turn), np.sin(turn)])
        tone = float(rng.choice([205, 182, 96, 56])) * (0.62 if kind == "fire" else 1.0)
        colour = (tone, tone * 0.95, tone * 0.88)
        cv2.line(heap, np.round(at).astype(int).tolist(), np.round(end).astype(int).tolist(), colour, 1)
    if kind == "fire":  # ash
        heap += np.clip(coarse - 0.6, 0, 1.4)[..., None] * 46
    return np.asarray(np.clip(heap, 22, 235), dtype=np.float32)


def _within(canvas: F32, patch: Points, outline: Points, colour: F32, opacity: float = 1.0) -> None:
    where, alpha = coverage(canvas.shape[:2], outline)
    spot, part = coverage(canvas.shape[:2], patch)
    if where is None or spot is None:
        return
    full = np.zeros(alpha.shape, np.float32)
    top, left = spot[0].start - where[0].start, spot[1].start - where[1].start
    rows = slice(max(0, top), min(alpha.shape[0], top + part.shape[0]))
    columns = slice(max(0, left), min(alpha.shape[1], left + part.shape[1]))
    full[rows, columns] = part[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    blend = (full * alpha * np.float32(opacity))[..., None]
    canvas[where] = canvas[where] * (1 - blend) + colour * blend


def _blob(rng: np.random.Generator, centre: Points, radius: float) -> Points:
    turn = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    reach = radius * rng.uniform(0.55, 1.3, 9)
    return centre + np.stack([np.cos(turn), np.sin(turn)], axis=1) * reach[:, None]
