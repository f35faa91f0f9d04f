"""What is shown of an explanation: the masks at the size of the overview, each in the colour of its class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.legend import LEGENDS
from terra_cot.palette import class_color
from terrascope_bench.explain.views import View

Color = tuple[int, int, int]
_WHITE = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """A mask of a step, or of a change: `share` HW float32 of each pixel of the overview that lies in it.

    `stem` names its files, `title` is for people, `area` is its size in words.
    """

    stem: str
    title: str
    date: str
    color: Color
    share: NDArray[np.float32]
    area: str


def color_of(label: str | None, otherwise: str) -> Color:
    """The colour of a class in the first legend that knows it; one that belongs to `otherwise` where none does."""
    for legend in LEGENDS.values() if label else ():
        try:
            return legend.find(str(label)).color
        except DataError:
            continue
    return class_color(None, label or otherwise)


def reduced(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A mask (bool HW) at the size of an overview: the share of each of its pixels, 0 to 1."""
    filled = mask.view(np.uint8) * np.uint8(255)
    if mask.shape != shape:
        filled = np.asarray(cv2.resize(filled, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return filled.astype(np.float32) / 255.0


def area_text(area_m2: float) -> str:
    """An area for people: m² up to a hectare, ha up to a hundred, then km²."""
    if area_m2 < 10_000:
        return f"{area_m2:,.0f} m²"
    if area_m2 < 1_000_000:
        return f"{area_m2 / 10_000:,.1f} ha"
    return f"{area_m2 / 1_000_000:,.2f} km²"


def base_of(views: Sequence[View], date: str) -> View:
    """The image that masks of a date are drawn on: the optical one, unless much of it is white (cloud, mostly)."""
    of_date = [view for view in views if view.frame == date]
    clear = [view for view in of_date if view.modality == "sar" or (view.pixels.min(axis=-1) >= 250).mean() < _WHITE]
    return min(clear or of_date, key=lambda view: view.modality)
