"""Cloud-optimised GeoTIFFs (docs.ogc.org/is/21-026): tiled, with overviews where they help; same pixels, same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from terra_cot.geo.grid import Grid
from terra_cot.pixels import encode

_BLOCK_PX = 256


def write_cog(
    path: Path, pixels: NDArray[Any], grid: Grid, bands: tuple[str, ...], colors: encode.Colors | None = None
) -> None:
    """Write CHW pixels on a grid with a CRS; `bands` are the descriptions, `colors` those of the codes of one band."""
    convert(encode.geotiff(pixels, bands, grid, None, {}, colors=colors), path)


def convert(geotiff: bytes, path: Path) -> None:
    """Write a GeoTIFF again as a COG, with its bands, tags, colours and no-data value. Overviews take nearest pixels:
    codes and masks must not be averaged."""
    from rasterio.io import MemoryFile
    from rasterio.shutil import copy

    with MemoryFile(geotiff) as memory, memory.open() as source:
        copy(
            source,
            path,
            driver="COG",
            COMPRESS="DEFLATE",
            PREDICTOR="YES",
            BLOCKSIZE=_BLOCK_PX,
            OVERVIEW_RESAMPLING="NEAREST",
            NUM_THREADS=1,
        )
