"""A neighbourhood is a street grid, some of whose blocks are built up, one house on a lot.

Everything is laid out in metres along and across the streets, then turned and gently
bent onto the image; polygons are (x, y) in pixels, as xBD writes them.
"""

import uuid
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from terra_cot.world.config import PAIR_GSD_M

Points = NDArray[np.float64]
"""N x 2, (x, y) in pixels."""

BlockKind = Literal["homes", "wood", "meadow", "field", "park", "shops"]
GAP_PX = 3.0
EDGE_PX = 3.0


@dataclass(frozen=True, slots=True)
class Wing:
    """One rectangle of a building: its four corners in order, long side first; wings of one building may overlap."""

    corners: Points


@dataclass(frozen=True, slots=True)
class Building:
    """One labelled building.

    Attributes:
        uid: Identifier shared by the pre and the post label.
        outline: Footprint in pixels, not closed.
        wings: One or two rectangles that make up the footprint.
        height_m: Eaves height.
        tint: Roof colour, RGB 0..255.
        flat: Whether the roof is flat.
    """

    uid: str
    outline: Points
    wings: tuple[Wing, ...]
    height_m: float
    tint: tuple[float, float, float]
    flat: bool


@dataclass(frozen=True, slots=True)
class Block:
    """One block between streets: outline in pixels, kind, a tone of its own (RGB, about 1) and the
    direction of its rows."""

    outline: Points
    kind: BlockKind
    tone: NDArray[np.float64]
    tilt: float


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree: crown centre and radius in pixels, and a colour draw in 0..1."""

    x: float
    y: float
    radius: float
    draw: float


@dataclass(frozen=True, slots=True)
class Layout:
    """The neighbourhood before the disaster; all polygons in pixels."""

    size: int
    blocks: list[Block]
    lots: list[Points]
    streets: list[tuple[Points, float]]
    drives: list[Points]
    cars: list[tuple[Points, float]]
    trees: list[Tree]
    buildings: list[Building] = field(default_factory=list)


_OPEN: tuple[BlockKind, ...] = ("wood", "meadow", "field", "wood", "park", "meadow", "field")
_ROOFS = ((104, 92, 86), (122, 116, 112), (86, 84, 86), (142, 96, 78), (150, 128, 108), (168, 162, 154), (112, 72, 60))


class _Frame:
    """The turn from street metres (p along, q across) to image pixels."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.size = size
        self.tilt = float(rng.uniform(0, np.pi))
        self.bend = float(rng.uniform(-14, 14)) if rng.random() < 0.7 else 0.0
        self.wave = float(rng.uniform(320, 600))
        self.phase = float(rng.uniform(0, 6.28))

    def px(self, pq: Points) -> Points:
        p, q = pq[:, 0], pq[:, 1] + self.bend * np.sin(2 * np.pi * pq[:, 0] / self.wave + self.phase)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        middle = self.size / 2
        return np.asarray(np.stack([p * cos - q * sin, p * sin + q * cos], axis=1) / PAIR_GSD_M + middle)

    def box(self, p: float, q: float, half_p: float, half_q: float, turn: float = 0.0) -> Points:
        corners = np.array([[-half_p, -half_q], [half_p, -half_q], [half_p, half_q], [-half_p, half_q]])
        cos, sin = np.cos(turn), np.sin(turn)
        turned = np.stack(
            [corners[:, 0] * cos - corners[:, 1] * sin, corners[:, 0] * sin + corners[:, 1] * cos], axis=1
        )
        # Bend the centre only: a house stays a rectangle on a curved street.
        centre = self.px(np.array([[p, q]]))[0]
        slope = self.bend * 2 * np.pi / self.wave * np.cos(2 * np.pi * p / self.wave + self.phase)
        angle = self.tilt + np.arctan(slope)
        cos, sin = np.cos(angle), np.sin(angle)
        x = turned[:, 0] * cos - turned[:, 1] * sin
        y = turned[:, 0] * sin + turned[:, 1] * cos
        return np.asarray(np.stack([x, y], axis=1) / PAIR_GSD_M + centre)

    def strip(self, p: float, q: float, half_p: float, half_q: float) -> Points:
        along = np.linspace(-half_p, half_p, max(2, int(half_p / 6)))
        top = np.stack([p + along, np.full_like(along, q - half_q)], axis=1)
        low = np.stack([p + along[::-1], np.full_like(along, q + half_q)], axis=1)
        return self.px(np.concatenate([top, low]))


