"""Speckle of a SAR image is calmed for the eye: Lee (1980) or gamma-MAP, in power, over the valid pixels of a window.

Speckle is multiplicative: y = x n, with mean 1 and variance 1 / looks of n. With mean m and variance v of y in the
window:

    lee        m + k (y - m),  k = Q / (Q + m^2 / L),  Q = (v + m^2) / (1 + 1 / L) - m^2, at least 0
    gamma-map  m where the variation c = sqrt(v) / m is at most that of speckle alone, 1 / sqrt(L); y where it is
               sqrt(2) times that or more (a point, an edge); between them the root of
               a x^2 - (a - L - 1) m x - L m y = 0,  a = (1 + 1 / L) / (c^2 - 1 / L)

Lee, Digital image enhancement and noise filtering by use of local statistics, PAMI-2 (1980), multiplicative noise
with his linear approximation; Lopes, Nezry, Touzi and Laur, Structure detection and statistical adaptive speckle
filtering in SAR images, IJRS 14 (1993). At the border of a tile the window ends there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from terra_cot.frame import Frame

Power = NDArray[np.float64]


class SpeckleOptions(BaseModel):
    """`window_px` is a side, odd; `looks` the equivalent number of looks (Sentinel-1 IW GRDH: 4.4).

    Only display images are filtered: `raster` keeps what was measured. 8-bit SAR is a picture already and stays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: Literal["lee", "gamma-map"] = "lee"
    window_px: int = Field(7, ge=3, le=31)
    looks: float = Field(4.4, ge=1, le=1000)

    @field_validator("window_px")
    @classmethod
    def _odd(cls, side: int) -> int:
        if side % 2 == 0:
            raise ValueError("a window has a middle: an odd number of pixels")
        return side


def despeckled(frame: Frame, options: SpeckleOptions | None) -> Frame:
    """A SAR frame in dB with its speckle calmed; any other frame as it is."""
    if options is None or frame.modality != "sar" or not frame.decibel:
        return frame
    power = np.power(10.0, frame.pixels.astype(np.float64) / 10)
    calm = np.stack([filtered(band, frame.valid, options) for band in power])
    decibel = 10 * np.log10(np.maximum(calm, np.finfo(np.float64).tiny))
    return replace(frame, pixels=np.where(frame.valid, decibel, frame.pixels).astype(np.float32))


def filtered(power: Power, valid: NDArray[np.bool_], options: SpeckleOptions) -> Power:
    """HW linear power with its speckle calmed; what is not valid neither counts nor changes."""
    known = np.where(valid, power, 0.0)
    count = _window_sum(valid.astype(np.float64), options.window_px)
    count = np.maximum(count, 1.0)
    mean = _window_sum(known, options.window_px) / count
    variance = np.maximum(_window_sum(known * known, options.window_px) / count - mean * mean, 0.0)
    rule = _lee if options.filter == "lee" else _gamma_map
    return np.where(valid, rule(known, mean, variance, options.looks), power)


def _window_sum(values: Power, side: int) -> Power:
    found = cv2.boxFilter(values, cv2.CV_64F, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(found, np.float64)


def _lee(power: Power, mean: Power, variance: Power, looks: float) -> Power:
    noise = mean * mean / looks
    signal = np.maximum((variance + mean * mean) / (1 + 1 / looks) - mean * mean, 0.0)
    total = signal + noise
    return mean + np.divide(signal, total, out=np.zeros_like(total), where=total > 0) * (power - mean)


def _gamma_map(power: Power, mean: Power, variance: Power, looks: float) -> Power:
    above = np.divide(variance, mean * mean, out=np.zeros_like(mean), where=mean > 0) - 1 / looks  # c^2 - 1 / L
    between = (above > 0) & (above < 1 / looks)
    shape = np.divide(1 + 1 / looks, above, out=np.ones_like(mean), where=between)
    half = (shape - looks - 1) * mean
    root = (half + np.sqrt(np.maximum(half * half + 4 * shape * looks * power * mean, 0.0))) / (2 * shape)
    return np.where(between, root, np.where(above > 0, power, mean))
