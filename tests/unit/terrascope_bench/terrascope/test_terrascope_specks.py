"""Specks go, what was found stays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from terrascope_bench.terrascope.specks import cleaned


@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(0.02, 0.98))
def test_no_part_and_no_hole_is_smaller(seed: int, least: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((24, 31)) < share
    out = cleaned(mask, least)
    assert out.any() == mask.any()
    parts, _ = ndimage.label(out, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())[1:]
    assert len(sizes) <= 1 or sizes.min() >= least
    holes, _ = ndimage.label(~out)
    gaps = np.bincount(holes.ravel())[1:]
    assert not len(gaps) or gaps.min() >= least


def test_what_is_large_enough_stays_as_it_is() -> None:
    mask = np.zeros((20, 20), np.bool_)
    mask[2:8, 3:9] = True
    mask[4, 5] = False
    mask[15, 15] = True
    out = cleaned(mask, 16)
    expected = np.zeros_like(mask)
    expected[2:8, 3:9] = True
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(cleaned(mask, 1), mask)


def test_a_mask_of_specks_alone_keeps_its_largest() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[0, 0] = mask[5, 5] = mask[5, 6] = True
    assert np.argwhere(cleaned(mask, 16)).tolist() == [[5, 5], [5, 6]]
