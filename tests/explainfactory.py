"""A scene on disk for the tiny model of `terrascopefactory`: water and land in its two colours, optical and SAR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
import terrascopefactory as factory  # skips where torch is absent
from geofactory import mosaic, north_up, write_tiff
from numpy.typing import NDArray

from terrascope_bench.terrascope import store

BANDS = ("red", "green", "blue")
PLACE = (400000, 5400000)
WATER, LAND = (30, 60, 200), (40, 160, 50)


def water(side: int, seed: int = 5) -> NDArray[np.bool_]:
    return mosaic(seed, side, side, cells=4) == 80


def optical(path: Path, mask: NDArray[np.bool_], metres: float = 10, date: str | None = None, **more: object) -> Path:
    """An 8-bit picture in the colours that the tiny model learnt."""
    colours = np.where(mask, np.array(WATER)[:, None, None], np.array(LAND)[:, None, None]).astype(np.uint8)
    return write_tiff(path, colours, north_up(*PLACE, metres), bands=BANDS, date=date, **more)  # type: ignore[arg-type]


def sar(path: Path, mask: NDArray[np.bool_], date: str | None = None) -> Path:
    """Backscatter in dB, and says so."""
    speckle = np.random.default_rng(0).normal(0, 1, (2, *mask.shape))
    pixels = (np.where(mask, -19.0, -9.0) + speckle).astype(np.float32)
    write_tiff(path, pixels, north_up(*PLACE, 10), bands=("VV", "VH"), date=date)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(UNIT="dB")
    return path


def save_model(folder: Path, *, measured: bool = False) -> Path:
    """The model that has learnt its lessons by heart, as a folder."""
    from dataclasses import replace

    model, words = factory.taught()
    model.config = replace(model.config, measured=measured)
    store.save(model, words, folder)
    return folder
