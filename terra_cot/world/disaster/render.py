"""A neighbourhood is painted ground first, then shadows, roofs, trees; damage changes each layer in its own way."""

import cv2
import numpy as np

from terra_cot.world.config import PAIR_GSD_M
from terra_cot.world.disaster.damage import Disaster, Subtype
from terra_cot.world.disaster.layout import Layout, Points, Tree
from terra_cot.world.disaster.paint import coverage, fill, stroke
from terra_cot.world.disaster.roofs import paint_roof, paint_ruin
from terra_cot.world.noise import F32, U8, blur, fractal, grain, resize, smoothstep
from terra_cot.world.window import offsets, turned

_GROUND = {
    "homes": (104, 112, 80),
    "park": (98, 112, 74),
    "meadow": (120, 120, 88),
    "wood": (64, 74, 52),
    "field": (138, 122, 98),
    "shops": (120, 120, 112),
}


class Light:
    """Sun and season of one acquisition: shadow direction, colour balance, brightness, greenness."""

    def __init__(self, rng: np.random.Generator) -> None:
        azimuth = np.deg2rad(rng.uniform(130, 200))
        self.elevation_tan = float(np.tan(np.deg2rad(rng.uniform(40, 66))))
        self.towards = np.array([np.sin(azimuth), -np.cos(azimuth)])  # x, y of the sun
        self.gain = rng.normal(1.0, 0.05) * np.array(rng.normal(1.0, 0.025, 3), np.float32)
        self.lift = float(rng.uniform(-4, 8))
        self.green = float(rng.uniform(-0.5, 1.0))

    def shadow_px(self, height_m: float) -> Points:
        """Return the (x, y) throw of a shadow in pixels."""
        return -self.towards * height_m / self.elevation_tan / PAIR_GSD_M


class Soil:
    """What both pictures of a pair share: unit noise of the ground, tones of lots and drives, shapes of crowns."""

    def __init__(self, rng: np.random.Generator, layout: Layout) -> None:
        self.broad = fractal(rng, layout.size, 130, 3.0, coarse=2)
        self.fine = grain(rng, layout.size, 0.9)
        self.lumps = grain(rng, layout.size, 2.6)
        self.tones = rng.normal(0, 1, (len(layout.lots), 2))
        self.drives = rng.uniform(0.8, 1.15, len(layout.drives))
        self.crowns = [_stamp(rng) for _ in range(10)]


def render(soil: Soil, rng: np.random.Generator, layout: Layout, light: Light, disaster: Disaster | None) -> U8:
    """Return the picture, HWC uint8 RGB.

    Args:
        soil: What both pictures share.
        rng: Source of what they do not (noise, debris).
        layout: The neighbourhood.
        light: Sun and season.
        disaster: None for the picture before.
    """
    size = layout.size
    canvas = _ground(layout, light, soil)
    _pave(canvas, layout, soil)
    if disaster is not None:
        _scar(rng, canvas, disaster, soil.broad, soil.fine, soil.lumps)
    _cars(canvas, rng, layout, disaster)
    standing = _clear_of_roofs(layout)
    trees = list(zip(standing, _fates(rng, standing, disaster), strict=True))
    crowns = Crowns(soil.crowns, light)
    intact: Subtype = "no-damage"
    levels = disaster.subtypes if disaster is not None else (intact,) * len(layout.buildings)
    shade = np.zeros((size, size), np.uint8)
    for building, level in zip(layout.buildings, levels, strict=True):
        if level != "destroyed":
            throw = light.shadow_px(building.height_m)
            for wing in building.wings:
                cast = np.concatenate([wing.corners, wing.corners + throw])
                _shade(shade, cast, 255)
    for tree, fate in trees:
        _tree_shadow(shade, tree, light, 230 if fate == "stands" else 80)
    shadow = (blur(shade.astype(np.float32), 0.7) / 255)[..., None]
    canvas *= 1 - shadow * (1 - np.array([0.40, 0.43, 0.52], np.float32))
    rough = 1 + np.float32(0.035) * soil.fine
    for building, level in zip(layout.buildings, levels, strict=True):
        if level == "destroyed" and disaster is not None:
            paint_ruin(canvas, rng, building, disaster.kind)
        else:
            paint_roof(canvas, rng, building, level, light.towards, rough, disaster.kind if disaster else None)
    for tree, fate in trees:
        _paint_tree(canvas, crowns, tree, fate, light)
    return _expose(rng, canvas, light)


