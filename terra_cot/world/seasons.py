"""A surface looks as its material, its crop and the date say; the class does not change with the season.

Reflectances follow the published Sentinel-2 L2A ranges of each cover in temperate
Europe. Band order is that of `config.BANDS`: B02 B03 B04 B08 B05 B8A B11 B12.
"""

import numpy as np

from terra_cot.world.config import BANDS, DATES
from terra_cot.world.materials import FIRST_PARCEL, PARCELS, SURFACES, Material
from terra_cot.world.noise import F32

SOIL = np.array([0.072, 0.098, 0.132, 0.205, 0.165, 0.230, 0.300, 0.265])
GREEN = np.array([0.026, 0.062, 0.030, 0.430, 0.100, 0.460, 0.190, 0.085])
STRAW = np.array([0.082, 0.122, 0.158, 0.285, 0.205, 0.315, 0.345, 0.245])
BLOOM = np.array([0.042, 0.150, 0.125, 0.440, 0.180, 0.470, 0.210, 0.105])

# Four rows are the four dates; one row stands for all of them.
_SPECTRA: dict[Material, list[list[float]]] = {
    Material.RIVER: [[0.052, 0.060, 0.044, 0.024, 0.036, 0.019, 0.008, 0.005]],
    Material.LAKE: [[0.034, 0.040, 0.021, 0.012, 0.018, 0.009, 0.005, 0.003]],
    Material.FLOOD: [[0.078, 0.098, 0.104, 0.062, 0.100, 0.050, 0.016, 0.010]],
    Material.POOL: [[0.030, 0.038, 0.028, 0.045, 0.040, 0.045, 0.025, 0.014]],
    Material.REED: [
        [0.056, 0.076, 0.088, 0.185, 0.120, 0.205, 0.200, 0.130],
        [0.027, 0.050, 0.032, 0.300, 0.080, 0.320, 0.140, 0.066],
        [0.038, 0.058, 0.055, 0.225, 0.095, 0.240, 0.160, 0.085],
        [0.055, 0.075, 0.085, 0.190, 0.118, 0.208, 0.198, 0.128],
    ],
    Material.WET_MEADOW: [
        [0.040, 0.062, 0.055, 0.235, 0.105, 0.250, 0.180, 0.100],
        [0.030, 0.062, 0.038, 0.330, 0.100, 0.350, 0.165, 0.080],
        [0.038, 0.062, 0.052, 0.260, 0.100, 0.280, 0.175, 0.092],
        [0.039, 0.063, 0.053, 0.245, 0.105, 0.262, 0.180, 0.098],
    ],
    Material.BROADLEAF: [
        [0.036, 0.052, 0.054, 0.215, 0.088, 0.230, 0.190, 0.115],
        [0.019, 0.042, 0.021, 0.390, 0.072, 0.420, 0.160, 0.068],
        [0.024, 0.043, 0.034, 0.290, 0.080, 0.315, 0.155, 0.072],
        [0.034, 0.053, 0.049, 0.240, 0.088, 0.258, 0.185, 0.108],
    ],
    Material.CONIFER: [
        [0.018, 0.030, 0.021, 0.195, 0.046, 0.208, 0.098, 0.043],
        [0.016, 0.030, 0.018, 0.235, 0.046, 0.255, 0.098, 0.040],
        [0.017, 0.028, 0.019, 0.205, 0.044, 0.222, 0.092, 0.038],
        [0.018, 0.030, 0.021, 0.198, 0.046, 0.210, 0.098, 0.043],
    ],
    Material.YOUNG_WOOD: [
        [0.034, 0.056, 0.048, 0.240, 0.092, 0.258, 0.190, 0.110],
        [0.023, 0.052, 0.027, 0.370, 0.085, 0.400, 0.175, 0.078],
        [0.029, 0.052, 0.038, 0.300, 0.088, 0.325, 0.172, 0.084],
        [0.033, 0.056, 0.046, 0.255, 0.092, 0.272, 0.188, 0.106],
    ],
    Material.SHRUB: [
        [0.042, 0.062, 0.066, 0.195, 0.105, 0.212, 0.225, 0.155],
        [0.034, 0.060, 0.049, 0.265, 0.098, 0.285, 0.215, 0.128],
        [0.040, 0.060, 0.060, 0.220, 0.102, 0.238, 0.222, 0.144],
        [0.041, 0.062, 0.064, 0.202, 0.105, 0.220, 0.224, 0.152],
    ],
    Material.HEATH: [
        [0.050, 0.066, 0.082, 0.175, 0.118, 0.192, 0.245, 0.185],
        [0.042, 0.064, 0.066, 0.220, 0.110, 0.238, 0.235, 0.160],
        [0.055, 0.064, 0.078, 0.200, 0.116, 0.218, 0.240, 0.172],
        [0.050, 0.066, 0.080, 0.180, 0.118, 0.196, 0.244, 0.182],
    ],
    Material.UPLAND_GRASS: [
        [0.048, 0.078, 0.076, 0.250, 0.125, 0.270, 0.250, 0.160],
        [0.050, 0.086, 0.074, 0.290, 0.135, 0.312, 0.260, 0.162],
        [0.055, 0.084, 0.084, 0.260, 0.138, 0.280, 0.272, 0.180],
        [0.047, 0.078, 0.073, 0.260, 0.125, 0.280, 0.248, 0.156],
    ],
    Material.LAWN: [
        [0.042, 0.074, 0.052, 0.300, 0.108, 0.320, 0.215, 0.125],
        [0.044, 0.080, 0.062, 0.300, 0.118, 0.322, 0.235, 0.140],
        [0.042, 0.074, 0.058, 0.280, 0.110, 0.300, 0.222, 0.132],
        [0.041, 0.074, 0.050, 0.310, 0.108, 0.330, 0.212, 0.122],
    ],
    Material.PITCH: [[0.036, 0.082, 0.044, 0.400, 0.112, 0.430, 0.215, 0.110]],
    Material.GARDEN_TREE: [
        [0.036, 0.054, 0.050, 0.230, 0.090, 0.246, 0.185, 0.110],
        [0.024, 0.046, 0.028, 0.340, 0.078, 0.365, 0.165, 0.075],
        [0.028, 0.047, 0.036, 0.280, 0.082, 0.300, 0.165, 0.080],
        [0.035, 0.054, 0.047, 0.242, 0.090, 0.258, 0.183, 0.106],
    ],
    Material.HEDGE: [
        [0.036, 0.054, 0.050, 0.215, 0.088, 0.232, 0.185, 0.110],
        [0.022, 0.046, 0.026, 0.350, 0.078, 0.380, 0.165, 0.074],
        [0.027, 0.047, 0.036, 0.280, 0.082, 0.300, 0.162, 0.078],
        [0.034, 0.054, 0.047, 0.232, 0.088, 0.250, 0.182, 0.105],
    ],
    Material.QUARRY_FACE: [[0.205, 0.242, 0.268, 0.310, 0.290, 0.322, 0.350, 0.325]],
    Material.QUARRY_FLOOR: [[0.142, 0.170, 0.195, 0.235, 0.215, 0.246, 0.280, 0.258]],
    Material.ROCK: [[0.118, 0.138, 0.154, 0.195, 0.172, 0.205, 0.245, 0.222]],
    Material.GRAVEL: [[0.165, 0.190, 0.210, 0.245, 0.228, 0.250, 0.275, 0.255]],
    Material.TRACK: [[0.102, 0.130, 0.158, 0.230, 0.190, 0.250, 0.300, 0.262]],
    Material.ROOF_RED: [[0.072, 0.088, 0.158, 0.215, 0.190, 0.232, 0.265, 0.235]],
    Material.ROOF_GREY: [[0.122, 0.128, 0.134, 0.150, 0.142, 0.158, 0.178, 0.170]],
    Material.ROOF_DARK: [[0.060, 0.063, 0.066, 0.085, 0.075, 0.092, 0.110, 0.104]],
    Material.ROOF_BRIGHT: [[0.335, 0.352, 0.362, 0.385, 0.375, 0.392, 0.375, 0.340]],
    Material.ASPHALT: [[0.076, 0.084, 0.090, 0.112, 0.100, 0.120, 0.142, 0.130]],
    Material.CONCRETE: [[0.158, 0.172, 0.184, 0.212, 0.200, 0.220, 0.240, 0.225]],
    Material.CUT_SOIL: [[0.060, 0.080, 0.112, 0.185, 0.145, 0.205, 0.290, 0.245]],
    Material.CUT_SLASH: [[0.070, 0.094, 0.126, 0.215, 0.165, 0.240, 0.320, 0.262]],
    Material.CUT_REGROWTH: [[0.042, 0.074, 0.062, 0.285, 0.112, 0.305, 0.240, 0.145]],
}

