"""A mask as a COG on the scene's grid: 1 inside, 0 outside, 255 where no image of its date shows anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from terra_cot.export.cog import convert
from terra_cot.geo.grid import Grid

INSIDE, OUTSIDE, UNSEEN = 1, 0, 255
_PALE = (240, 240, 240, 255)  # a TIFF's colour table has no transparency but that of its no-data value


def write_mask(
    path: Path,
    mask: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    grid: Grid,
    label: str,
    color: tuple[int, int, int],
) -> None:
    """Write a mask (bool HW) with a colour table: `color` inside, pale outside."""
    from rasterio.enums import ColorInterp
    from rasterio.io import MemoryFile

    codes = np.where(valid, mask.astype(np.uint8), np.uint8(UNSEEN))
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": grid.height,
        "width": grid.width,
        "dtype": "uint8",
        "crs": grid.crs,
        "transform": grid.transform,
        "nodata": UNSEEN,
        "compress": "deflate",
        "tiled": True,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(codes, 1)
            dataset.set_band_description(1, label)
            dataset.write_colormap(1, {OUTSIDE: _PALE, INSIDE: (*color, 255)})
            dataset.colorinterp = [ColorInterp.palette]
        convert(bytes(memory.read()), path)
