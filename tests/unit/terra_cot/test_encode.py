"""Bytes hold exactly the pixels that went in, for readers that are not ours, and are the same every time."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from affine import Affine
from geofactory import UTM33, north_up
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile

from terra_cot.geo.grid import Grid
from terra_cot.pixels import encode
from terra_cot.tile import decode_label

SHAPES = [(1, 1), (1, 7), (7, 1), (5, 8), (64, 33)]


def pixels(shape: tuple[int, ...], dtype: type) -> NDArray[np.generic]:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("shape", [*SHAPES, *((*shape, 3) for shape in SHAPES)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pillow_reads_the_same_pixels(shape: tuple[int, ...], dtype: type) -> None:
    if len(shape) == 3 and dtype is np.uint16:
        with pytest.raises(ValueError, match="PNG takes"):
            encode.png(pixels(shape, dtype))
        return
    image = pixels(shape, dtype)
    data = encode.png(image)
    with Image.open(BytesIO(data)) as opened:
        opened.verify()  # chunk checksums
    with Image.open(BytesIO(data)) as opened:
        np.testing.assert_array_equal(np.asarray(opened), image)
    assert encode.png(image) == data


def test_views_and_memory_orders_do_not_matter() -> None:
    image = pixels((9, 14), np.uint16)
    assert encode.png(image[::2, ::-1]) == encode.png(np.ascontiguousarray(image[::2, ::-1]))
    assert encode.png(np.asfortranarray(image)) == encode.png(image)


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4)), np.zeros((4,), np.uint8)])
def test_other_arrays_are_refused(bad: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match="PNG takes"):
        encode.png(bad)


@pytest.mark.parametrize("highest", [255, 256, 999, 65535])
def test_label_codes_survive_whatever_their_size(highest: int) -> None:
    label = np.arange(48, dtype=np.uint16).reshape(6, 8)
    label[3, 5] = highest
    np.testing.assert_array_equal(decode_label(encode.label_png(label)), label)


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [(np.uint8, 0), (np.uint16, 0), (np.int16, -32768), (np.float32, float("nan")), (np.float64, None)],
)
def test_a_geotiff_keeps_pixels_place_bands_and_tags(dtype: type, nodata: float | None) -> None:
    grid = Grid(UTM33, north_up(400000, 5400000, 10), 5, 8, 10.0)
    image = (np.arange(80).reshape(2, 5, 8) * 3).astype(dtype)
    if np.issubdtype(dtype, np.floating):
        image[1, 2, 3] = np.nan
    data = encode.geotiff(image, ("B02", "B03"), grid, nodata, {"DATETIME": "2023-05-01T00:00:00Z"})
    with MemoryFile(data) as memory, memory.open() as dataset:
        np.testing.assert_array_equal(dataset.read(), image)
        assert dataset.transform == grid.transform
        assert dataset.crs.to_epsg() == 32633
        assert dataset.descriptions == ("B02", "B03")
        assert dataset.tags()["DATETIME"] == "2023-05-01T00:00:00Z"
        assert str(dataset.nodata) == str(None if nodata is None else float(nodata))
    assert encode.geotiff(image, ("B02", "B03"), grid, nodata, {"DATETIME": "2023-05-01T00:00:00Z"}) == data


def test_an_image_without_a_place_is_written_without_one() -> None:
    grid = Grid(None, Affine.scale(0.5, -0.5), 4, 6, 0.5)
    data = encode.geotiff(np.ones((1, 4, 6), np.uint16), ("R",), grid, None, {})
    with MemoryFile(data) as memory, memory.open() as dataset:
        assert dataset.crs is None
        assert dataset.transform == grid.transform