# Share of green cover, of straw and of bloom on each date, for each crop.
_CROPS: dict[str, tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]] = {
    "winter wheat": ((0.80, 0.00, 0.0), (0.12, 0.78, 0.0), (0.05, 0.22, 0.0)),
    "winter barley": ((0.74, 0.00, 0.0), (0.02, 0.92, 0.0), (0.22, 0.18, 0.0)),
    "rapeseed": ((0.55, 0.00, 0.38), (0.22, 0.55, 0.0), (0.12, 0.10, 0.0)),
    "maize": ((0.02, 0.06, 0.0), (0.78, 0.00, 0.0), (0.38, 0.42, 0.0)),
    "sugar beet": ((0.04, 0.00, 0.0), (0.92, 0.00, 0.0), (0.80, 0.02, 0.0)),
    "spring barley": ((0.18, 0.00, 0.0), (0.30, 0.60, 0.0), (0.03, 0.30, 0.0)),
    "sunflower": ((0.03, 0.05, 0.0), (0.66, 0.00, 0.18), (0.08, 0.40, 0.0)),
    "alfalfa": ((0.66, 0.02, 0.0), (0.70, 0.06, 0.0), (0.62, 0.08, 0.0)),
}
_CROP_SHARES = (0.25, 0.10, 0.15, 0.18, 0.08, 0.11, 0.05, 0.08)
_GRASS_STATES = ((0.62, 0.16), (0.56, 0.28), (0.50, 0.26))


