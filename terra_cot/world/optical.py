"""The optical image: spectra of the date, texture of the surface, light on the slope, then the sky."""

import numpy as np
from numpy.typing import NDArray

from terra_cot.world.change import State
from terra_cot.world.cloud import Cloud, cover_band
from terra_cot.world.config import BANDS, BANDS_10M, CELL_M
from terra_cot.world.landcover import Land
from terra_cot.world.materials import FIRST_PARCEL, SURFACES, Material, canopy_heights
from terra_cot.world.noise import F32, U8, U16
from terra_cot.world.seasons import Farm, spectra
from terra_cot.world.sensor import observe
from terra_cot.world.terrain import shade

SUN_AZIMUTH_DEG = (152.0, 146.0, 162.0, 152.0)
"""Where the sun stands at 10 UTC on each of the dates."""

_SUN_SLOPE = (0.55, 0.35, 0.80, 0.55)
_HAZE = np.array([0.011, 0.006, 0.003, 0.000, 0.001, 0, 0, 0], np.float32)
_SCALE = 10000


def render_optical(
    rng: np.random.Generator, land: Land, state: State, farm: Farm, date: int, shift_px: tuple[float, float], sky: Cloud
) -> tuple[U16, U16]:
    """Return one Sentinel-2 image.

    Args:
        rng: Source of haze and sensor noise.
        land: The place.
        state: The place on this date.
        farm: The crops.
        date: Index into `config.DATES`.
        shift_px: (down, right) misregistration: content lies at +down rows, +right columns of its place.
        sky: Cloud on the 10 m grid.

    Returns:
        (10 m bands, 20 m bands): 4 x H x W and 4 x H/2 x W/2 uint16, reflectance x 10000, at least 1.
    """
    size_px = len(sky.mask)
    table, response = spectra(farm, date)
    index = state.surface.astype(np.intp)  # once, not in each look-up
    light = _light(land, index, date)
    vigour = _vigour(land, state)
    air = np.float32(rng.uniform(0.2, 1.3))
    gain = rng.normal(1.0, 0.02, len(BANDS)).astype(np.float32)
    start = (-shift_px[0], -shift_px[1])
    half = tuple(_halve(layer) for layer in (sky.opacity, sky.shadow, sky.relief))
    fine = np.empty((4, size_px, size_px), np.uint16)
    coarse = np.empty((4, size_px // 2, size_px // 2), np.uint16)
    for number in range(len(BANDS)):
        cells = table[number].take(index, mode="clip")
        cells += response[number].take(index, mode="clip") * vigour
        cells *= light
        if number < len(BANDS_10M):
            band = observe(cells, size_px, *start)
            band = cover_band(band * gain[number] + air * _HAZE[number], number, sky.opacity, sky.shadow, sky.relief)
            fine[number] = _quantise(rng, band)
        else:
            band = observe(cells, size_px // 2, *start, blur_px=0.85, step=2)
            band = cover_band(band * gain[number] + air * _HAZE[number], number, *half)
            coarse[number - 4] = _quantise(rng, band)
    return fine, coarse


def _light(land: Land, index: NDArray[np.intp], date: int) -> F32:
    """Return the relative brightness of each cell: slope, cast shadow of woods and houses, canopy texture."""
    strength = np.zeros(SURFACES, np.float32) + np.float32(0.045)
    for material, amount in _TEXTURE.items():
        strength[material] = amount
    light = 1 + strength.take(index, mode="clip") * land.fine
    light *= shade(land.terrain, SUN_AZIMUTH_DEG[date], _SUN_SLOPE[date])
    farmed = index >= FIRST_PARCEL
    light += np.float32(0.022) * land.parcels.streak * farmed
    light += np.float32(0.02) * land.patchy * ~farmed
    height = canopy_heights().astype(np.float32).take(index, mode="clip")
    azimuth = np.deg2rad(SUN_AZIMUTH_DEG[date])
    reach_m = 15.0 / _SUN_ELEVATION_TAN[date]
    for part in (0.45, 1.0):
        down = round(float(np.cos(azimuth)) * reach_m * part / CELL_M)
        right = round(-float(np.sin(azimuth)) * reach_m * part / CELL_M)
        drop = np.roll(height, (down, right), axis=(0, 1)) - height
        light *= np.where(drop > 14 * part, np.float32(0.70), np.float32(1.0))
    np.maximum(light, np.float32(0.25), out=light)
    return light.astype(np.float32)


def _vigour(land: Land, state: State) -> F32:
    farmed = (state.surface >= FIRST_PARCEL).astype(np.float32)
    streak = np.float32(0.35) * land.parcels.streak * farmed
    return np.asarray(land.patchy * np.float32(0.5) + streak, dtype=np.float32)


def _quantise(rng: np.random.Generator, band: F32) -> U16:
    noise = rng.standard_normal(band.shape, dtype=np.float32)
    noisy = band + noise * (np.float32(0.0007) + np.float32(0.006) * band)
    return np.clip(np.rint(noisy * _SCALE), 1, 16000).astype(np.uint16)


def _halve(layer: F32) -> F32:
    rows, columns = layer.shape
    return np.asarray(layer.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)), dtype=np.float32)


_SUN_ELEVATION_TAN = (0.98, 1.75, 0.75, 0.98)
_TEXTURE = {
    Material.BROADLEAF: 0.20,
    Material.CONIFER: 0.20,
    Material.YOUNG_WOOD: 0.12,
    Material.SHRUB: 0.14,
    Material.HEATH: 0.09,
    Material.UPLAND_GRASS: 0.07,
    Material.REED: 0.08,
    Material.WET_MEADOW: 0.06,
    Material.ROCK: 0.13,
    Material.QUARRY_FLOOR: 0.07,
    Material.QUARRY_FACE: 0.07,
    Material.CUT_SOIL: 0.12,
    Material.CUT_SLASH: 0.12,
    Material.CUT_REGROWTH: 0.09,
    Material.GARDEN_TREE: 0.15,
    Material.RIVER: 0.02,
    Material.LAKE: 0.01,
    Material.FLOOD: 0.02,
    Material.HEDGE: 0.15,
}


def to_reflectance(numbers: U16) -> F32:
    """Return reflectance, 0 to 1.6, of stored numbers."""
    return numbers.astype(np.float32) / np.float32(_SCALE)


def stretch(fine: U16, bands: tuple[int, int, int] = (2, 1, 0), top: int = 3000) -> U8:
    """Return an 8-bit picture, H x W x 3, of three of the 10 m bands stretched from 0 to `top`."""
    picture = np.stack([fine[b] for b in bands], axis=-1).astype(np.float32) * (255 / top)
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)
