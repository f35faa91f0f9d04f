"""A cloud hides, its shadow dims, and the mask says which, from the same field.

Cloud mask values: 0 clear, 1 cloud, 2 shadow.
"""

from dataclasses import dataclass

import numpy as np

from terra_cot.world.noise import F32, U8, Bool, blur, fractal, smoothstep

CLOUD_OPACITY = 0.12
SHADOW_DEPTH = 0.25

_BRIGHT = np.array([0.66, 0.64, 0.63, 0.66, 0.64, 0.67, 0.50, 0.40], np.float32)
_DIM = np.array([0.50, 0.56, 0.60, 0.66, 0.62, 0.67, 0.72, 0.74], np.float32)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The sky over one image, on the 10 m grid.

    Attributes:
        opacity: HW float32, 0 clear to 1 opaque.
        shadow: HW float32, 0 lit to 1 shaded.
        relief: HW float32, brightness of the cloud top, about 1.
        mask: HW uint8; 0 clear, 1 cloud, 2 shadow.
    """

    opacity: F32
    shadow: F32
    relief: F32
    mask: U8


def draw_cover(rng: np.random.Generator, mean: float) -> float:
    """Return the share of cloud on one cloudy date: from almost none to nearly three times the mean."""
    if mean <= 0:
        return 0.0
    highest = min(0.95, 2.8 * mean)
    rise = 2.4 * mean / highest
    return float(highest * rng.beta(rise, 2.4 - rise))


def clear_sky(size_px: int) -> Cloud:
    """Return a sky without cloud."""
    none = np.zeros((size_px, size_px), np.float32)
    return Cloud(none, none, none + 1, np.zeros((size_px, size_px), np.uint8))


def make_cloud(rng: np.random.Generator, size_px: int, cover: float, sun_azimuth_deg: float) -> Cloud:
    """Return a sky in which the mask marks `cover` of the image as cloud.

    Args:
        rng: Source of the shapes.
        size_px: Side of the image.
        cover: Share of pixels with cloud, 0 to 1.
        sun_azimuth_deg: Where the sun stands, degrees from north, clockwise.
    """
    if cover <= 0.001:
        return clear_sky(size_px)
    azimuth = np.deg2rad(sun_azimuth_deg)
    throw = rng.uniform(28, 55) * min(1.0, max(0.35, size_px / 700))
    away = np.array([np.cos(azimuth), -np.sin(azimuth)]) * throw  # rows, columns
    edge = int(throw) + 8
    size = size_px + 2 * edge
    banks = fractal(rng, size, max(40.0, 0.45 * size_px), 3.6, coarse=4)
    puffs = fractal(rng, size, rng.uniform(45, 110), 3.7, coarse=2)
    fleece = 1 - np.abs(fractal(rng, size, 30, 3.2))
    field = banks * np.float32(rng.uniform(0.6, 1.3)) + puffs * np.float32(0.75) + np.float32(0.22) * fleece
    here = (slice(edge, edge + size_px), slice(edge, edge + size_px))
    floor = float(np.quantile(field[here], 1 - cover))
    depth = field - np.float32(floor)
    # The soft rim starts at the rim of the mask: opacity at depth 0 equals CLOUD_OPACITY.
    rise = smoothstep(-0.20, 0.62, depth) ** np.float32(0.8)
    rim = float(smoothstep(-0.20, 0.62, np.zeros(1, np.float32))[0]) ** 0.8
    inner = CLOUD_OPACITY + (rise - rim) * (1 - CLOUD_OPACITY) / (1 - rim)
    opacity = np.clip(np.where(depth < 0, rise * (CLOUD_OPACITY / rim), inner), 0, 1).astype(np.float32)
    soft = blur(opacity, 1.6)
    moved = _shifted(soft, away)[here]
    down, right = np.gradient(blur(np.minimum(depth, 2.5).astype(np.float32), 1.2))
    facing = -right * np.sin(azimuth) + down * np.cos(azimuth)
    relief = np.clip(0.93 + 0.13 * np.tanh(depth * 0.9) + 2.2 * facing + 0.03 * fleece, 0.6, 1.28)
    opacity = np.ascontiguousarray(opacity[here])
    shadow = moved * (1 - opacity)
    mask = np.zeros((size_px, size_px), np.uint8)
    mask[shadow > SHADOW_DEPTH] = 2
    mask[opacity > CLOUD_OPACITY] = 1
    return Cloud(opacity, shadow.astype(np.float32), relief[here].astype(np.float32), mask)


def cover_band(band: F32, number: int, opacity: F32, shadow: F32, relief: F32) -> F32:
    """Return one band of reflectance under the sky; `number` is its place in `config.BANDS`."""
    if not opacity.any():
        return band
    lit = band * (1 - shadow * _DIM[number])
    return np.asarray(lit + opacity * (_BRIGHT[number] * relief - lit), dtype=np.float32)


def _shifted(field: F32, move: np.ndarray) -> F32:
    down, right = (round(float(v)) for v in move)
    return np.roll(field, (down, right), axis=(0, 1))


def cloudy(cloud: Cloud) -> Bool:
    """Return the pixels marked as cloud."""
    return np.asarray(cloud.mask == 1)
