"""Reflectance by the scale that the recipe states; values that it cannot be true of are refused, not rescaled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terra_cot.cloud import Reflectance
from terra_cot.errors import DataError
from terra_cot.frame import Frame

# Names of Sentinel-2 and names in words; other sensors number their bands otherwise, so those go by the words.
BANDS = {
    "blue": ("B02", "blue"),
    "green": ("B03", "green"),
    "red": ("B04", "red"),
    "nir": ("B08", "B8A", "nir"),
    "swir1": ("B11", "swir1", "swir16"),
}
PLAUSIBLE = (0.005, 2.0)
"""Between these lies the median of the brightest band of any scene on Earth: dark sea to sunlit snow and cloud."""


def reflectances(frame: Frame, bands: tuple[str, ...], scale: Reflectance) -> NDArray[np.float32]:
    """CHW float32 reflectance of `bands`, 0 where the frame is not valid.

    Raises:
        DataError: 8-bit display values, or a stated scale that no reflectance can have.
    """
    if frame.pixels.dtype == np.uint8:
        raise DataError("8-bit display values are no reflectance", reason="not_reflectance")
    pixels = np.stack([frame.band(name) for name in bands]).astype(np.float32)
    values = np.where(frame.valid, pixels * np.float32(scale.scale) + np.float32(scale.offset), np.float32(0))
    if frame.valid.any():
        brightest = float(np.median(values[:, frame.valid], axis=1).max())
        if not PLAUSIBLE[0] <= brightest <= PLAUSIBLE[1]:
            raise DataError(
                "not reflectance by the scale stated in the recipe",
                got=f"a median of {brightest:.4g}",
                expected=f"{PLAUSIBLE[0]} to {PLAUSIBLE[1]}",
                fix="set tile.cloud.reflectance to what the product documents",
                reason="not_reflectance",
            )
    return values


def band_named(frame: Frame, meaning: str) -> str | None:
    """The frame's own name of its blue, green, red, nir or swir1 band; None without one."""
    known = {name.lower(): name for name in frame.bands}
    return next((known[name.lower()] for name in BANDS[meaning] if name.lower() in known), None)
