"""A sample as a picture: which images, which mask on which, and text that stays within its width."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from exportfactory import every_sample
from PIL import Image
from viewfactory import HOSTILE, series_dataset

from terra_cot.errors import DataError
from terra_cot.mask import Mask
from terra_cot.palette import class_color
from terra_cot.picture import numbered, overlay, panels, sample_picture
from terra_cot.sample import Sample, ShownFrame
from terra_cot.tile import TileRecord


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[TileRecord, Sample]:
    return next(iter(every_sample(series_dataset(tmp_path_factory.mktemp("picture"))).values()))


def plain(tile: TileRecord, frame: str, modality: str) -> np.ndarray:
    record = next(entry for entry in tile.frames if (entry.frame, entry.modality) == (frame, modality))
    with Image.open(BytesIO(record.image)) as image:
        return np.asarray(image.convert("RGB"))


def test_images_first_then_each_mask_on_the_image_of_its_date(pair: tuple[TileRecord, Sample]) -> None:
    tile, sample = pair
    found = panels(sample, tile, tile.width)
    titles = [title for _, title in found]
    assert titles[0] == "t0 optical, 2023-05-01"
    assert titles[1] == "t0 SAR, 2023-05-02"
    assert titles[2].startswith("t1 optical, 2023-08-01, ")
    assert titles[3:] == ["[1] tree, t0", "[2] tree, t1", "[3] water, t0"]
    for (pixels, _), entry in zip(found, sample.frames, strict=False):
        np.testing.assert_array_equal(pixels, plain(tile, entry.frame, entry.modality))
    for (pixels, _), mask in zip(found[3:], sample.masks, strict=True):
        expected = overlay(plain(tile, mask.frame, "optical"), mask.to_array(), class_color(tile.legend, mask.label))
        np.testing.assert_array_equal(pixels, expected)


def test_under_cloud_masks_lie_on_the_radar_image(pair: tuple[TileRecord, Sample]) -> None:
    tile, sample = pair
    cloudy = tuple(
        replace(entry, cloud_fraction=0.9) if entry.modality == "optical" else entry for entry in tile.frames
    )
    tile = replace(tile, frames=cloudy)
    found = panels(sample, tile, tile.width)
    for number, (frame, modality) in ((3, ("t0", "sar")), (4, ("t1", "optical"))):  # t1 has no SAR image
        mask = sample.masks[number - 3]
        expected = overlay(plain(tile, frame, modality), mask.to_array(), class_color(tile.legend, mask.label))
        np.testing.assert_array_equal(found[number][0], expected)


def test_an_overlay_outlines_tints_and_dims() -> None:
    image = np.full((320, 320, 3), 100, np.uint8)
    mask = np.zeros((320, 320), bool)
    mask[100:200, 100:200] = True
    drawn = overlay(image, mask, (200, 0, 0))
    assert tuple(drawn[100, 150]) == tuple(drawn[101, 150]) == (200, 0, 0)
    assert tuple(drawn[150, 150]) == (135, 65, 65)
    assert tuple(drawn[0, 0]) == (60, 60, 60)
    assert tuple(drawn[99, 150]) == (24, 24, 24)
    assert (overlay(image, np.zeros_like(mask), (200, 0, 0)) == 60).all()
    whole = overlay(image, np.ones_like(mask), (200, 0, 0))
    assert tuple(whole[0, 160]) == (200, 0, 0)


def test_any_sample_makes_a_picture(pair: tuple[TileRecord, Sample]) -> None:
    tile, sample = pair
    widest = sample_picture(sample, tile).width
    empty = Mask.from_array("t0", "water", np.zeros((tile.height, tile.width), bool))
    strange = Mask.from_array("t0", HOSTILE * 3, np.ones((tile.height, tile.width), bool))
    many = (*sample.masks, empty, strange) * 4
    chain = " ".join(f"Step {number} [SEG]." for number in range(len(many))) + " [99] x" + "y" * 4000
    long = replace(sample, masks=many, chain=chain, question=HOSTILE * 9, options=(HOSTILE,) * 4)
    picture = sample_picture(long, tile)
    assert picture.width <= 4 * (320 + 16) + 16
    assert picture.width >= widest
    titles = [title for _, title in panels(long, tile)]
    assert titles[6] == "[4] water, t0 (empty mask)"
    one = replace(sample, frames=(ShownFrame("t0", "sar"),), masks=(), chain="Nothing here.", options=None)
    assert sample_picture(one, tile).width == 2 * (320 + 16) + 16
    assert sample_picture(sample, tile).tobytes() == sample_picture(sample, tile).tobytes()
    with pytest.raises(DataError, match="does not show"):
        sample_picture(replace(sample, frames=(ShownFrame("t1", "optical"),)), tile)


def test_a_chain_beside_its_panels_has_their_numbers() -> None:
    told = "The water of t0 Image: t0 [SEG]: 9 px. Image: t1 trees [SEG], none [SEG]."
    assert numbered(told) == "The water of t0 [1]: 9 px. Image: t1 trees [2], none [3]."