def make_layout(rng: np.random.Generator, size: int) -> Layout:
    """Return a neighbourhood on a `size` x `size` image of 0.5 m pixels, 15 to 70 buildings on 1024 x 1024."""
    least = max(3, int(15 * (size / 1024) ** 2))
    layout = _draw_layout(rng, size)
    for _ in range(20):
        if len(layout.buildings) >= least:
            break
        layout = _draw_layout(rng, size)  # the town fell outside the picture
    return layout


def _draw_layout(rng: np.random.Generator, size: int) -> Layout:
    frame = _Frame(rng, size)
    reach = size * PAIR_GSD_M * 0.78
    layout = Layout(size, [], [], [], [], [], [])
    area = (size / 1024) ** 2
    wanted = max(4, int(rng.integers(18, 71) * area))
    street_m = float(rng.uniform(6.5, 9.0))
    p_cuts = _cuts(rng, reach, (130, 210))
    q_cuts = _cuts(rng, reach, (78, 104))
    for p in p_cuts:
        line = np.stack([np.full(40, p), np.linspace(-reach, reach, 40)], axis=1)
        layout.streets.append((frame.px(line), street_m / PAIR_GSD_M))
    for number, q in enumerate(q_cuts):
        line = np.stack([np.linspace(-reach, reach, 60), np.full(60, q)], axis=1)
        wide = 1.5 if number == len(q_cuts) // 2 else 1.0
        layout.streets.append((frame.px(line), street_m * wide / PAIR_GSD_M))

    half = size * PAIR_GSD_M / 2
    heart = rng.uniform(-0.4, 0.4, 2) * half
    spots = []
    for p0, p1 in pairwise(p_cuts):
        for q0, q1 in pairwise(q_cuts):
            away = float(np.hypot((p0 + p1) / 2 - heart[0], (q0 + q1) / 2 - heart[1]))
            spots.append((away + float(rng.normal(0, 0.25 * half)), p0, p1, q0, q1))
    built = 0
    candidates: list[Building] = []
    for _, p0, p1, q0, q1 in sorted(spots):
        kind: BlockKind = "homes"
        if built >= wanted * 1.15:
            kind = _OPEN[int(rng.integers(len(_OPEN)))]
        elif rng.random() < 0.10:
            kind = "park"
        elif rng.random() < 0.12:
            kind = "shops"
        edge = street_m / 2 + 1.5
        centre, halves = ((p0 + p1) / 2, (q0 + q1) / 2), ((p1 - p0) / 2 - edge, (q1 - q0) / 2 - edge)
        outline = frame.strip(*centre, *halves)
        layout.blocks.append(Block(outline, kind, rng.normal(1, 0.07) + rng.normal(0, 0.035, 3), frame.tilt))
        if kind == "homes":
            found = _homes(rng, frame, layout, centre, halves)
        elif kind == "shops":
            found = _shops(rng, frame, layout, centre, halves)
        else:
            found = []
            _plant(rng, frame, layout, centre, halves, kind)
        found = [b for b in found if _inside(b.outline, size)]
        built += len(found)
        candidates += found
    layout.buildings.extend(_apart(candidates, wanted))
    _street_life(rng, layout)
    return layout


