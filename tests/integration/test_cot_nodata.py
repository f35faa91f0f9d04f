"""No-data of every dtype through the command line: declared by the file or stated by the recipe, in any band."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from account import made
from affine import Affine
from geofactory import north_up, write_tiff
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

PLACE = north_up(400000, 5400000, 10)
BANDS = ("B02", "B03", "B04", "B08", "B11")
VALUES = {
    "uint8": (0, 255),
    "int8": (-128,),
    "int16": (-9999, -32768),
    "uint16": (0, 65535),
    "int32": (-9999, -(2**31)),
    "uint32": (0, 2**32 - 1),
    "float32": (-9999, float("nan"), -3.4028234663852886e38),
    "float64": (-9999, float("nan")),
}
CASES = [(dtype, value) for dtype, values in VALUES.items() for value in values]


def recipe(root: Path, **frames: Any) -> dict[str, Any]:
    entry = {"modality": "optical", "files": ["{scene}_{date}.tif"], **frames}
    source = {"kind": "rasters", "root": str(root), "frames": [entry]}
    return {"name": "nodata", "source": source, "tile": {"size_px": 96}, "near_duplicate_bits": None}


def pixels_of(dtype: str, nodata: float) -> tuple[Any, Any]:
    """CHW values of a dtype, and HW where one band or another has none."""
    pixels = np.random.default_rng(0).integers(1, 120, (5, 96, 96)).astype(dtype)
    missing = np.zeros((96, 96), bool)
    for band, part in ((1, np.s_[:20, :30]), (4, np.s_[50:60, 70:])):
        pixels[band][part] = nodata
        missing[part] = True
    return pixels, missing


def check(dataset: Any, expected: dict[str, tuple[Any, Any]]) -> None:
    assert {tile.source_id for tile in dataset.tiles} == set(expected)
    for tile in dataset.tiles:
        pixels, missing = expected[tile.source_id]
        (frame,) = tile.frames
        assert frame.nodata_fraction == pytest.approx(missing.mean(), abs=1e-6)
        with MemoryFile(frame.raster) as memory, memory.open() as found:
            stored, known = found.read(), (found.read_masks() > 0).all(axis=0)
        assert stored.dtype == pixels.dtype
        np.testing.assert_array_equal(known, ~missing)
        np.testing.assert_array_equal(stored[:, known], pixels[:, known])


def test_declared_by_the_file(tmp_path: Path) -> None:
    expected = {}
    for number, (dtype, nodata) in enumerate(CASES):
        name = f"place{number:02d}"
        expected[name] = pixels_of(dtype, nodata)
        path = tmp_path / "in" / f"{name}_2023-05-01.tif"
        write_tiff(path, expected[name][0], PLACE, bands=BANDS, nodata=nodata)
    check(made(recipe(tmp_path / "in"), tmp_path / "out"), expected)


@pytest.mark.parametrize(("dtype", "nodata"), [(dtype, values[0]) for dtype, values in VALUES.items()])
def test_stated_by_the_recipe(dtype: str, nodata: float, tmp_path: Path) -> None:
    expected = {"place": pixels_of(dtype, nodata)}
    write_tiff(tmp_path / "in" / "place_2023-05-01.tif", expected["place"][0], PLACE, bands=BANDS)
    check(made(recipe(tmp_path / "in", nodata=nodata), tmp_path / "out"), expected)


def test_a_photograph_that_ends_inside_a_tile(tmp_path: Path) -> None:
    """Turned on the ground, with every value of a byte in use: nothing is left to mean no-data, so a mask does."""
    pixels = (np.arange(5 * 24 * 24) * 7919 % 256).reshape(5, 24, 24).astype(np.uint8).repeat(4, 1).repeat(4, 2)
    path = tmp_path / "in" / "place_2023-05-01.tif"
    turned = Affine.translation(400000, 5400000) @ Affine.rotation(20) @ Affine.scale(10, -10)
    write_tiff(path, pixels, turned, bands=BANDS)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.undefined] * 5  # GDAL calls the fourth of the bytes alpha, unasked
    found = made({**recipe(tmp_path / "in"), "tile": {"size_px": 256}}, tmp_path / "out")
    (tile,) = found.tiles
    assert found.drops == [drop for drop in found.drops if drop["reason"] == "no_label"]
    (frame,) = tile.frames
    assert frame.raster is not None
    with MemoryFile(frame.raster) as memory, memory.open() as dataset:
        known = dataset.dataset_mask() > 0
        assert dataset.nodata is None
    covered = 96 * 96 / (tile.height * tile.width)
    assert known.mean() == pytest.approx(covered, abs=0.02)
    assert frame.nodata_fraction == pytest.approx(1 - known.mean(), abs=1e-6)
