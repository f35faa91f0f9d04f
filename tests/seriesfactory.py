"""Tiles of several dates from index maps: labels, cloud, and rasters whose NDVI is what the test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from terra_cot.frame import REFLECTANCE_SCALE
from terra_cot.geo.grid import Grid
from terra_cot.legend import legend
from terra_cot.pixels import encode
from terra_cot.pixels.spectral import REFLECTANCE
from terra_cot.tile import DatedLabel, FrameRecord, Modality, TileRecord

GSD_M = 10.0
STILL = (0.0, 0.0)


def codes_of(names: NDArray[np.str_], name: str) -> NDArray[np.uint16]:
    """HW codes of a map of class names ("" is void)."""
    source = legend(name)
    found = np.zeros(names.shape, np.uint16)
    for entry in np.unique(names):
        if entry:
            found[names == entry] = source.find(str(entry)).codes[0]
    return found


def raster(ndvi: NDArray[np.float64]) -> bytes:
    """GeoTIFF of B04 and B08 whose NDVI is that of an HW map, to the last ten-thousandth of reflectance."""
    red = np.round(2500 * (1 - ndvi)).astype(np.uint16)
    nir = np.round(2500 * (1 + ndvi)).astype(np.uint16)
    height, width = ndvi.shape
    grid = Grid("EPSG:32633", Affine(GSD_M, 0, 0, 0, -GSD_M, 0), height, width, GSD_M)
    meaning = encode.Meaning(REFLECTANCE, REFLECTANCE_SCALE)
    return encode.geotiff(np.stack([red, nir]), ("B04", "B08"), grid, None, {}, meaning)


def series_tile(
    maps: Sequence[NDArray[np.str_]],
    name: str = "worldcover",
    *,
    ndvi: Sequence[float] | None = None,
    cloud: Mapping[int, float] | None = None,
    sar: Sequence[int] = (),
    optical: Sequence[int] | None = None,
    main: int = 0,
    tile_id: str = "tile",
) -> TileRecord:
    """A tile of one date a map; dates in `sar` have a radar image too, and `optical` (all) an optical one."""
    frames = []
    for number in range(len(maps)):
        date, shape = f"20{number // 12:02d}-{number % 12 + 1:02d}-01T00:00:00Z", maps[number].shape

        def frame(modality: Modality, bands: tuple[str, ...], number: int = number, date: str = date,
                  shape: tuple[int, ...] = shape) -> FrameRecord:  # fmt: skip
            given = ndvi is not None and modality == "optical"
            pixels = raster(np.full(shape, ndvi[number])) if given and ndvi is not None else None
            share = (cloud or {}).get(number) if modality == "optical" else None
            return FrameRecord(f"t{number}", modality, date, b"", pixels, bands, share, 0.0, STILL, None, None, "alone")

        if optical is None or number in optical:
            frames.append(frame("optical", ("B04", "B08")))
        if number in sar:
            frames.append(frame("sar", ("VV", "VH")))
    labels = [encode.label_png(codes_of(names, name)) for names in maps]
    height, width = maps[0].shape
    return TileRecord(
        tile_id, tuple(frames), labels[main], f"t{main}", name, "EPSG:32633",
        (GSD_M, 0.0, 0.0, 0.0, -GSD_M, 0.0), width, height, GSD_M, "test", tile_id, "CC0-1.0", "train", 15.0, 48.0,
        label_series=tuple(DatedLabel(f"t{n}", label) for n, label in enumerate(labels) if n != main),
    )  # fmt: skip


def plain(name: str, side: int = 40) -> NDArray[np.str_]:
    return np.full((side, side), name, dtype="<U60")


def with_block(base: NDArray[np.str_], name: str, rows: slice, columns: slice) -> NDArray[np.str_]:
    changed = base.copy()
    changed[rows, columns] = name
    return changed