def _cuts(rng: np.random.Generator, reach: float, step: tuple[float, float]) -> list[float]:
    at = -reach - float(rng.uniform(0, step[1]))
    cuts = [at]
    while at < reach:
        at += float(rng.uniform(*step))
        cuts.append(at)
    return cuts


def _homes(
    rng: np.random.Generator, frame: _Frame, layout: Layout, centre: tuple[float, float], halves: tuple[float, float]
) -> list[Building]:
    buildings = []
    taste = rng.integers(len(_ROOFS), size=3)
    for side in (-1, 1):
        p = centre[0] - halves[0]
        while p < centre[0] + halves[0] - 18:
            width = float(rng.uniform(21, 34))
            if p + width > centre[0] + halves[0]:
                width = centre[0] + halves[0] - p
            lot_p, lot_q = p + width / 2, centre[1] + side * halves[1] / 2
            layout.lots.append(frame.box(lot_p, lot_q, width / 2, halves[1] / 2))
            p += width
            if width < 17 or rng.random() < 0.10:
                _scatter(rng, frame, layout, lot_p, lot_q, width / 2, halves[1] / 2, int(rng.integers(1, 6)))
                continue
            half_p = min(float(rng.uniform(5.5, 9.0)), width / 2 - 3.0)
            half_q = float(rng.uniform(4.2, 6.4))
            setback = float(rng.uniform(6, 10)) + half_q
            q = centre[1] + side * (halves[1] - setback)
            turn = float(rng.normal(0, 0.03)) + (np.pi / 2 if rng.random() < 0.12 and half_p < 7 else 0)
            colour = _ROOFS[int(taste[int(rng.integers(3))])]
            buildings.append(_house(rng, frame, lot_p, q, half_p, half_q, turn, -side, colour))
            drive_p = lot_p + float(rng.choice([-1, 1])) * (half_p - 1.8)
            drive_half = (setback - half_q + 2) / 2
            drive_q = centre[1] + side * (halves[1] - drive_half + 2)
            layout.drives.append(frame.box(drive_p, drive_q, float(rng.uniform(1.4, 2.7)), drive_half))
            if rng.random() < 0.5:
                layout.cars.append((frame.box(drive_p, drive_q, 0.95, 2.2), float(rng.random())))
            _scatter(rng, frame, layout, lot_p, lot_q, width / 2, halves[1] / 2, int(rng.integers(1, 7)))
    return buildings


def _house(
    rng: np.random.Generator,
    frame: _Frame,
    p: float,
    q: float,
    half_p: float,
    half_q: float,
    turn: float,
    back: int,
    colour: tuple[int, int, int],
) -> Building:
    main = frame.box(p, q, half_p, half_q, turn)
    wings = [Wing(main)]
    outline = main
    if rng.random() < 0.4 and abs(turn) < 0.5:
        wing_p = half_p * float(rng.uniform(0.4, 0.55))
        wing_q = half_q * float(rng.uniform(0.55, 0.9))
        at_p = p + (half_p - wing_p) * float(rng.choice([-1, 1]))
        wing = frame.box(at_p, q + back * (half_q + wing_q - 0.6), wing_q + 0.3, wing_p, turn + np.pi / 2)
        joined = Polygon(main).union(Polygon(wing).buffer(0.05, join_style="mitre")).simplify(0.4)
        if isinstance(joined, Polygon) and not joined.interiors:
            outline = np.array(joined.exterior.coords[:-1])
            wings.append(Wing(wing))
    shade = float(rng.normal(1.0, 0.10))
    tint = (colour[0] * shade, colour[1] * shade, colour[2] * shade)
    return Building(_uid(rng), outline, tuple(wings), float(rng.uniform(3.5, 7)), tint, False)


