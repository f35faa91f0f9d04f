"""Pairs of frames whose shift is known: real files with a known extra shift, the synthetic world with its true ones.

Archives sold as co-registered are not, so the truth of a real SAR pair is the median of what its whole scene shows plus
the extra shift: an estimator's noise, the relief and a wrong peak all count as error, a bias common to a scene does not
(the world, whose shifts are exact, shows that).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

from terra_cot.coregister import estimate_shift
from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid
from terra_cot.world.config import WorldConfig
from terra_cot.world.scene import WorldScene, make_scene

OPTICAL, SAR = ("B02", "B03", "B04", "B08"), ("VV", "VH")
MOST_PX = 5.0
Pixels = NDArray[Any]
Window = tuple[int, int, int]
"""(row, column, side)"""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two frames on one grid; `true` [dy, dx] px of the second, None where the two show different places."""

    name: str
    reference: Frame
    moving: Frame
    true: NDArray[np.float64] | None


@dataclass(frozen=True)
class Summary:
    """`errors` px, the larger of row and column, of the accepted; counts; `whys` of the refused."""

    pairs: int
    accepted: int
    errors: tuple[float, ...]
    whys: tuple[str, ...]

    @property
    def share(self) -> float:
        return self.accepted / self.pairs

    def error(self, quantile: float) -> float:
        return float(np.quantile(self.errors, quantile)) if self.errors else float("nan")


def summarise(pairs: Iterator[Pair]) -> Summary:
    """Estimates every pair; of mismatched ones any acceptance counts, without an error."""
    total, errors, accepted, whys = 0, [], 0, []
    for pair in pairs:
        found = estimate_shift(pair.reference, pair.moving)
        total += 1
        if found.status != "removed":
            whys.append(str(found.reason))
            continue
        accepted += 1
        if pair.true is not None and found.found_px is not None:
            errors.append(float(np.abs(np.array(found.found_px) - pair.true).max()))
    return Summary(total, accepted, tuple(errors), tuple(whys))


def frame(pixels: Pixels, modality: Any, bands: tuple[str, ...], cloud: NDArray[np.bool_] | None = None) -> Frame:
    shape = pixels.shape[1:]
    valid = np.isfinite(pixels).all(axis=0) & (pixels != 0).any(axis=0)
    grid = Grid("EPSG:32633", Affine(10, 0, 400000, 0, -10, 5400000), *shape, 10.0)
    return Frame("t0", modality, "2017-06-13T00:00:00Z", bands, pixels, valid, cloud, grid)


def moved(pixels: Pixels, dy: float, dx: float) -> Pixels:
    """CHW content laid `dy`, `dx` px further, by cubic splines."""
    return np.stack([ndimage.shift(band, (dy, dx), order=3, mode="nearest") for band in pixels.astype(np.float32)])


def cut(pixels: Pixels, window: Window, shift: NDArray[np.float64] | tuple[float, float] = (0, 0)) -> Pixels:
    """The window of an image whose content was laid `shift` further, read from around the window where there is any."""
    row, column, side = window
    whole = np.round(shift).astype(int)
    top, left = row - whole[0], column - whole[1]
    above, before = min(8, top), min(8, left)
    assert above >= 0
    assert before >= 0
    around = pixels[:, top - above : top + side + 8, left - before : left + side + 8]
    around = moved(around, *(np.asarray(shift) - whole))
    return around[:, above : above + side, before : before + side]


# Real files


@dataclass(frozen=True, eq=False)
class Place:
    """Optical and SAR pixels of one place; `scene` shares one georeferencing fault."""

    name: str
    scene: str
    optical: Pixels
    sar: Pixels


def _bands(folder: Path, names: tuple[str, ...]) -> Pixels:
    stack = []
    for name in names:
        with rasterio.open(folder / f"{folder.name}_{name}.tif") as dataset:
            stack.append(dataset.read(1))
    return np.stack(stack)


@cache
def patches(data: Path) -> tuple[Place, ...]:
    """The patches of BigEarthNet v2 and v1."""
    places = []
    roots = (
        ("bigearthnet-v2", "BigEarthNet-S1/*", "BigEarthNet-S2/*"),
        ("bigearthnet-v1", "BigEarthNet-S1-Example", "BigEarthNet-S2-Example"),
    )
    for archive, radar, optical in roots:
        for folder in sorted((data / archive).glob(f"{radar}/S1*")):
            place = "_".join(folder.name.split("_")[-2:])
            (partner,) = (data / archive).glob(f"{optical}/S2*_{place}")
            scene = archive + "_".join(folder.name.split("_")[:5]) + (place if archive.endswith("v1") else "")
            places.append(Place(place, scene, _bands(partner, OPTICAL), _bands(folder, SAR)))
    return tuple(places)


