"""A known sub-pixel shift is found with its sign; what does not match is refused, and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from geofactory import UTM33, moved, noise, north_up, reflectance
from numpy.typing import NDArray

from terra_cot.coregister import estimate_shift
from terra_cot.coregister.series import find_shifts
from terra_cot.coregister.surface import similarity
from terra_cot.frame import Frame, Shift
from terra_cot.geo.grid import Grid
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


def test_reflectance_from_0_to_1_is_as_good_as_whole_numbers() -> None:
    land = noise(1, 128, 128)
    pair = [frame((reflectance(image) / 10000).astype(np.float32)) for image in (land, moved(land, 1.4, -2.3))]
    assert off(estimate_shift(*pair), (1.4, -2.3)) < 0.1


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
        assert found.reason == "featureless"


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
    narrow, scattered = np.zeros((128, 128), np.bool_), np.zeros((128, 128), np.bool_)
    narrow[:, :99] = True
    scattered[::6, ::6] = True
    for valid in (narrow, narrow.T, scattered, np.zeros((128, 128), np.bool_)):
        found = estimate_shift(frame(image), frame(image, valid=valid))
        assert (found.found_px, found.score, found.status) == (None, None, "refused")
        assert found.reason == "too_little_in_common"
    wide = np.zeros((128, 128), np.bool_)
    wide[:, :100] = True
    assert estimate_shift(frame(image), frame(image, valid=wide)).status == "removed"


def test_bands_that_are_not_shared_are_not_compared() -> None:
    image = reflectance(noise(1, 128, 128))
    found = estimate_shift(frame(image), frame(image, bands=("B04",)))
    assert (found.found_px, found.status, found.reason) == (None, "refused", "no_common_band")


def sar_of(land: NDArray[np.float64], seed: int) -> Frame:
    """The same borders seen otherwise: fields in another order of brightness, and speckle."""
    speckle = np.random.default_rng(seed).gamma(4.6, 1 / 4.6, land.shape)
    power = -14 + 5 * np.abs(land) + 10 * np.log10(speckle)
    return frame(power.astype(np.float32), "sar", ("VV",))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (1.3, -1.2), (-4.6, 3.8)])
@pytest.mark.parametrize("side", [120, 256])
def test_sar_is_found_under_optical(shift: tuple[float, float], side: int) -> None:
    land = noise(7, side, side, cutoff=0.06)
    found = estimate_shift(frame(reflectance(land)), sar_of(moved(land, *shift), 1))
    assert found.status == "removed"
    assert off(found, shift) < 0.5


@pytest.mark.parametrize("seed", range(6))
def test_sar_of_another_place_is_refused(seed: int) -> None:
    optical, other = noise(seed, 160, 160, cutoff=0.06), noise(100 + seed, 160, 160, cutoff=0.06)
    found = estimate_shift(frame(reflectance(optical)), sar_of(other, seed))
    assert found.status == "refused"
    assert found.reason in ("weak_match", "estimates_disagree", "search_border")


def test_a_shift_beyond_the_search_radius_is_refused() -> None:
    land = noise(1, 256, 256)
    found = estimate_shift(frame(reflectance(land)), frame(reflectance(moved(land, 7.6, 0))), 8.0)
    assert (found.status, found.reason) == ("refused", "search_border")
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


@pytest.mark.parametrize(
    ("found", "removed"),
    [
        ((1.4, -2.3), (1.4, -2.3)),
        ((1.98, -3.04), (2.0, -3.0)),
        ((1.98, -3.2), (1.98, -3.2)),
        ((0.04, -0.03), (0.0, 0.0)),
    ],
)
def test_what_is_nearly_whole_is_moved_by_whole_pixels(
    found: tuple[float, float], removed: tuple[float, float]
) -> None:
    """Whole pixels are a slice of the file: nothing is resampled."""
    assert Shift(found, 1.0, "removed").removed_px == removed
    assert Shift(found, 1.0, "refused").removed_px == (0.0, 0.0)


def test_similarity_knows_only_what_the_weights_show() -> None:
    """Of two overlapping pictures, one hidden in either image, the visible one decides."""
    seen, hidden = noise(1, 128, 128), noise(2, 128, 128)
    weight = np.zeros((128, 128), np.float32)
    weight[:, :80] = 1
    left = np.arange(128)[None] < 80
    first = np.where(left, seen, 4 * hidden).astype(np.float32)[None]
    second = np.where(left, moved(seen, 2, -3), 4 * moved(hidden, -4, 4)).astype(np.float32)[None]
    peak = similarity(first, second, weight, weight, 8).peak()
    assert peak is not None
    assert (peak.dy, peak.dx) == pytest.approx((2, -3), abs=0.1)
    assert not peak.on_border


def test_one_image_is_wholly_alike() -> None:
    image = noise(3, 128, 128).astype(np.float32)[None]
    peak = similarity(image, image, *[np.ones((128, 128), np.float32)] * 2, 8).peak()
    assert peak is not None
    assert peak.score == pytest.approx(1, abs=1e-4)


def series(*parts: tuple[str, Modality, NDArray[np.float64]]) -> list[Frame]:
    made = [
        frame(reflectance(land)) if kind == "optical" else sar_of(land, n) for n, (_, kind, land) in enumerate(parts)
    ]
    return [replace(made, frame=name) for made, (name, _, _) in zip(made, parts, strict=True)]


LAND = noise(7, 200, 200, cutoff=0.06)
SERIES = (
    ("t0", "optical", moved(LAND, 1.5, 0)),
    ("t0", "sar", moved(LAND, 0.5, 2.5)),
    ("t1", "optical", LAND),
    ("t1", "sar", moved(LAND, -1.5, 1.0)),
)


def test_every_frame_comes_to_the_optical_image_of_the_reference_date() -> None:
    found = find_shifts(series(*SERIES), "t1", 8.0, cross_modal=True)
    assert found["t1", "optical"].status == "reference"
    for key, true in ((("t0", "optical"), (1.5, 0)), (("t1", "sar"), (-1.5, 1.0)), (("t0", "sar"), (0.5, 2.5))):
        assert found[key].status == "removed"
        assert off(found[key], true) < 0.5
    within, across = find_shifts(series(*SERIES), "t1", 8.0, cross_modal=False), found["t1", "sar"]
    assert within["t1", "sar"].status == "reference"
    assert off(within["t0", "sar"], (2.0, 1.5)) < 0.25
    both = np.add(across.found_px or 0, within["t0", "sar"].found_px or 0)
    assert found["t0", "sar"].found_px == pytest.approx(tuple(both), abs=1e-3)


def test_sar_dates_still_agree_where_no_bridge_to_optical_is_trusted() -> None:
    strange = noise(99, 200, 200, cutoff=0.06)
    found = find_shifts(
        series(("t0", "optical", LAND), ("t0", "sar", strange), ("t1", "sar", moved(strange, 1.2, -2.2))),
        "t0",
        8.0,
        True,
    )
    assert found["t0", "sar"].status == "refused"
    assert found["t0", "sar"].reason is not None
    assert found["t1", "sar"].status == "removed"
    assert off(found["t1", "sar"], (1.2, -2.2)) < 0.25


def test_frames_that_nothing_is_compared_with_are_alone() -> None:
    assert find_shifts(series(("t0", "optical", LAND)), None, 8.0, True) == {}
    assert find_shifts(series(("t0", "optical", LAND), ("t0", "sar", LAND)), None, 8.0, False) == {}
    only = find_shifts(series(("t0", "sar", LAND), ("t1", "sar", LAND)), None, 8.0, True)
    assert only["t0", "sar"].status == "reference"