def _shops(
    rng: np.random.Generator, frame: _Frame, layout: Layout, centre: tuple[float, float], halves: tuple[float, float]
) -> list[Building]:
    layout.drives.append(frame.box(*centre, halves[0] * 0.92, halves[1] * 0.92))
    buildings = []
    p = centre[0] - halves[0] * 0.8
    while p < centre[0] + halves[0] * 0.6:
        half_p, half_q = float(rng.uniform(11, 24)), float(rng.uniform(8, 14))
        if p + 2 * half_p > centre[0] + halves[0] * 0.9:
            break
        q = centre[1] + halves[1] * 0.82 - half_q
        grey = float(rng.uniform(105, 215))
        tint = (grey, grey * 0.99, grey * 0.96)
        box = frame.box(p + half_p, q, half_p, half_q)
        buildings.append(Building(_uid(rng), box, (Wing(box),), float(rng.uniform(5, 9)), tint, True))
        p += 2 * half_p + float(rng.uniform(6, 20))
    for number in range(int(halves[0] / 2.2)):
        if rng.random() < 0.55:
            car_p = centre[0] - halves[0] * 0.8 + number * 3.0
            if abs(car_p - centre[0]) < halves[0] * 0.85:
                row = centre[1] - halves[1] * float(rng.choice([0.75, 0.5]))
                layout.cars.append((frame.box(car_p, row, 0.95, 2.2), float(rng.random())))
    return buildings


def _plant(
    rng: np.random.Generator,
    frame: _Frame,
    layout: Layout,
    centre: tuple[float, float],
    halves: tuple[float, float],
    kind: BlockKind,
) -> None:
    area = 4 * halves[0] * halves[1]
    per_tree = {"wood": 34.0, "park": 260.0, "meadow": 1500.0, "field": 6000.0}[kind]
    _scatter(rng, frame, layout, *centre, *halves, int(area / per_tree), 1.28 if kind == "wood" else 1.0)


def _scatter(
    rng: np.random.Generator,
    frame: _Frame,
    layout: Layout,
    p: float,
    q: float,
    half_p: float,
    half_q: float,
    count: int,
    spread: float = 1.0,
) -> None:
    places = rng.uniform(-1, 1, (count, 2)) * np.array([half_p, half_q]) + np.array([p, q])
    radii = rng.gamma(9, 0.36, count) * spread / PAIR_GSD_M
    for (x, y), radius, draw in zip(frame.px(places).tolist(), radii.tolist(), rng.random(count).tolist(), strict=True):
        # A crown may reach into the picture, its shadow too.
        if -40 < x < layout.size + 40 and -40 < y < layout.size + 40:
            layout.trees.append(Tree(x, y, radius, draw))


def _street_life(rng: np.random.Generator, layout: Layout) -> None:
    for line, width in layout.streets:
        for _ in range(int(rng.integers(0, 5))):
            at = int(rng.integers(len(line) - 1))
            along = (line[at + 1] - line[at]) / max(1e-6, float(np.hypot(*(line[at + 1] - line[at]))))
            across = np.array([-along[1], along[0]]) * float(rng.choice([-1, 1]))
            middle = line[at] + across * width * 0.24
            half = np.array([along * 4.4, across * 1.9])
            box = np.array([-half[0] - half[1], half[0] - half[1], half[0] + half[1], half[1] - half[0]]) + middle
            layout.cars.append((box, float(rng.random())))


def _inside(outline: Points, size: int) -> bool:
    return bool((outline > EDGE_PX).all() and (outline < size - EDGE_PX).all())


def _apart(candidates: list[Building], wanted: int) -> list[Building]:
    """Return up to `wanted` buildings, every two at least GAP_PX apart."""
    kept: list[Building] = []
    shapes: list[Polygon] = []
    for building in candidates:
        shape = Polygon(building.outline)
        if len(kept) < wanted and all(shape.distance(other) >= GAP_PX for other in shapes):
            kept.append(building)
            shapes.append(shape)
    return kept


def _uid(rng: np.random.Generator) -> str:
    return str(uuid.UUID(bytes=rng.bytes(16), version=4))
