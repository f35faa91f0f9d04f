"""A known sub-pixel shift is found with its sign; what does not match is refused, and says so."""

from __future__ import annotations

import numpy as np
import pytest
from geofactory import UTM33, moved, noise, north_up, reflectance
from numpy.typing import NDArray

from terra_cot.coregister import estimate_shift
from terra_cot.frame import Frame, Shift
from terra_cot.grid import Grid
from terra_cot.tile import Modality

SHIFTS = [(0.0, 0.0), (0.3, 0.0), (0.0, -0.6), (1.85, -0.66), (-2.5, 3.25), (5.4, 4.1), (-6.0, 0.5)]


def frame(
    pixels: NDArray[np.generic],
    modality: Modality = "optical",
    bands: tuple[str, ...] = ("B08",),
    cloud: NDArray[np.bool_] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> Frame:
    shape = pixels.shape
    grid = Grid(UTM33, north_up(400000, 5400000, 10), *shape, 10.0)
    everywhere = np.ones(shape, np.bool_) if valid is None else valid
    return Frame("t0", modality, "2023-05-01T00:00:00Z", bands, pixels[None], everywhere, cloud, grid)


def off(found: Shift, true: tuple[float, float]) -> float:
    assert found.found_px is not None
    return max(abs(found.found_px[0] - true[0]), abs(found.found_px[1] - true[1]))


@pytest.mark.parametrize("shift", SHIFTS)
@pytest.mark.parametrize("shape", [(256, 256), (120, 120), (160, 200)])
def test_a_known_shift_is_recovered(shift: tuple[float, float], shape: tuple[int, int]) -> None:
    """Rows first, positive where the content of the second lies further down and right."""
    first = noise(1, *shape)
    found = estimate_shift(frame(reflectance(first)), frame(reflectance(moved(first, *shift))))
    assert found.status == "removed"
    assert off(found, shift) < 0.1


@pytest.mark.parametrize("shift", SHIFTS[:4])
def test_noise_of_its_own_and_another_season_do_not_hide_it(shift: tuple[float, float]) -> None:
    land = noise(1, 256, 256)
    rng = np.random.default_rng(5)
    second = 0.7 * moved(land, *shift) + 0.3 * rng.normal(size=land.shape) + 1.0
    found = estimate_shift(frame(reflectance(land)), frame(reflectance(second)))
    assert found.status == "removed"
    assert off(found, shift) < 0.1


def test_sar_in_decibel_is_compared_as_it_is() -> None:
    land = noise(2, 256, 256)
    pair = [frame((-12 + 3 * image).astype(np.float32), "sar", ("VV",)) for image in (land, moved(land, -1.2, 0.8))]
    assert off(estimate_shift(*pair), (-1.2, 0.8)) < 0.1


@pytest.mark.parametrize("seed", range(8))
def test_unrelated_images_are_refused(seed: int) -> None:
    found = estimate_shift(*(frame(reflectance(noise(100 * seed + part, 256, 256))) for part in (0, 1)))
    assert found.status == "refused"
    assert found.removed_px == (0.0, 0.0)


def test_a_flat_image_matches_nothing() -> None:
    flat = frame(np.full((128, 128), 900, np.uint16))
    for pair in ((flat, flat), (flat, frame(reflectance(noise(1, 128, 128))))):
        found = estimate_shift(*pair)
        assert (found.found_px, found.score, found.status) == (None, None, "refused")


def test_an_image_lies_on_itself() -> None:
    image = frame(reflectance(noise(1, 200, 200)))
    found = estimate_shift(image, image)
    assert off(found, (0, 0)) < 1e-3
    assert found.status == "removed"


def clouded(image: NDArray[np.float64], seed: int) -> Frame:
    cloud = noise(seed, *image.shape, cutoff=0.02) > 0.8
    return frame(np.where(cloud, 7000, reflectance(image)).astype(np.uint16), cloud=cloud)


def test_clouds_that_are_masked_do_not_pull() -> None:
    land = noise(1, 256, 256)
    found = estimate_shift(clouded(land, 3), clouded(moved(land, 1.4, -2.3), 4))
    assert found.status == "removed"
    assert off(found, (1.4, -2.3)) < 0.15


def test_too_little_in_common_is_not_compared() -> None:
    image = reflectance(noise(1, 128, 128))
    valid = np.zeros((128, 128), np.bool_)
    valid[:30] = True
    for other in (frame(image, valid=valid), frame(image, bands=("B04",))):
        found = estimate_shift(frame(image), other)
        assert (found.found_px, found.score, found.status) == (None, None, "refused")


def test_a_shift_beyond_the_search_radius_is_refused() -> None:
    land = noise(1, 256, 256)
    found = estimate_shift(frame(reflectance(land)), frame(reflectance(moved(land, 7.6, 0))), 8.0)
    assert found.status == "refused"
    assert estimate_shift(frame(reflectance(land)), frame(reflectance(moved(land, 7.6, 0))), 16.0).status == "removed"


def test_no_data_is_no_feature() -> None:
    """A black corner that lies in one place in both images would vote for no shift at all."""
    land = noise(1, 256, 256)
    valid = np.add.outer(np.arange(256), np.arange(256)) > 180
    pair = [
        frame(np.where(valid, reflectance(image), 0).astype(np.uint16), valid=valid)
        for image in (land, moved(land, 2.2, 1.1))
    ]
    found = estimate_shift(*pair)
    assert found.status == "removed"
    assert off(found, (2.2, 1.1)) < 0.15
