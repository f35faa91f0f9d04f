"""A disaster has a shape on the ground, and buildings suffer by where they stand in it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from terra_cot.world.disaster.layout import Layout
from terra_cot.world.noise import F32, fractal

DisasterType = Literal["wind", "flooding", "fire", "earthquake"]
Subtype = Literal["no-damage", "minor-damage", "major-damage", "destroyed", "un-classified"]

TYPES: tuple[DisasterType, ...] = ("wind", "flooding", "fire", "earthquake")
_DESTROYED = (0.45, 0.22, 0.65, 0.12, 0.80, 0.32, 0.0, 0.55, 0.18, 0.38)


@dataclass(frozen=True, slots=True)
class Disaster:
    """What happened.

    Attributes:
        kind: xBD disaster type.
        force: HW float32, 0 untouched to 1 worst.
        subtypes: One xBD damage level for each building of the layout.
    """

    kind: DisasterType
    force: F32
    subtypes: tuple[Subtype, ...]


def strike(rng: np.random.Generator, layout: Layout, index: int) -> Disaster:
    """Return the disaster of pair `index`: its type turns with the index, its toll varies widely."""
    kind = TYPES[index % len(TYPES)]
    force = _force(rng, layout.size, kind)
    count = len(layout.buildings)
    toll = float(np.clip(_DESTROYED[(index * 7 + 3) % len(_DESTROYED)] + rng.uniform(-0.06, 0.06), 0, 0.82))
    if _DESTROYED[(index * 7 + 3) % len(_DESTROYED)] == 0.0:
        toll = 0.0
    at = [b.outline.mean(axis=0).astype(int) for b in layout.buildings]
    suffered = np.array([force[y, x] for x, y in at]) + rng.normal(0, 0.08, count)
    order = np.argsort(-suffered, kind="stable")
    rest = 1 - toll
    destroyed = round(toll * count)
    major = destroyed + round(rest * float(rng.uniform(0.08, 0.28)) * count)
    minor = major + round(rest * float(rng.uniform(0.10, 0.35)) * count)
    subtypes: list[Subtype] = ["no-damage"] * count
    for rank, number in enumerate(order):
        if rank < destroyed:
            subtypes[number] = "destroyed"
        elif rank < major:
            subtypes[number] = "major-damage"
        elif rank < minor:
            subtypes[number] = "minor-damage"
        if rng.random() < 0.02:
            subtypes[number] = "un-classified"
    return Disaster(kind, _fit(force, suffered[order], destroyed, minor), tuple(subtypes))


def _force(rng: np.random.Generator, size: int, kind: DisasterType) -> F32:
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(size) - np.float32(0.5)
    turn = rng.uniform(0, np.pi)
    rough = fractal(rng, size, size / 5, 3.2, coarse=4)
    p = x * np.cos(turn) + y * np.sin(turn)
    q = y * np.cos(turn) - x * np.sin(turn) + rng.uniform(-0.2, 0.2)
    if kind == "wind":
        track = q + 0.08 * np.sin(3 * p + rng.uniform(0, 6))
        field = np.exp(-((track / 0.20) ** 2)) + 0.07 * rough
    elif kind == "flooding":
        field = 0.5 - 0.9 * q + 0.14 * rough
    elif kind == "fire":
        field = 0.5 - 0.6 * q + 0.24 * rough
    else:
        field = 0.5 + 0.3 * rough
    return np.asarray(field, dtype=np.float32)


def _fit(force: F32, suffered: np.ndarray, destroyed: int, minor: int) -> F32:
    """Return the force rescaled: about 1 where the worst-hit stand, 0 where no one was hurt."""
    if minor == 0 or len(suffered) == 0:
        return np.zeros_like(force)
    high = float(suffered[max(0, destroyed - 1)]) if destroyed else float(suffered[0]) + 0.2
    low = float(suffered[min(minor, len(suffered) - 1)])
    if high - low < 0.05:
        high = low + 0.05
    return np.asarray(np.clip((force - low) / (high - low) * 0.75 + 0.15, 0, 1.1), dtype=np.float32)