def _ground(layout: Layout, light: Light, soil: Soil) -> F32:
    size = layout.size
    canvas = np.empty((size, size, 3), np.float32)
    canvas[:] = _season((108, 116, 76), light)
    for block in layout.blocks:
        fill(canvas, block.outline, np.asarray(block.tone * _season(_GROUND[block.kind], light)))
        if block.kind == "field":
            where, alpha = coverage(canvas.shape[:2], block.outline)
            if where is not None:
                y, x = offsets(where, 0.0, 0.0)
                rows = np.sin(turned(y, x, block.tilt)[0] * np.float32(2 * np.pi / 5.2))
                canvas[where] += (6.0 * rows * alpha)[..., None]
    for lot, (tone, dry) in zip(layout.lots, soil.tones, strict=True):
        lawn = np.array(_season((100, 112, 78), light)) + np.array([14, 6, 6]) * dry * 0.8 + 7 * tone
        fill(canvas, lot, tuple(lawn), 0.9)
    texture = 1 + 0.055 * soil.fine + 0.05 * soil.lumps + 0.075 * soil.broad
    canvas *= texture[..., None]
    canvas[..., 0] += 5 * soil.broad
    return canvas


def _season(colour: tuple[float, float, float], light: Light) -> tuple[float, float, float]:
    red, green, blue = colour
    return red - 9 * light.green, green + light.green, blue - 5 * light.green


def _pave(canvas: F32, layout: Layout, soil: Soil) -> None:
    size = layout.size
    for drive, tone in zip(layout.drives, soil.drives, strict=True):
        fill(canvas, drive, (150 * tone, 147 * tone, 140 * tone), 0.92)
    kerb, road, dash = (np.zeros((size, size), np.uint8) for _ in range(3))
    for line, width in layout.streets:
        stroke(kerb, line, width + 5)
        stroke(road, line, width)
        if width > 20:
            stroke(dash, line, 1)
    texture = 1 + 0.03 * soil.fine + 0.035 * soil.lumps
    for mask, colour, strength in (
        (kerb, (146, 144, 134), 0.6),
        (road, (112, 110, 107), 1.0),
        (dash, (190, 180, 120), 0.55),
    ):
        where = mask > 0
        alpha = (mask[where] * np.float32(strength / 255))[:, None]
        canvas[where] = canvas[where] * (1 - alpha) + alpha * np.array(colour, np.float32) * texture[where][:, None]


