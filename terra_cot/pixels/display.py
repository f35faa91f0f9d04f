"""Display images use bands by name and one fixed stretch a recipe: a series does not flicker, a tile is comparable.

Optical: true colour from B04, B03, B02 (or R, G, B), reflectance x 10000 from 0 to `optical_max`, then a gamma that
opens the dark half where vegetation and water lie; a frame of a single band is grey. SAR: VV, VH and their mean as
red, green and blue, in dB, each from its own fixed range; 8-bit SAR is a publisher's picture in no stated unit and
is shown as it is. Invalid pixels are black.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from terra_cot.errors import DataError
from terra_cot.frame import Frame

TRUE_COLOUR = (("B04", "B03", "B02"), ("B4", "B3", "B2"), ("R", "G", "B"), ("red", "green", "blue"))


class Stretch(BaseModel):
    """The stretch of a recipe: optical in reflectance x 10000, SAR in dB."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    optical_max: float = Field(3000.0, gt=0, allow_inf_nan=False)
    gamma: float = Field(1.4, gt=0, allow_inf_nan=False)
    vv_db: tuple[float, float] = (-22.0, 2.0)
    vh_db: tuple[float, float] = (-28.0, -4.0)

    @field_validator("vv_db", "vh_db")
    @classmethod
    def _rising(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if not limits[0] < limits[1]:
            raise ValueError("the lower limit must come first")
        return limits


def display(frame: Frame, stretch: Stretch) -> NDArray[np.uint8]:
    """HW3 uint8 picture of a frame.

    Raises:
        DataError: the frame has no bands that make a picture.
    """
    picture = _sar(frame, stretch) if frame.modality == "sar" else _optical(frame, stretch)
    picture[~frame.valid] = 0
    return picture


def _rgb(frame: Frame) -> NDArray[np.generic]:
    """HW3 in the frame's own dtype; a new array."""
    for names in TRUE_COLOUR:
        if all(name in frame.bands for name in names):
            return np.stack([frame.band(name) for name in names], axis=-1)
    if len(frame.bands) == 1:
        return np.repeat(frame.pixels[0][..., None], 3, axis=-1)
    raise DataError(
        "no true-colour bands",
        field="bands",
        got=list(frame.bands),
        expected="B04, B03, B02",
        fix="name the bands in the files or in the recipe",
        reason="no_true_colour",
    )


def _optical(frame: Frame, stretch: Stretch) -> NDArray[np.uint8]:
    rgb = _rgb(frame)
    if rgb.dtype == np.uint8:
        return rgb.astype(np.uint8, copy=False)
    # A table over the 16-bit values: the power is taken once a value, not once a pixel.
    if rgb.dtype == np.uint16:
        table: NDArray[np.uint8] = _curve(np.arange(65536, dtype=np.float32) / stretch.optical_max, stretch.gamma)
        picture: NDArray[np.uint8] = np.take(table, rgb)  # type: ignore[arg-type]
        return picture
    return _curve(rgb.astype(np.float32) / stretch.optical_max, stretch.gamma)


def _curve(share: NDArray[np.float32], gamma: float) -> NDArray[np.uint8]:
    bright: NDArray[np.float32] = np.clip(np.nan_to_num(share), 0, 1) ** (1 / gamma)
    return np.rint(255 * bright).astype(np.uint8)


def _sar(frame: Frame, stretch: Stretch) -> NDArray[np.uint8]:
    if not {"VV", "VH"} <= set(frame.bands):
        raise DataError(
            "no VV and VH", field="bands", got=list(frame.bands), expected="VV, VH", reason="no_polarisations"
        )
    if frame.pixels.dtype == np.uint8:
        vv, vh = frame.band("VV").astype(np.uint16), frame.band("VH").astype(np.uint16)
        return np.stack([vv, vh, (vv + vh) // 2], axis=-1).astype(np.uint8)
    shares = []
    for name, (low, high) in (("VV", stretch.vv_db), ("VH", stretch.vh_db)):
        shares.append(np.clip((np.nan_to_num(frame.band(name), nan=low).astype(np.float32) - low) / (high - low), 0, 1))
    stacked: NDArray[np.float32] = np.stack([shares[0], shares[1], (shares[0] + shares[1]) / 2], axis=-1)
    return np.rint(255 * stacked).astype(np.uint8)
