"""The radar image: roughness and volume, not colour; speckle multiplies; clouds are not there."""

import numpy as np
from numpy.typing import NDArray

from terra_cot.world.change import State
from terra_cot.world.landcover import Land
from terra_cot.world.materials import FIRST_PARCEL, SURFACES, Material, canopy_heights
from terra_cot.world.noise import F32, blur
from terra_cot.world.seasons import Farm
from terra_cot.world.sensor import observe

SAR_PAD_PX = 6
"""The radar grid is this much larger than the optical grid on each side, less its offset."""

_LOOKS = 4.6
_POINT = 0.55

# VV and VH of each material in dB (sigma nought, Sentinel-1 IW, 38 degrees).
_BACKSCATTER: dict[Material, tuple[float, float]] = {
    Material.RIVER: (-19.0, -26.5),
    Material.LAKE: (-20.5, -28.0),
    Material.FLOOD: (-19.0, -26.5),
    Material.POOL: (-16.5, -24.0),
    Material.REED: (-10.2, -17.5),
    Material.WET_MEADOW: (-12.0, -19.0),
    Material.BROADLEAF: (-8.4, -13.8),
    Material.CONIFER: (-7.9, -13.9),
    Material.YOUNG_WOOD: (-9.3, -14.8),
    Material.SHRUB: (-10.3, -16.4),
    Material.HEATH: (-11.3, -18.0),
    Material.UPLAND_GRASS: (-12.2, -19.2),
    Material.QUARRY_FACE: (-7.5, -17.0),
    Material.QUARRY_FLOOR: (-11.5, -20.5),
    Material.ROCK: (-8.8, -17.8),
    Material.GRAVEL: (-13.0, -21.5),
    Material.TRACK: (-13.0, -21.0),
    Material.ROOF_RED: (-1.0, -9.5),
    Material.ROOF_GREY: (0.0, -8.5),
    Material.ROOF_DARK: (-0.5, -9.0),
    Material.ROOF_BRIGHT: (1.5, -8.0),
    Material.ASPHALT: (-13.5, -21.5),
    Material.CONCRETE: (-9.0, -17.5),
    Material.LAWN: (-10.5, -17.5),
    Material.GARDEN_TREE: (-8.0, -14.2),
    Material.CUT_SOIL: (-10.5, -18.5),
    Material.CUT_SLASH: (-9.6, -17.2),
    Material.CUT_REGROWTH: (-10.8, -17.4),
    Material.HEDGE: (-8.2, -14.2),
    Material.PITCH: (-12.5, -20.0),
}


def render_sar(
    rng: np.random.Generator,
    land: Land,
    state: State,
    farm: Farm,
    date: int,
    size_px: int,
    offset_px: tuple[float, float],
    shift_px: tuple[float, float],
    ascending: bool,
) -> F32:
    """Return one Sentinel-1 image.

    Args:
        rng: Source of speckle and corner reflectors' weather.
        land: The place.
        state: The place on this date.
        farm: The crops.
        date: Index into `config.DATES`.
        size_px: Side of the optical grid.
        offset_px: (row, column) of the outer corner of the radar grid on the optical grid, both negative.
        shift_px: (down, right) misregistration of the content.
        ascending: Whether the sensor looks east (else west).

    Returns:
        2 x N x N float32, VV and VH in dB, N = size_px + 2 * SAR_PAD_PX.
    """
    rows = size_px + 2 * SAR_PAD_PX
    index = state.surface.astype(np.intp)
    geometry = _geometry(land, index, ascending)
    corners = _corners(land, state)
    start = (offset_px[0] - shift_px[0], offset_px[1] - shift_px[1])
    image = np.empty((2, rows, rows), np.float32)
    for number in range(2):
        power = np.power(np.float32(10), _table_db(farm, date, number) / np.float32(10))
        cells = power.take(index, mode="clip")
        cells *= geometry
        cells += corners * np.float32(1.0 if number == 0 else 0.11)
        seen = observe(cells, rows, *start, blur_px=_POINT)
        image[number] = _decibel(seen * _speckle(rng, rows))
    return image


def _table_db(farm: Farm, date: int, number: int) -> F32:
    table = np.full(SURFACES, -15.0)
    for material, pair in _BACKSCATTER.items():
        table[material] = pair[number]
    green, straw, tall = farm.green[date] + farm.bloom[date], farm.straw[date], farm.tall[date]
    soil = np.array([-11.0, -20.5])[number] + 4.0 * (farm.soil - 0.92)
    cereal = np.array([-13.8, -18.8])[number]
    broad = np.array([-8.9, -14.8])[number]
    plants = cereal + (broad - cereal) * tall
    stubble = np.array([-12.6, -19.6])[number]
    bare = np.clip(1 - green - straw, 0, 1)
    table[FIRST_PARCEL::2] = green * plants + straw * stubble + bare * soil
    meadow = np.array([-12.3, -18.9])[number]
    table[FIRST_PARCEL + 1 :: 2] = meadow + 2.0 * (farm.lush[date] - 0.5)
    return table.astype(np.float32)


def _geometry(land: Land, index: NDArray[np.intp], ascending: bool) -> F32:
    """Return the factor of slope, of bright edges towards the sensor and of dark edges behind tall things."""
    away = 1 if ascending else -1
    factor = np.exp(np.clip(land.terrain.slope_right * np.float32(2.0 * away), -0.7, 0.7))
    height = canopy_heights().astype(np.float32).take(index, mode="clip")
    rise = np.roll(height, -2 * away, axis=1) - height
    fall = np.roll(height, 2 * away, axis=1) - height
    factor *= 1 + np.clip(rise - 5, 0, 20) * np.float32(0.055)
    factor *= np.where(fall > 13, np.float32(0.4), np.float32(1))
    rough = 1 + np.float32(0.10) * land.patchy
    return np.asarray(np.maximum(factor * rough, np.float32(0.05)), dtype=np.float32)


def _corners(land: Land, state: State) -> F32:
    """Return the power of wall-to-ground corners: rare bright points among the roofs."""
    roof = (state.surface >= Material.ROOF_RED) & (state.surface <= Material.ROOF_BRIGHT)
    strong = np.exp(np.clip(land.fine - 1.1, 0, 2.6) * 1.75) - 1
    return np.where(roof, strong * np.float32(3.2), np.float32(0)).astype(np.float32)


def _speckle(rng: np.random.Generator, rows: int) -> F32:
    """Return multiplicative speckle of mean 1; neighbouring pixels share some of it, as in a GRD product."""
    shape = 2.7
    white = rng.standard_gamma(shape, (rows, rows), dtype=np.float32) / np.float32(shape)
    soft = blur(white, 0.45)
    spread = np.float32(soft.std() * np.sqrt(_LOOKS))
    return np.asarray(np.maximum(1 + (soft - 1) / spread, np.float32(0.03)), dtype=np.float32)


def _decibel(power: F32) -> F32:
    # A step of 1/64 dB is far below the speckle and halves the size of the file.
    return np.asarray(np.rint(10 * np.log10(np.maximum(power, 1e-4)) * 64) / 64, dtype=np.float32)
