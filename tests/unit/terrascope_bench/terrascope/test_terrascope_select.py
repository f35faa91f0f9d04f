"""A mask selects the tokens it covers by more than half, at most lambda of them, and never token 0 by accident."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from terrascope_bench.terrascope.select import covered, select, spread
from terrascope_bench.terrascope.tiling import Tiling, tiling


def test_a_token_needs_more_than_half_of_its_cell() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0:4, 4:6] = True  # half of token 1
    mask[4:8, 0:2] = True
    mask[4, 2] = True  # 9 of 16 px of token 2
    found = select(mask, (2, 2), 0.5, 128)
    assert (found.tokens.tolist(), found.rule) == ([2], "covered")


def test_rows_and_columns_are_not_swapped() -> None:
    mask = np.zeros((30, 60), bool)
    mask[10:20, 40:50] = True
    assert select(mask, (3, 6), 0.5, 128).tokens.tolist() == [1 * 6 + 4]


@given(
    arrays(np.bool_, st.tuples(st.integers(1, 17), st.integers(1, 17))), st.tuples(st.integers(1, 9), st.integers(1, 9))
)
def test_coverage_is_exact_where_pixels_do_not_divide_into_cells(mask: np.ndarray, grid: tuple[int, int]) -> None:
    fine = np.kron(mask, np.ones(grid, bool))  # each pixel as grid[0] x grid[1]: cells now hold whole fine pixels
    expected = fine.reshape(grid[0], mask.shape[0], grid[1], mask.shape[1]).mean(axis=(1, 3))
    np.testing.assert_allclose(covered(mask, grid), expected, atol=1e-9)


@given(arrays(np.bool_, (12, 12)), st.integers(1, 40))
def test_the_selection_is_some_of_what_is_covered_and_at_most_lambda(mask: np.ndarray, most: int) -> None:
    found = select(mask, (6, 6), 0.5, most)
    whole = np.flatnonzero(covered(mask, (6, 6)).ravel() > 0.5)
    assert 1 <= found.tokens.size <= max(most, 1)
    assert (np.diff(found.tokens) > 0).all()
    if whole.size:
        assert set(found.tokens) <= set(whole)
        assert (found.rule == "covered") == (whole.size <= most)
    else:
        assert found.rule in ("centroid", "empty")


def test_a_selection_over_lambda_is_spread_over_the_whole_region() -> None:
    found = select(np.ones((160, 160), bool), (16, 16), 0.5, 16)
    # 4 x 4 cells of 4 x 4 tokens: the four middle tokens are equally near, the first is kept.
    assert found.tokens.tolist() == [16 * row + column for row in (1, 5, 9, 13) for column in (1, 5, 9, 13)]
    assert found.rule == "sampled"


def test_a_grid_of_more_cells_than_lambda_keeps_lambda_from_top_to_bottom() -> None:
    found = spread(np.arange(256), 16, 128)
    assert found.size == 128
    assert found.min() < 16
    assert found.max() >= 240


def test_a_mask_too_thin_for_any_token_takes_that_of_its_centroid() -> None:
    mask = np.zeros((32, 32), bool)
    mask[20:22, 25:28] = True
    found = select(mask, (4, 4), 0.5, 128)
    assert (found.tokens.tolist(), found.rule) == ([2 * 4 + 3], "centroid")


def test_an_empty_mask_takes_the_middle_and_says_so() -> None:
    found = select(np.zeros((32, 32), bool), (4, 4), 0.5, 128)
    assert (found.tokens.tolist(), found.rule) == ([2 * 4 + 2], "empty")


@pytest.mark.parametrize(
    ("size", "expected"),
    [((256, 256), (1, 1)), ((448, 896), (1, 2)), ((1344, 448), (3, 1)), ((1024, 1024), (3, 3)), ((900, 1600), (2, 4))],
)
def test_an_image_is_cut_by_its_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    cut = tiling(*size, 448, 12)
    assert (cut.rows, cut.columns) == expected
    assert cut.images == cut.rows * cut.columns + (cut.rows * cut.columns > 1)


def test_one_tile_at_most_never_cuts() -> None:
    assert tiling(4000, 100, 128, 1) == Tiling(1, 1)