class Farm:
    """What grows on each parcel on each date.

    Attributes:
        green: T x PARCELS, share of green cover as a field.
        straw: T x PARCELS, share of straw.
        bloom: T x PARCELS, share of yellow flowers.
        lush: T x PARCELS, share of green cover as a meadow.
        hay: T x PARCELS, share of dry grass as a meadow.
        soil: PARCELS, brightness of the bare soil.
        tall: T x PARCELS, 1 for tall broad-leaved crops (SAR volume), 0 for cereals.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        calendar = np.array(list(_CROPS.values()))  # crop, season, part
        first = rng.choice(len(_CROPS), PARCELS, p=_CROP_SHARES)
        second = rng.choice(len(_CROPS), PARCELS, p=_CROP_SHARES)
        second = np.where(first == 7, first, second)  # alfalfa stands for years
        vigour = rng.normal(1.0, 0.10, PARCELS)
        parts = np.zeros((len(DATES), PARCELS, 3))
        self.lush = np.zeros((len(DATES), PARCELS))
        self.hay = np.zeros((len(DATES), PARCELS))
        broad = np.array([0, 0, 1, 1, 1, 0, 1, 0.3])
        self.tall = np.zeros((len(DATES), PARCELS))
        mown = rng.random(PARCELS)
        for t in range(len(DATES)):
            crop = second if t == 3 else first
            season = t % 3
            late = rng.normal(0.0, 0.07, PARCELS)
            parts[t] = calendar[crop, season] * vigour[:, None]
            parts[t, :, 0] += late * (parts[t, :, 0] > 0.1)
            parts[t, :, 1] -= late * (parts[t, :, 1] > 0.1)
            # Part of the fields is already ploughed, or green with a catch crop, by September.
            if season == 2:
                draw = rng.random(PARCELS)
                cereal = np.isin(crop, (0, 1, 2, 5))
                parts[t, :, 1] *= np.where(cereal & (draw < 0.45), 0.1, 1.0)
                parts[t, :, 0] += np.where(cereal & (draw > 0.78), 0.45, 0.0)
            self.tall[t] = broad[crop]
            lush, hay = _GRASS_STATES[season]
            cut = (mown + 0.37 * t) % 1.0
            self.lush[t] = lush + 0.10 * (vigour - 1) * 5 - np.where(cut < 0.3, 0.18, 0.0)
            self.hay[t] = hay + np.where(cut < 0.3, 0.18, 0.0)
        parts = np.clip(parts, 0, 1)
        parts /= np.maximum(1.0, parts.sum(axis=2, keepdims=True))
        self.green, self.straw, self.bloom = parts[..., 0], parts[..., 1], parts[..., 2]
        self.lush, self.hay = np.clip(self.lush, 0.1, 0.9), np.clip(self.hay, 0, 0.6)
        self.soil = np.clip(rng.normal(0.92, 0.16, PARCELS), 0.55, 1.35)


def spectra(farm: Farm, date: int) -> tuple[F32, F32]:
    """Return the look of every surface number on one date.

    Returns:
        (reflectance, response): 8 x SURFACES float32 each; `response` is the change of
        reflectance for one unit of plant vigour (visible and SWIR fall, NIR rises).
    """
    table = np.zeros((SURFACES, len(BANDS)))
    response = np.zeros_like(table)
    for material, rows in _SPECTRA.items():
        table[material] = rows[date % len(rows)]
    plants = (4, 5, 7, 9, 10, 11, 12, 24, 25, 27, 28)
    response[list(plants)] = 0.22 * (GREEN - SOIL) * (table[list(plants), 3:4] / 0.3)
    response[Material.CONIFER] = 0.06 * (GREEN - SOIL)
    green, straw, bloom = farm.green[date], farm.straw[date], farm.bloom[date]
    bare = 1 - green - straw - bloom
    soil = farm.soil[:, None] * SOIL
    table[FIRST_PARCEL::2] = (
        green[:, None] * GREEN + straw[:, None] * STRAW + bloom[:, None] * BLOOM + bare[:, None] * soil
    )
    lush, hay = farm.lush[date][:, None], farm.hay[date][:, None]
    table[FIRST_PARCEL + 1 :: 2] = lush * GREEN * 1.02 + hay * STRAW * 0.9 + (1 - lush - hay) * soil * 0.8
    stir = (0.10 + 0.30 * np.minimum(green, 1 - green))[:, None]
    response[FIRST_PARCEL::2] = stir * (GREEN - SOIL) + (0.10 * bare)[:, None] * -SOIL
    response[FIRST_PARCEL + 1 :: 2] = 0.16 * (GREEN - SOIL)
    return np.ascontiguousarray(table.T, dtype=np.float32), np.ascontiguousarray(response.T, dtype=np.float32)
