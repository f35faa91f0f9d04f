"""A picture depends on the pixel's value and the recipe alone, and what is not known is black."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from geofactory import UTM33, north_up

from terra_cot.errors import DataError
from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid
from terra_cot.pixels.display import Stretch, display

STRETCH = Stretch()


def frame(pixels: Any, bands: tuple[str, ...], modality: Any = "optical", valid: Any = None) -> Frame:
    array = np.asarray(pixels)
    shape = array.shape[1:]
    grid = Grid(UTM33, north_up(400000, 5400000, 10), *shape, 10.0)
    known = np.ones(shape, bool) if valid is None else valid
    return Frame("t0", modality, "2023-05-01T00:00:00Z", bands, array, known, None, grid)


def test_bands_are_taken_by_name_not_by_place() -> None:
    red, green, blue = (np.full((4, 6), value, np.uint16) for value in (3000, 1500, 0))
    pictures = [
        display(frame([blue, green, red], ("B02", "B03", "B04")), STRETCH),
        display(frame([red, green, blue], ("B04", "B03", "B02")), STRETCH),
        display(frame([green, red, blue, red], ("green", "B08", "blue", "red")), STRETCH),
    ]
    for picture in pictures:
        assert picture.shape == (4, 6, 3)
        assert picture[0, 0].tolist() == [255, round(255 * 0.5 ** (1 / 1.4)), 0]


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32, np.float64, np.int32])
def test_the_type_of_a_pixel_does_not_matter(dtype: type) -> None:
    values = np.linspace(0, 4000, 60).astype(np.uint16).reshape(1, 6, 10).repeat(3, 0)
    expected = display(frame(values, ("B04", "B03", "B02")), STRETCH)
    np.testing.assert_array_equal(display(frame(values.astype(dtype), ("B04", "B03", "B02")), STRETCH), expected)


def test_one_tile_is_comparable_with_another() -> None:
    """No stretch by the tile's own range: a pixel looks the same beside dark and bright neighbours."""
    dark, bright = (np.full((3, 4, 4), value, np.uint16) for value in (200, 2900))
    dark[:, 2, 2] = bright[:, 2, 2] = 1000
    pictures = [display(frame(pixels, ("B04", "B03", "B02")), STRETCH) for pixels in (dark, bright)]
    assert pictures[0][2, 2].tolist() == pictures[1][2, 2].tolist()


def test_unknown_pixels_are_black_and_8_bit_images_stay() -> None:
    pixels = np.arange(72, dtype=np.uint8).reshape(3, 4, 6) + 1
    valid = np.ones((4, 6), bool)
    valid[1, 2] = False
    picture = display(frame(pixels, ("R", "G", "B"), valid=valid), STRETCH)
    assert picture[1, 2].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(picture[valid], pixels.transpose(1, 2, 0)[valid])
    assert pixels[0, 1, 2] != 0, "the frame itself is not painted"


def test_sar_is_shown_in_its_own_range_of_decibels() -> None:
    vv = np.array([[-40.0, -22, -10, 2, 30, np.nan]], np.float32)
    picture = display(frame([vv, vv - 6], ("VV", "VH"), "sar"), STRETCH)
    assert picture[0, :, 0].tolist() == [0, 0, 128, 255, 255, 0]
    assert picture[0, :, 1].tolist() == [0, 0, 128, 255, 255, 0]


def test_8_bit_sar_is_shown_as_it_is() -> None:
    """Display values of a publisher are no decibels: no range in dB is laid over them."""
    vv = np.array([[0, 10, 100, 255]], np.uint8)
    picture = display(frame([vv, vv[:, ::-1]], ("VV", "VH"), "sar"), STRETCH)
    np.testing.assert_array_equal(picture[..., 0], vv)
    np.testing.assert_array_equal(picture[..., 1], vv[:, ::-1])
    assert picture[0, :, 2].tolist() == [127, 55, 55, 127]


def test_a_single_band_is_grey() -> None:
    picture = display(frame(np.full((1, 2, 2), 3000, np.uint16), ("B08",)), STRETCH)
    assert (picture == 255).all()


@pytest.mark.parametrize(
    ("bands", "modality", "reason"),
    [(("B04", "B08"), "optical", "no_true_colour"), (("VV", "HH"), "sar", "no_polarisations")],
)
def test_bands_that_make_no_picture_are_told(bands: tuple[str, ...], modality: str, reason: str) -> None:
    with pytest.raises(DataError) as caught:
        display(frame(np.ones((2, 3, 3), np.float32), bands, modality), STRETCH)
    assert caught.value.reason == reason
