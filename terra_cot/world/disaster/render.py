"""A neighbourhood is painted ground first, then shadows, roofs, trees; damage changes each layer in its own way."""

import cv2
import numpy as np

from terra_cot.world.config import PAIR_GSD_M
from terra_cot.world.disaster.damage import Disaster
from terra_cot.world.disaster.layout import Layout, Points, Tree
from terra_cot.world.disaster.paint import dim, fill, mark, stroke
from terra_cot.world.disaster.roofs import paint_roof, paint_ruin
from terra_cot.world.noise import F32, U8, blur, fractal, grain, smoothstep

_GROUND = {
    "homes": (98, 112, 70),
    "park": (92, 114, 62),
    "meadow": (116, 120, 78),
    "wood": (62, 76, 46),
    "field": (138, 118, 88),
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


def render(
    ground_rng: np.random.Generator, rng: np.random.Generator, layout: Layout, light: Light, disaster: Disaster | None
) -> U8:
    """Return the picture, HWC uint8 RGB.

    Args:
        ground_rng: Source of what both pictures share (soil, lawns, crowns); give both the same state.
        rng: Source of what they do not (noise, debris).
        layout: The neighbourhood.
        light: Sun and season.
        disaster: None for the picture before.
    """
    size = layout.size
    broad = fractal(ground_rng, size, 130, 3.0, coarse=2)
    fine = grain(ground_rng, size, 0.9)
    lumps = grain(ground_rng, size, 2.6)
    tones = ground_rng.normal(0, 1, (len(layout.lots), 2))
    drive_tone = ground_rng.uniform(0.8, 1.15, len(layout.drives))
    stamps = [_stamp(ground_rng) for _ in range(10)]

    canvas = _ground(layout, light, broad, fine, lumps, tones)
    _pave(canvas, layout, drive_tone, fine, lumps)
    if disaster is not None:
        _scar(rng, canvas, disaster, broad, fine, lumps)
    gone = _cars(canvas, rng, layout, disaster)
    trees = [(tree, _fate(rng, tree, disaster)) for tree in layout.trees if not _on_roof(tree, gone)]
    levels = disaster.subtypes if disaster is not None else ("no-damage",) * len(layout.buildings)
    shadow = np.zeros((size, size), np.float32)
    for building, level in zip(layout.buildings, levels, strict=True):
        if level != "destroyed":
            throw = light.shadow_px(building.height_m)
            for wing in building.wings:
                both = np.concatenate([wing.corners, wing.corners + throw]).astype(np.float32)
                mark(shadow, cv2.convexHull(both)[:, 0, :].astype(float))
    for tree, fate in trees:
        _tree_shadow(shadow, tree, light, 1.0 if fate == "stands" else 0.35)
    shadow = blur(shadow, 0.7)[..., None]
    canvas *= 1 - shadow * (1 - np.array([0.40, 0.43, 0.52], np.float32))
    rough = 1 + np.float32(0.035) * fine
    for building, level in zip(layout.buildings, levels, strict=True):
        if level == "destroyed" and disaster is not None:
            paint_ruin(canvas, rng, building, disaster.kind)
        else:
            paint_roof(canvas, rng, building, level, light.towards, rough, disaster.kind if disaster else None)
    for tree, fate in trees:
        _paint_tree(canvas, stamps[int(tree.draw * 997) % len(stamps)], tree, fate, light)
    return _expose(rng, canvas, light)


def _ground(layout: Layout, light: Light, broad: F32, fine: F32, lumps: F32, tones: np.ndarray) -> F32:
    size = layout.size
    canvas = np.empty((size, size, 3), np.float32)
    canvas[:] = _season((108, 116, 76), light)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    for block in layout.blocks:
        fill(canvas, block.outline, tuple(c * block.tone for c in _season(_GROUND[block.kind], light)))
        if block.kind == "field":
            rows = np.sin((x * np.cos(block.tilt) + y * np.sin(block.tilt)) * np.float32(2 * np.pi / 5.2))
            where = np.zeros((size, size), np.float32)
            mark(where, block.outline)
            canvas += (6.0 * rows * where)[..., None]
    for lot, (tone, dry) in zip(layout.lots, tones, strict=True):
        lawn = np.array(_season((92, 112, 64), light)) + np.array([14, 6, 6]) * dry * 0.8 + 7 * tone
        fill(canvas, lot, tuple(lawn), 0.9)
    texture = 1 + 0.055 * fine + 0.05 * lumps + 0.075 * broad
    canvas *= texture[..., None]
    canvas[..., 0] += 5 * broad
    return canvas


def _season(colour: tuple[float, float, float], light: Light) -> tuple[float, float, float]:
    red, green, blue = colour
    return red - 12 * light.green, green + 2 * light.green, blue - 6 * light.green


def _pave(canvas: F32, layout: Layout, drive_tone: np.ndarray, fine: F32, lumps: F32) -> None:
    size = layout.size
    for drive, tone in zip(layout.drives, drive_tone, strict=True):
        fill(canvas, drive, (150 * tone, 147 * tone, 140 * tone), 0.92)
    kerb, road, dash = (np.zeros((size, size), np.uint8) for _ in range(3))
    for line, width in layout.streets:
        stroke(kerb, line, width + 5)
        stroke(road, line, width)
        if width > 20:
            stroke(dash, line, 1)
    texture = (1 + 0.03 * fine + 0.035 * lumps)[..., None]
    for mask, colour, strength in ((kerb, (146, 144, 134), 0.6), (road, (104, 105, 106), 1.0), (dash, (190, 180, 120), 0.55)):
        alpha = (mask.astype(np.float32) / 255 * np.float32(strength))[..., None]
        canvas *= 1 - alpha
        canvas += alpha * np.array(colour, np.float32) * texture


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
        green = np.clip((canvas[..., 1:2] - canvas[..., 0:1] + 12) / 20, 0.25, 1)
        canvas *= 1 - 0.8 * burnt * green
        canvas += 0.8 * burnt * green * char
    else:
        reach = smoothstep(0.35, 1.0, force) * (1.0 if disaster.kind == "wind" else 0.45)
        dust = (0.30 * reach * np.clip(0.8 + 0.35 * broad, 0, 1.5))[..., None]
        canvas *= 1 - dust
        canvas += dust * np.array([150, 138, 118], np.float32)
        bits = grain(rng, size, 0.75)
        loose = blur(grain(rng, size, 7.0), 0.1)
        litter = np.clip(bits + 0.7 * loose - 2.1 + 0.9 * reach, 0, 1.2) * (reach > 0.02)
        hue = np.stack([grain(rng, size // 2, 1.0)] * 3, axis=-1) * 14
        hue = cv2.resize(hue, (size, size), interpolation=cv2.INTER_NEAREST)
        canvas += litter[..., None] * (np.array([92, 86, 76], np.float32) + hue) * 0.75
        dark = np.clip(-bits + 0.7 * loose - 2.2 + 0.9 * reach, 0, 1) * (reach > 0.02)
        canvas -= dark[..., None] * 60


_CAR_COLOURS = ((222, 222, 220), (60, 62, 66), (150, 152, 156), (126, 36, 34), (44, 62, 104), (186, 178, 160))


def _cars(canvas: F32, rng: np.random.Generator, layout: Layout, disaster: Disaster | None) -> list[Points]:
    roofs = [b.outline for b in layout.buildings]
    for box, draw in layout.cars:
        # Cars come and go between the two pictures.
        if rng.random() < 0.45:
            continue
        colour = _CAR_COLOURS[int(draw * 613) % len(_CAR_COLOURS)]
        fill(canvas, box + np.array([1.5, 1.5]), (58, 58, 62), 0.45)
        fill(canvas, box, tuple(float(c) for c in colour))
        centre = box.mean(axis=0)
        fill(canvas, centre + (box - centre) * np.array([0.62, 0.62]), tuple(c * 0.55 for c in colour), 0.6)
    return roofs


def _on_roof(tree: Tree, roofs: list[Points]) -> bool:
    """Return whether a crown would hide much of a roof."""
    for outline in roofs:
        low, high = outline.min(axis=0), outline.max(axis=0)
        near = np.clip([tree.x, tree.y], low, high)
        if np.hypot(near[0] - tree.x, near[1] - tree.y) < tree.radius * 0.55:
            return True
    return False


def _fate(rng: np.random.Generator, tree: Tree, disaster: Disaster | None) -> str:
    draw = rng.random()
    if disaster is None:
        return "stands"
    size = len(disaster.force)
    force = disaster.force[int(np.clip(tree.y, 0, size - 1)), int(np.clip(tree.x, 0, size - 1))]
    if disaster.kind == "wind" and draw < (force - 0.35) * 1.1:
        return "fallen" if draw < 0.3 else "stripped"
    if disaster.kind == "fire" and draw < (force - 0.15) * 1.3:
        return "burnt"
    return "stands"


def _tree_shadow(shadow: F32, tree: Tree, light: Light, depth: float) -> None:
    throw = light.shadow_px(tree.radius * PAIR_GSD_M * 1.5)
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    crown = np.stack([np.cos(turn), np.sin(turn)], axis=1) * tree.radius * 0.95
    centre = np.array([tree.x, tree.y])
    both = np.concatenate([crown * 0.5 + centre, crown + centre + throw]).astype(np.float32)
    mark(shadow, cv2.convexHull(both)[:, 0, :].astype(float), 0.9 * depth)


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


def _paint_tree(canvas: F32, stamp: tuple[F32, F32], tree: Tree, fate: str, light: Light) -> None:
    size = len(canvas)
    side = max(5, int(round(tree.radius * 48 / 21)))
    top, left = int(round(tree.y - side / 2)), int(round(tree.x - side / 2))
    rows, columns = slice(max(top, 0), min(top + side, size)), slice(max(left, 0), min(left + side, size))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    alpha = cv2.resize(stamp[0], (side, side), interpolation=cv2.INTER_AREA)[part]
    dome = cv2.resize(stamp[1], (side, side), interpolation=cv2.INTER_AREA)
    down, right = np.gradient(dome)
    facing = -(right * light.towards[0] + down * light.towards[1]) * side / 21
    shine = np.clip(0.78 + 0.42 * facing, 0.42, 1.35)[part]
    draw = tree.draw
    colour = np.array([62 + 26 * draw, 84 + 20 * draw - 8 * (draw > 0.8), 46 + 16 * draw], np.float32)
    colour = colour + np.array([-7, 2, -4], np.float32) * np.float32(light.green)
    if fate == "stripped":
        alpha, colour = alpha * np.float32(0.45), np.array([112, 104, 84], np.float32)
    elif fate == "burnt":
        alpha, colour = alpha * np.float32(0.65), np.array([84, 70, 58], np.float32)
    elif fate == "fallen":
        alpha, colour = alpha * np.float32(0.55), np.array([104, 96, 66], np.float32)
    canvas[rows, columns] *= 1 - alpha[..., None]
    canvas[rows, columns] += alpha[..., None] * colour * shine[..., None]


def _expose(rng: np.random.Generator, canvas: F32, light: Light) -> U8:
    """Apply the optics: slight blur, sharpening, colour balance, noise."""
    soft = cv2.GaussianBlur(canvas, (0, 0), 0.62)
    sharp = soft + 0.35 * (soft - cv2.GaussianBlur(soft, (0, 0), 1.5))
    noise = rng.standard_normal(canvas.shape[:2], dtype=np.float32)[..., None]
    picture = sharp * light.gain + np.float32(light.lift) + noise * np.float32(1.6)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


__all__ = ["Light", "dim", "render"]