def _scar(rng: np.random.Generator, canvas: F32, disaster: Disaster, broad: F32, fine: F32, lumps: F32) -> None:
    """Change the ground itself: debris field, mud and water, burnt lawns, dust."""
    force = disaster.force
    size = len(force)
    if disaster.kind == "flooding":
        depth = smoothstep(0.30, 0.55, force + 0.05 * broad)[..., None]
        water = np.array([112, 98, 74], np.float32) * (1 + 0.035 * blur(broad, 6) + 0.02 * lumps)[..., None]
        canvas *= 1 - 0.86 * depth
        canvas += 0.86 * depth * water
        mud = (smoothstep(0.08, 0.4, force + 0.16 * broad)[..., None]) * (1 - depth)
        canvas *= 1 - 0.6 * mud
        canvas += 0.6 * mud * np.array([138, 118, 90], np.float32) * (1 + 0.06 * lumps)[..., None]
    elif disaster.kind == "fire":
        burnt = smoothstep(0.18, 0.55, force + 0.10 * broad + 0.05 * lumps)[..., None]
        char = np.array([66, 60, 54], np.float32) * (1 + 0.16 * lumps + 0.10 * fine + 0.12 * broad)[..., None]
        green = np.clip((canvas[..., 1:2] - canvas[..., 0:1] + 12) / 20, 0.12, 1)
        canvas *= 1 - 0.8 * burnt * green
        canvas += 0.8 * burnt * green * char
    else:
        reach = smoothstep(0.35, 1.0, force) * (1.0 if disaster.kind == "wind" else 0.45)
        dust = (0.30 * reach * np.clip(0.8 + 0.35 * broad, 0, 1.5))[..., None]
        canvas *= 1 - dust
        canvas += dust * np.array([150, 138, 118], np.float32)
        bits = grain(rng, size, 0.75)
        loose = blur(grain(rng, size, 7.0), 0.1)
        litter = np.clip(bits + 0.7 * loose - 2.25 + 0.9 * reach, 0, 1.2) * (reach > 0.02)
        hue = 14 * resize(grain(rng, size // 2, 1.0), size, cv2.INTER_NEAREST)[..., None]
        litter *= 1.0 if disaster.kind == "wind" else 0.25
        cover = np.minimum(litter, 0.85)[..., None]
        canvas *= 1 - cover
        canvas += cover * (np.array([182, 172, 156], np.float32) + hue)
        dark = np.clip(-bits + 0.7 * loose - 2.2 + 0.9 * reach, 0, 1) * (reach > 0.02)
        canvas -= dark[..., None] * (60 if disaster.kind == "wind" else 15)


_CAR_COLOURS = ((222, 222, 220), (60, 62, 66), (150, 152, 156), (126, 36, 34), (44, 62, 104), (186, 178, 160))


def _cars(canvas: F32, rng: np.random.Generator, layout: Layout, disaster: Disaster | None) -> None:
    for box, draw in layout.cars:
        # Cars come and go between the two pictures.
        if rng.random() < 0.45:
            continue
        colour = _CAR_COLOURS[int(draw * 613) % len(_CAR_COLOURS)]
        fill(canvas, box + np.array([1.5, 1.5]), (58, 58, 62), 0.45)
        fill(canvas, box, tuple(float(c) for c in colour))
        centre = box.mean(axis=0)
        fill(canvas, centre + (box - centre) * np.array([0.62, 0.62]), tuple(c * 0.55 for c in colour), 0.6)


def _clear_of_roofs(layout: Layout) -> list[Tree]:
    """Return the trees whose crown hides little of any roof."""
    if not layout.trees:
        return []
    places = np.array([(t.x, t.y, t.radius) for t in layout.trees])
    free = np.ones(len(places), bool)
    for building in layout.buildings:
        low, high = building.outline.min(axis=0), building.outline.max(axis=0)
        near = np.clip(places[:, :2], low, high)
        free &= np.hypot(near[:, 0] - places[:, 0], near[:, 1] - places[:, 1]) > places[:, 2] * 0.55
    return [tree for tree, keep in zip(layout.trees, free, strict=True) if keep]


def _fates(rng: np.random.Generator, trees: list[Tree], disaster: Disaster | None) -> list[str]:
    draws = rng.random(len(trees))
    if disaster is None:
        return ["stands"] * len(trees)
    last = len(disaster.force) - 1
    fates = []
    for tree, draw in zip(trees, draws, strict=True):
        force = disaster.force[min(max(int(tree.y), 0), last), min(max(int(tree.x), 0), last)]
        if disaster.kind == "wind" and draw < (force - 0.35) * 1.1:
            fates.append("fallen" if draw < 0.3 else "stripped")
        elif disaster.kind == "fire" and draw < (force - 0.15) * 1.3:
            fates.append("burnt")
        else:
            fates.append("stands")
    return fates


def _shade(shade: U8, points: Points, depth: int) -> None:
    """Raise the shadow mask inside the convex hull of the points."""
    hull = cv2.convexHull(np.round(points * 16).astype(np.int32))
    cv2.fillConvexPoly(shade, hull, depth, cv2.LINE_AA, 4)


_TURN = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1)


def _tree_shadow(shade: U8, tree: Tree, light: Light, depth: int) -> None:
    throw = light.shadow_px(tree.radius * PAIR_GSD_M * 1.5)
    crown = _CIRCLE * (tree.radius * 0.95)
    centre = np.array([tree.x, tree.y])
    _shade(shade, np.concatenate([crown * 0.5 + centre, crown + (centre + throw)]), depth)


def _stamp(rng: np.random.Generator) -> tuple[F32, F32]:
    """Return one crown on 48 x 48 pixels: opacity and height of its surface."""
    side = 48
    y, x = (np.mgrid[0:side, 0:side].astype(np.float32) - 23.5) / 21
    turn = np.arctan2(y, x)
    edge = np.float32(1) + sum(
        np.float32(rng.normal(0, 0.06)) * np.cos(k * turn + np.float32(rng.uniform(0, 6.28))) for k in range(2, 8)
    )
    radius = np.hypot(x, y) / edge
    dome = np.sqrt(np.clip(1 - radius**2, 0, 1)) + 0.13 * grain(rng, side, 2.0)
    return np.clip((1 - radius) * 9, 0, 1).astype(np.float32), np.asarray(dome, dtype=np.float32)


class Crowns:
    """Crowns under one light, drawn once for each shape and size."""

    def __init__(self, stamps: list[tuple[F32, F32]], light: Light) -> None:
        self._stamps = stamps
        self._sun = light.towards
        self._drawn: dict[tuple[int, int], tuple[F32, F32]] = {}

    def get(self, tree: Tree) -> tuple[F32, F32]:
        """Return opacity and brightness of the crown, each side x side float32."""
        side = max(5, round(tree.radius * 48 / 21))
        number = int(tree.draw * 997) % len(self._stamps)
        if (number, side) not in self._drawn:
            opacity, dome = (
                cv2.resize(layer, (side, side), interpolation=cv2.INTER_AREA) for layer in self._stamps[number]
            )
            down, right = np.gradient(dome)
            facing = -(right * self._sun[0] + down * self._sun[1]) * side / 21
            shine = np.clip(0.78 + 0.42 * facing, 0.42, 1.35).astype(np.float32)
            self._drawn[number, side] = (np.asarray(opacity, dtype=np.float32), shine)
        return self._drawn[number, side]


def _paint_tree(canvas: F32, crowns: Crowns, tree: Tree, fate: str, light: Light) -> None:
    size = len(canvas)
    opacity, shine = crowns.get(tree)
    side = len(opacity)
    top, left = round(tree.y - side / 2), round(tree.x - side / 2)
    rows, columns = slice(max(top, 0), min(top + side, size)), slice(max(left, 0), min(left + side, size))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    alpha = opacity[part][..., None]
    draw = tree.draw
    if fate == "stands":
        red, green, blue = 62 + 26 * draw, 84 + 20 * draw - 8 * (draw > 0.8), 46 + 16 * draw
        colour = np.array([red - 7 * light.green, green + 2 * light.green, blue - 4 * light.green], np.float32)
    else:
        thin, look = _HURT[fate]
        alpha, colour = alpha * np.float32(thin), np.array(look, np.float32)
    canvas[rows, columns] *= 1 - alpha
    canvas[rows, columns] += alpha * colour * shine[part][..., None]


_HURT = {"stripped": (0.45, (112, 104, 84)), "burnt": (0.65, (84, 70, 58)), "fallen": (0.55, (104, 96, 66))}


def _expose(rng: np.random.Generator, canvas: F32, light: Light) -> U8:
    """Apply the optics: slight blur, sharpening, colour balance, noise."""
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.62)
    sharp = cv2.addWeighted(soft, 1.35, cv2.GaussianBlur(soft, (0, 0), 1.5), -0.35, light.lift)
    # Colours from space are paler than on the ground: keep 86 % of the saturation.
    colours = (0.86 * np.eye(3) + 0.14 / 3) * np.asarray(light.gain, np.float64)[:, None]
    picture: F32 = np.asarray(cv2.transform(sharp, colours), dtype=np.float32)
    picture += np.float32(1.6) * rng.standard_normal(canvas.shape[:2], dtype=np.float32)[..., None]
    return np.asarray(np.clip(np.rint(picture, out=picture), 0, 255, out=picture), dtype=np.uint8)