@cache
def mosaics(data: Path) -> tuple[Place, ...]:
    """Every block of 2 x 2 neighbours of v2."""
    known = {place.name: place for place in patches(data) if place.scene.startswith("bigearthnet-v2")}
    blocks = []
    for name in known:
        column, row = (int(text) for text in name.split("_"))
        block = [[f"{column + across}_{row + down}" for across in (0, 1)] for down in (0, 1)]
        if all(cell in known for line in block for cell in line):
            layers = [
                np.concatenate([np.concatenate([getattr(known[cell], kind) for cell in line], 2) for line in block], 1)
                for kind in ("optical", "sar")
            ]
            blocks.append(Place(f"{name}x2", known[name].scene, *layers))
    return tuple(blocks)


@cache
def scene_shifts(data: Path) -> dict[str, NDArray[np.float64]]:
    """How far each archive's SAR lies off its optical: the median over the patches of a scene that are believed."""
    found: dict[str, list[tuple[float, float]]] = {}
    for place in patches(data):
        shift = estimate_shift(frame(place.optical, "optical", OPTICAL), frame(place.sar, "sar", SAR))
        if shift.status == "removed" and shift.found_px is not None:
            found.setdefault(place.scene, []).append(shift.found_px)
    return {scene: np.median(shifts, axis=0) for scene, shifts in found.items()}


def real_sar_pairs(data: Path, side: int, each: int, cloud: float = 0.0) -> Iterator[Pair]:
    """Windows of `side` px at places of their own choice, the SAR displaced by up to 5 px more than it is."""
    rng = np.random.default_rng(side)
    base = scene_shifts(data)
    for place in mosaics(data) if side > 108 else patches(data):
        height, width = place.optical.shape[1:]
        for _ in range(each):
            row, column = rng.integers(6, height - side - 5), rng.integers(6, width - side - 5)
            extra = rng.uniform(-MOST_PX, MOST_PX, 2)
            # A scene that is believed nowhere has no truth: its pairs may be refused, never accepted unseen.
            true = base.get(place.scene, np.array([np.inf, np.inf])) + extra
            optical = cut(place.optical, (row, column, side)).astype(np.uint16)
            yield Pair(
                place.name,
                clouded(optical, cloud, rng) if cloud else frame(optical, "optical", OPTICAL),
                frame(cut(place.sar, (row, column, side), extra), "sar", SAR),
                true,
            )


def real_mismatched(data: Path, modalities: tuple[str, str], side: int = 108) -> Iterator[Pair]:
    """Every patch against every other: nothing may be found."""
    frames = {
        kind: [frame(cut(getattr(place, kind), (6, 6, side)), kind, OPTICAL if kind == "optical" else SAR)
               for place in patches(data)]
        for kind in set(modalities)
    }  # fmt: skip
    for one, reference in enumerate(frames[modalities[0]]):
        for two, other in enumerate(frames[modalities[1]]):
            if one != two:
                yield Pair(f"{one}-{two}", reference, other, None)


def shifted_pair(data: Path, side: int = 256) -> Iterator[Pair]:
    """Tiles of the shifted pair of Sentinel-2 bands, most of them clear; the truth is that of the whole scene."""
    with (
        rasterio.open(next((data / "s2-shifted-pair").glob("ref_*"))) as one,
        rasterio.open(next((data / "s2-shifted-pair").glob("tgt_*"))) as two,
    ):
        first, second = one.read(), two.read()
        down, right = (
            round(value) for value in ((~two.transform @ one.transform).f, (~two.transform @ one.transform).c)
        )
    for row in range(max(0, -down), min(first.shape[1], second.shape[1] - down) - side + 1, side):
        for column in range(max(0, -right), min(first.shape[2], second.shape[2] - right) - side + 1, side):
            tile = first[:, row : row + side, column : column + side]
            other = second[:, row + down : row + down + side, column + right : column + right + side]
            if (tile != 0).all() and (other != 0).all():
                yield Pair(f"{row}-{column}", *(frame(t, "optical", ("B04",)) for t in (tile, other)),
                           np.array([-1.85, 0.66]))  # fmt: skip


CLEAR = ("2015-07-11", "2015-08-30", "2015-09-09")
OPAQUE = ("2015-07-31", "2015-08-20")


