"""A raster's header is read without GDAL's warnings, and what GDAL refuses is a DataError with the file's name."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from terra_cot.errors import DataError


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open rasterio dataset, for its header."""
    with warnings.catch_warnings():
        # Sources decide whether imagery without a place is allowed; GDAL need not warn again.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(path) as dataset:
                yield dataset
        except RasterioError as error:
            raise DataError(f"unreadable ({error})", file=path) from None
