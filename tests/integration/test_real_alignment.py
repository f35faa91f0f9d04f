"""On real files a known shift is found within the bounds of the issue, and what shows two places is refused.

Errors are the larger of row and column; `tests/speed/alignment.py` prints the same study at length.
"""

from __future__ import annotations

import os
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pytest
from alignmentfactory import (
    CLEAR,
    OPAQUE,
    Pair,
    mosaics,
    opaque,
    real_mismatched,
    real_optical_pairs,
    real_sar_pairs,
    shifted_pair,
    slovenia,
    summarise,
)

from terra_cot.coregister import estimate_shift

DATA = Path(os.environ.get("TERRA_COT_TEST_DATA", "/nowhere"))
pytestmark = pytest.mark.skipif(
    "TERRA_COT_TEST_DATA" not in os.environ,
    reason="real data: set TERRA_COT_TEST_DATA to the folder that holds bigearthnet-v2, s2-shifted-pair, ...",
)


@pytest.mark.parametrize(
    ("side", "cloud", "share", "worst"), [(108, 0.0, 1.0, 0.25), (108, 0.4, 0.95, 0.4), (108, 0.6, 0.75, 0.5)]
)
def test_optical_against_optical(side: int, cloud: float, share: float, worst: float) -> None:
    found = summarise(real_optical_pairs(DATA, side, 1, cloud))
    assert found.share >= share
    assert found.error(1.0) <= worst


def test_the_known_shift_of_two_dates_is_found_in_every_tile_that_is_trusted() -> None:
    """The second date is partly cloudy and has no mask; over a hundred kilometres the true shift itself varies."""
    found = summarise(islice(shifted_pair(DATA), 0, None, 3))
    assert found.share > 0.8
    assert found.error(0.5) <= 0.1
    assert found.error(1.0) <= 0.25


def test_clear_dates_of_a_series_close_to_a_tenth() -> None:
    shifts = {}
    for one, two in combinations(CLEAR, 2):
        shift = estimate_shift(slovenia(DATA, one), slovenia(DATA, two))
        assert shift.status == "removed"
        shifts[one, two] = np.array(shift.found_px)
    around = shifts[CLEAR[0], CLEAR[1]] + shifts[CLEAR[1], CLEAR[2]] - shifts[CLEAR[0], CLEAR[2]]
    assert np.abs(around).max() <= 0.1


def test_optical_against_sar_at_the_size_of_a_patch() -> None:
    found = [summarise(real_sar_pairs(DATA, side, each)) for side, each in ((104, 2), (108, 2), (120, 8))]
    errors = [error for each in found for error in each.errors]
    assert sum(each.accepted for each in found) >= 0.8 * sum(each.pairs for each in found)
    assert np.quantile(errors, 0.5) <= 0.35
    assert np.quantile(errors, 0.9) <= 1.0
    assert max(errors) <= 1.5


@pytest.mark.parametrize(("side", "worst"), [(160, 1.0), (224, 0.75)])
def test_optical_against_sar_of_larger_tiles(side: int, worst: float) -> None:
    found = summarise(real_sar_pairs(DATA, side, 8))
    assert found.share >= 0.95
    assert found.error(1.0) <= worst


@pytest.mark.parametrize("kinds", [("optical", "sar"), ("optical", "optical"), ("sar", "sar")])
def test_two_places_have_no_shift(kinds: tuple[str, str]) -> None:
    """Every seventh pair; the study takes them all, and at most 1 in 200 may be believed."""
    assert summarise(islice(real_mismatched(DATA, kinds), 0, None, 7)).share <= 1 / 200


@pytest.mark.parametrize("masked", [False, True])
def test_an_overcast_date_is_refused(masked: bool) -> None:
    found = summarise(
        Pair("", slovenia(DATA, clear), slovenia(DATA, sky, masked), None) for clear in CLEAR for sky in OPAQUE
    )
    assert found.accepted == 0
    assert masked is (set(found.whys) == {"too_little_in_common"})


def test_radar_under_an_overcast_sky_is_refused() -> None:
    rng = np.random.default_rng(0)
    pairs = (
        Pair("", opaque((104, 104), rng), pair.moving, None)
        for pair in islice(real_sar_pairs(DATA, 104, 1), 0, None, 2)
    )
    assert summarise(pairs).accepted == 0


def test_less_than_a_hundred_pixels_are_refused() -> None:
    found = summarise(real_sar_pairs(DATA, 96, 1))
    assert found.accepted == 0
    assert set(found.whys) == {"too_little_in_common"}


def test_blocks_of_an_archive_agree() -> None:
    """The archive that calls itself co-registered is 15 m off, and blocks of it say the same within half a pixel."""
    from alignmentfactory import OPTICAL, SAR, frame

    found = [
        estimate_shift(frame(block.optical, "optical", OPTICAL), frame(block.sar, "sar", SAR))
        for block in mosaics(DATA)
    ]
    assert {shift.status for shift in found} == {"removed"}
    shifts = np.array([shift.found_px for shift in found])
    assert np.hypot(*np.median(shifts, axis=0)) > 1
    assert np.ptp(shifts, axis=0).max() < 0.5