def slovenia(data: Path, date: str, masked: bool = True) -> Frame:
    with rasterio.open(data / "slovenia-s2-series" / f"S2_L1C_{date}.tif") as dataset:
        pixels = dataset.read([2, 3, 4, 8])
    with rasterio.open(data / "slovenia-s2-series" / f"CLM_{date}.tif") as dataset:
        cloud = dataset.read(1) > 0
    return frame(pixels, "optical", OPTICAL, cloud if masked else None)


def real_optical_pairs(data: Path, side: int, each: int, cloud: float = 0.0) -> Iterator[Pair]:
    """One image against itself laid up to 5 px further, with noise of its own and another light."""
    rng = np.random.default_rng(side + 1)
    for place in mosaics(data) if side > 108 else patches(data):
        height, width = place.optical.shape[1:]
        for _ in range(each):
            window = (int(rng.integers(6, height - side - 5)), int(rng.integers(6, width - side - 5)), side)
            shift = rng.uniform(-MOST_PX, MOST_PX, 2)
            first, second = cut(place.optical, window), cut(place.optical, window, shift)
            # The second date: a tenth brighter, haze of 80, and noise of 40 (0.4 % reflectance).
            second = np.maximum(1.1 * second + 80 + rng.normal(0, 40, second.shape), 1)
            pixels = second.astype(np.uint16)
            moving = clouded(pixels, cloud, rng) if cloud else frame(pixels, "optical", OPTICAL)
            yield Pair(place.name, frame(first.astype(np.uint16), "optical", OPTICAL), moving, shift)


# Clouds


def clouded(pixels: Pixels, share: float, rng: np.random.Generator, modality: Any = "optical") -> Frame:
    """The frame under masked white cloud of that share, in blobs a tenth of its side wide."""
    shape = pixels.shape[1:]
    field = cv2.GaussianBlur(rng.normal(size=shape).astype(np.float32), (0, 0), shape[0] / 12)
    cloud = field > np.quantile(field, 1 - share)
    white = np.where(cloud, 7000 + 400 * rng.normal(size=shape), pixels)
    return frame(white.astype(pixels.dtype), modality, OPTICAL, cloud)


def opaque(shape: tuple[int, int], rng: np.random.Generator) -> Frame:
    """An unmasked overcast sky: soft white structure of its own."""
    field = cv2.GaussianBlur(rng.normal(size=shape).astype(np.float32), (0, 0), 6.0)
    sky = 6000 + 900 * field / field.std() + 60 * rng.normal(size=(4, *shape))
    return frame(sky.astype(np.uint16), "optical", OPTICAL)


# The synthetic world


def world(indices: range, cloud_cover: float = 0.25) -> Iterator[WorldScene]:
    """Places of 256 px."""
    config = WorldConfig(seed=11, size_px=256, cloud_cover=cloud_cover)
    return (make_scene(config, index) for index in indices)


def world_optical(scene: WorldScene, date: int, window: Window) -> Frame:
    row, column, side = window
    inside = np.s_[row : row + side, column : column + side]
    return frame(scene.optical_10m[date][:, *inside], "optical", OPTICAL, scene.cloud[date][inside] > 0)


def world_sar(scene: WorldScene, date: int, window: Window, extra: NDArray[np.float64] | None = None) -> Frame:
    """The SAR image brought to the optical grid bilinearly, as the reader does it."""
    row, column, side = window
    start = np.array([row, column]) - scene.sar_offset_px - (0.0 if extra is None else extra)
    matrix = np.array([[1, 0, start[1]], [0, 1, start[0]]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    pixels = [
        cv2.warpAffine(band, matrix, (side, side), flags=flags, borderValue=float("nan")) for band in scene.sar[date]
    ]
    return frame(np.stack(pixels), "sar", SAR)


def world_cross(scene: WorldScene, window: Window, rng: np.random.Generator) -> Pair:
    """Optical and SAR of the first date, the SAR displaced by up to 5 px in all."""
    own = np.array(scene.sar_shifts[0]) - scene.optical_shifts[0]
    true = rng.uniform(-MOST_PX, MOST_PX, 2)
    moving = world_sar(scene, 0, window, true - own)
    return Pair(scene.name, world_optical(scene, 0, window), moving, true)


def world_dates(scene: WorldScene, window: Window, modality: str) -> Iterator[Pair]:
    """Each later date against the first."""
    for date in range(1, len(scene.dates)):
        shifts = scene.optical_shifts if modality == "optical" else scene.sar_shifts
        make = world_optical if modality == "optical" else world_sar
        true = np.array(shifts[date]) - shifts[0]
        yield Pair(f"{scene.name}/{date}", make(scene, 0, window), make(scene, date, window), true)
