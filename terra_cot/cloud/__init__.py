"""Cloud and cloud shadow of a frame: taken from what its source gives, or found by a named rule; never assumed.

A rule that cannot run on a frame (a band is missing, the values are no reflectance) says why, and the mask stays
unknown. To add one: a module here with `find(frame, options)`, one line in `METHODS`, and its tests.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from terra_cot.frame import Frame

METHODS = {"s2cloudless": "terra_cot.cloud.s2cloudless", "spectral": "terra_cot.cloud.spectral"}
"""Rules that look at pixels. "given" and "none" need none: the one is read with the frame, the other leaves null."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reflectance(_Options):
    """reflectance = value * scale + offset. Sentinel-2: scale 0.0001, and offset -0.1 since processing baseline 04.00.

    `level` says whether it was measured at the top of the atmosphere (L1C) or brought down to the surface (L2A).
    """

    scale: float = Field(gt=0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    level: Literal["toa", "surface"]


class SpectralOptions(_Options):
    """Thresholds in reflectance, see `spectral.py`. `shadow_reach_m` 0 looks for no shadow."""

    core_blue: float = Field(0.22, gt=0, le=2)
    edge_blue: float = Field(0.20, gt=0, le=2)
    shadow_nir: float = Field(0.18, gt=0, le=2)
    shadow_reach_m: float = Field(600.0, ge=0, le=20_000)


class S2cloudlessOptions(_Options):
    """Probability above which a pixel is cloud, after a mean over a disk, then widened; sizes in pixels of the tile."""

    threshold: float = Field(0.4, gt=0, lt=1)
    average_px: int = Field(4, ge=0, le=50)
    dilate_px: int = Field(2, ge=0, le=50)


class CloudOptions(_Options):
    """Where the cloud masks of optical frames come from.

    given: the mask file of the source, else unknown. none: unknown for all. s2cloudless, spectral: found from the
    pixels, whose `reflectance` the recipe must state: it is never guessed.
    """

    method: Literal["given", "s2cloudless", "spectral", "none"] = "given"
    reflectance: Reflectance | None = None
    spectral: SpectralOptions = SpectralOptions()
    s2cloudless: S2cloudlessOptions = S2cloudlessOptions()

    @model_validator(mode="after")
    def _check(self) -> CloudOptions:
        if self.method in METHODS and self.reflectance is None:
            raise ValueError(
                f"method {self.method} needs reflectance: {{scale, offset, level}}, such as scale 0.0001, level toa"
            )
        if self.method == "s2cloudless" and self.reflectance and self.reflectance.level != "toa":
            raise ValueError("s2cloudless was trained on top-of-atmosphere reflectance (L1C): level must be toa")
        if self.spectral.edge_blue > self.spectral.core_blue:
            raise ValueError("spectral.edge_blue is above core_blue: edges are the fainter part of a cloud")
        return self


def require(options: CloudOptions) -> None:
    """Raise ConfigError where the chosen method needs an extra that is not installed: before any work is done."""
    if options.method == "s2cloudless":
        from terra_cot.cloud.s2cloudless import detector

        detector(options.s2cloudless)


def find_cloud(frame: Frame, options: CloudOptions) -> NDArray[np.bool_]:
    """Bool HW of an optical frame by a rule of `METHODS`: cloud (or its shadow) among the valid pixels.

    Raises:
        DataError: the rule cannot run on this frame; `reason` is the word that it is counted under.
        ConfigError: the extra that the rule needs is not installed.
    """
    find = import_module(METHODS[options.method]).find
    cloud: NDArray[np.bool_] = find(frame, options)
    return cloud & frame.valid
