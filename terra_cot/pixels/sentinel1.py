"""Sentinel-1 GRD holds amplitudes as digital numbers; its calibration file makes sigma0 of them: DN^2 / A^2.

A is given at points of the image (`sigmaNought` of calibration-*.xml, Sentinel-1 product specification; Radiometric
calibration of S-1 Level-1 products, ESA-EOPG-CSCOP-TN-0002), linear between them. It is brought to a grid by the same
points on the ground as the image. Thermal noise is not taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling

from terra_cot.errors import DataError
from terra_cot.geo.gcps import read_tied, tie_of
from terra_cot.geo.grid import Grid
from terra_cot.pixels.sentinel2 import root_of

_MOST_ROWS, _MOST_COLUMNS = 128, 512  # a GRD has some 30 x 650 points


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """`values` N x M: A at `lines` N and `pixels` M of the image, both rising."""

    lines: NDArray[np.float64]
    pixels: NDArray[np.float64]
    values: NDArray[np.float64]

    def table(self, height: int, width: int) -> NDArray[np.float32]:
        """1 x R x C float32: A at equal steps from the first to the last row and column of an image."""
        rows = np.linspace(0, height - 1, min(height, _MOST_ROWS))
        columns = np.linspace(0, width - 1, min(width, _MOST_COLUMNS))
        across = np.stack([np.interp(columns, self.pixels, line) for line in self.values])
        down = [np.interp(rows, self.lines, column) for column in across.T]
        return np.stack(down, axis=-1)[None].astype(np.float32)


def read_calibration(path: Path) -> Calibration:
    """The sigma0 table of a calibration file.

    Raises:
        DataError: no such file, another file, a product that is not detected (SLC), or a table with holes.
    """
    root = root_of(path)
    vectors = list(root.iterfind("calibrationVectorList/calibrationVector"))
    kind = root.findtext("adsHeader/productType")
    if root.tag != "calibration" or kind != "GRD" or not vectors:
        raise DataError(
            "no calibration of a GRD product",
            file=path,
            got=f"{root.tag}, product type {kind}, {len(vectors)} vectors",
            expected="annotation/calibration/calibration-*.xml",
            reason="bad_metadata",
        )
    try:
        read = [
            tuple(_numbers(vector.findtext(name)) for name in ("line", "pixel", "sigmaNought")) for vector in vectors
        ]
        lines = np.array([line.item() for line, _, _ in read])
        pixels = read[0][1]
        values = np.stack([np.interp(pixels, at, found) for _, at, found in read])
    except ValueError as error:
        raise DataError(f"a table with holes ({error})", file=path, reason="bad_metadata") from None
    rising = (np.diff(lines) > 0).all() and all((np.diff(at) > 0).all() for _, at, _ in read)
    if not rising or not np.isfinite(values).all() or not (values > 0).all():
        raise DataError("no table of rising points and positive values", file=path, reason="bad_metadata")
    return Calibration(lines, pixels, values)


def sigma0_amplitude(
    pixels: NDArray[np.generic], dataset: Any, calibration: Calibration, grid: Grid
) -> NDArray[np.float32]:
    """CHW root of sigma0 of digital numbers that were read on `grid` from an open dataset."""
    tie = tie_of(dataset)
    if tie is None:
        raise DataError(
            "calibration is for images as the radar sees them, tied to the ground by points",
            file=dataset.name,
            fix="leave `metadata` of these frames out, and state their unit",
            reason="bad_metadata",
        )
    table = calibration.table(tie.height, tie.width)
    _, height, width = table.shape
    coarse = tie.scaled((tie.height - 1) / (height - 1), (tie.width - 1) / (width - 1), height, width)
    values, _ = read_tied(table, coarse, grid, Resampling.bilinear)
    return np.asarray(np.divide(pixels, values, dtype=np.float32), np.float32)


def _numbers(text: str | None) -> NDArray[np.float64]:
    return np.array((text or "").split(), np.float64)
