"""Speckle of known looks falls, its mean stays, edges keep, and what is measured is not touched."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pydantic import ValidationError
from skimage.util import view_as_windows

from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid
from terra_cot.pixels.speckle import SpeckleOptions, despeckled, filtered

FILTERS = ("lee", "gamma-map")
SIDE = 128


def speckle(looks: float, seed: int = 0, side: int = SIDE) -> NDArray[np.float64]:
    """Multi-look speckle: gamma of mean 1 and variance 1 / looks."""
    return np.random.default_rng(seed).gamma(looks, 1 / looks, (side, side))


def known(side: int = SIDE) -> NDArray[np.bool_]:
    return np.ones((side, side), np.bool_)


def options(name: str, **given: float) -> SpeckleOptions:
    return SpeckleOptions.model_validate({"filter": name, **given})


def one(window: NDArray[np.float64], y: float, options: SpeckleOptions) -> float:
    """The formulas as published, for one pixel and the known values of its window."""
    looks = options.looks
    m, v = window.mean(), window.var()
    if options.filter == "lee":
        q = max((v + m * m) / (1 + 1 / looks) - m * m, 0.0)
        return float(m + q / (m * m / looks + q) * (y - m))
    c_image, c_speckle = np.sqrt(v) / m, 1 / np.sqrt(looks)
    if c_image <= c_speckle:
        return float(m)
    if c_image >= np.sqrt(2) * c_speckle:
        return y
    a = (1 + c_speckle**2) / (c_image**2 - c_speckle**2)
    roots = np.roots([a, -(a - looks - 1) * m, -looks * m * y])
    return float(roots[roots.real >= 0].real.max())


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("looks", [1.0, 4.4])
def test_every_pixel_is_what_the_formula_says(name: str, looks: float) -> None:
    side, window = 24, 5
    power = speckle(looks, 3, side) * np.where(np.arange(side) < side // 2, 0.02, 0.3)
    valid = np.random.default_rng(4).random((side, side)) > 0.1
    chosen = options(name, looks=looks, window_px=window)
    found = filtered(power, valid, chosen)
    padded = np.pad(np.where(valid, power, np.nan), window // 2, constant_values=np.nan)
    windows = view_as_windows(padded, (window, window))
    for row, column in np.ndindex(side, side):
        if valid[row, column]:
            values = windows[row, column]
            expected = one(values[np.isfinite(values)], power[row, column], chosen)
            assert found[row, column] == pytest.approx(expected, rel=1e-9), (row, column)
        else:
            assert found[row, column] == power[row, column]


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("looks", [1.0, 4.4, 16.0])
def test_on_bare_speckle_the_variance_falls_and_the_mean_stays(name: str, looks: float) -> None:
    power = 0.05 * speckle(looks)
    calm = filtered(power, known(), options(name, looks=looks))
    # Of 49 pixels a mean would leave 1 / 49 of the variance; what looks like structure by chance keeps some.
    assert calm.var() < 0.12 * power.var()
    # The most likely value, which gamma-map finds, lies below the mean where speckle is strongest.
    assert calm.mean() == pytest.approx(power.mean(), rel=0.05 if name == "gamma-map" and looks == 1 else 0.02)


@pytest.mark.parametrize("name", FILTERS)
def test_an_edge_keeps_its_contrast_and_a_point_its_power(name: str) -> None:
    land = np.where(np.arange(SIDE) < SIDE // 2, 0.01, 0.3)[None] * np.ones((SIDE, 1))
    land[64, 20] = 30.0
    power = land * speckle(4.4, 7)
    calm = filtered(power, known(), options(name))
    assert calm[64, 20] > 0.9 * power[64, 20]
    middle = SIDE // 2
    blurred = np.stack([power[:, middle - 4 : middle + 3].mean(), power[:, middle - 3 : middle + 4].mean()])
    step = calm[:, middle].mean() / calm[:, middle - 1].mean()
    assert step > 7 > 3 * blurred[1] / blurred[0], "of thirty to one a mean of the window would leave less than two"


@pytest.mark.parametrize("name", FILTERS)
def test_flat_and_empty_ground_stay(name: str) -> None:
    np.testing.assert_allclose(filtered(np.full((16, 16), 0.2), known(16), options(name)), 0.2, rtol=1e-12)
    np.testing.assert_array_equal(filtered(np.zeros((16, 16)), known(16), options(name)), 0.0)
    alone = np.zeros((16, 16), np.bool_)
    alone[3, 4] = True
    power = speckle(1, 1, 16)
    np.testing.assert_allclose(filtered(power, alone, options(name)), power, rtol=1e-12)


def frame(pixels: NDArray[np.generic], valid: NDArray[np.bool_], **given: object) -> Frame:
    grid = Grid("EPSG:32633", Affine(10, 0, 400000, 0, -10, 5400000), *valid.shape, 10.0)
    fields: dict[str, object] = {"modality": "sar", "bands": ("VV", "VH"), "decibel": True, **given}
    return Frame("t0", fields["modality"], None, fields["bands"], pixels, valid, None, grid, decibel=fields["decibel"])  # type: ignore[arg-type]


def test_a_frame_in_db_is_filtered_in_power_and_nothing_else_is() -> None:
    power = np.stack([0.1 * speckle(4.4, 1), 0.02 * speckle(4.4, 2)])
    valid = known()
    valid[:9] = False
    decibel = (10 * np.log10(power)).astype(np.float32)
    decibel[:, ~valid] = np.nan
    before = decibel.copy()
    radar = frame(decibel, valid)
    calm = despeckled(radar, SpeckleOptions())
    np.testing.assert_array_equal(radar.pixels, before)
    for number in range(2):
        expected = filtered(power[number], valid, SpeckleOptions())
        np.testing.assert_allclose(calm.pixels[number][valid], 10 * np.log10(expected[valid]), atol=2e-4)
    assert calm.pixels.dtype == np.float32
    assert despeckled(radar, None) is radar
    picture = frame(np.full((2, SIDE, SIDE), 90, np.uint8), valid, decibel=False)
    assert despeckled(picture, SpeckleOptions()) is picture
    optical = frame(decibel, valid, modality="optical", decibel=False)
    assert despeckled(optical, SpeckleOptions()) is optical


@pytest.mark.parametrize(
    "given", [{"window_px": 4}, {"window_px": 1}, {"looks": 0.5}, {"filter": "frost"}, {"side": 3}]
)
def test_a_filter_that_makes_no_sense_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SpeckleOptions.model_validate(given)
