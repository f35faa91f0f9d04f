"""Facts do not depend on how a map is turned or its classes are numbered, and one mask says what the map says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from kernels import kernel  # noqa: F401
from numpy.typing import NDArray

from terra_cot import facts

K = 4
Index = NDArray[np.uint8]


@st.composite
def maps(draw: st.DrawFn) -> Index:
    """A small map, its pixels blown up to 1..4 squares (so that an opening leaves some), a few of them changed back."""
    shape = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)
    coarse = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, K)))
    scale = draw(st.integers(1, 4))
    index: Index = np.kron(coarse, np.ones((scale, scale), np.uint8))
    for _ in range(draw(st.integers(0, 3))):
        row, column = draw(st.integers(0, index.shape[0] - 1)), draw(st.integers(0, index.shape[1] - 1))
        index[row, column] = draw(st.integers(0, K))
    return index


def same(a: facts.LabelFacts, b: facts.LabelFacts) -> None:
    """Everything but the centroid and the shape, which turn with the map."""
    assert a.valid_px == b.valid_px
    for name in ("pixels", "components", "adjacent", "distance_px", "opened_px"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@given(maps())
def test_counts_add_up(index: Index) -> None:
    got = facts.measure(index, K)
    assert got.valid_px == got.pixels.sum() == np.count_nonzero(index)
    assert (got.opened_px <= got.pixels).all()
    assert ((got.components > 0) == (got.pixels > 0)).all()
    assert (got.components <= got.pixels).all()
    assert (np.isnan(got.centroid).all(axis=1) == (got.pixels == 0)).all()


@given(maps())
def test_void_has_no_facts(index: Index) -> None:
    got = facts.measure(index, K)
    assert got.pixels[0] == got.components[0] == got.opened_px[0] == 0
    assert not got.adjacent[0].any()
    assert np.isnan(got.distance_px[0]).all()
    assert np.isnan(got.centroid[0]).all()


@given(maps())
def test_relations_are_symmetric(index: Index) -> None:
    got = facts.measure(index, K)
    np.testing.assert_array_equal(got.adjacent, got.adjacent.T)
    np.testing.assert_array_equal(got.distance_px, got.distance_px.T)
    np.testing.assert_array_equal(np.diag(got.adjacent), got.pixels > 0)
    assert np.isnan(np.diag(got.distance_px)).all()
    left = got.opened_px > 0
    off_diagonal = ~np.eye(K + 1, dtype=bool)
    np.testing.assert_array_equal(~np.isnan(got.distance_px), np.outer(left, left) & off_diagonal)


TURNS: list[tuple[Callable[[Index], Index], Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = [
    (lambda m: m.T, lambda c: c[:, ::-1]),
    (lambda m: m[::-1], lambda c: c * (-1, 1) + (1, 0)),
    (lambda m: m[:, ::-1], lambda c: c * (1, -1) + (0, 1)),
    (lambda m: np.rot90(m), lambda c: c[:, ::-1] * (-1, 1) + (1, 0)),
]


@pytest.mark.parametrize(("turn", "turn_centroid"), TURNS, ids=["transpose", "upside_down", "mirror", "rotate"])
@settings(max_examples=60)
@given(index=maps())
def test_turning_the_map_turns_only_the_centroids(
    index: Index,
    turn: Callable[[Index], Index],
    turn_centroid: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> None:
    """The turned maps are strided views, so this also shows that memory order does not matter."""
    got, turned = facts.measure(index, K), facts.measure(turn(index), K)
    same(got, turned)
    np.testing.assert_allclose(turned.centroid, turn_centroid(got.centroid), rtol=0, atol=1e-12)


@given(maps(), st.permutations(range(1, K + 1)))
def test_renaming_classes_renames_facts(index: Index, order: list[int]) -> None:
    new = np.array([0, *order])
    got, renamed = facts.measure(index, K), facts.measure(new.astype(np.uint8)[index], K)
    assert got.valid_px == renamed.valid_px
    for name in ("pixels", "components", "opened_px", "centroid"):
        np.testing.assert_array_equal(getattr(got, name), getattr(renamed, name)[new], err_msg=name)
    for name in ("adjacent", "distance_px"):
        np.testing.assert_array_equal(getattr(got, name), getattr(renamed, name)[np.ix_(new, new)], err_msg=name)


@given(maps(), st.integers(K, facts.MAX_CLASSES))
def test_classes_that_do_not_occur_change_nothing(index: Index, k: int) -> None:
    got, wide = facts.measure(index, K), facts.measure(index, k)
    assert wide.pixels[K + 1 :].sum() == wide.components[K + 1 :].sum() == 0
    np.testing.assert_array_equal(got.distance_px, wide.distance_px[: K + 1, : K + 1])
    np.testing.assert_array_equal(got.adjacent, wide.adjacent[: K + 1, : K + 1])


@given(maps())
def test_single_masks_agree_with_the_map(index: Index) -> None:
    got = facts.measure(index, K)
    masks = [index == c for c in range(K + 1)]
    for c in range(1, K + 1):
        assert facts.pixels(masks[c]) == got.pixels[c]
        assert facts.components(masks[c]) == got.components[c]
        assert facts.pixels(facts.opened(masks[c])) == got.opened_px[c]
        np.testing.assert_array_equal(facts.opened(masks[c]), facts.open_classes(index, K) == c)
        place = facts.centroid(masks[c])
        np.testing.assert_array_equal((np.nan, np.nan) if place is None else place, got.centroid[c])
        for j in range(1, K + 1):
            assert facts.adjacent(masks[c], masks[j]) == got.adjacent[c, j]
            apart = facts.distance_px(facts.opened(masks[c]), facts.opened(masks[j]))
            if c != j:
                np.testing.assert_array_equal(np.nan if apart is None else apart, got.distance_px[c, j])


@given(maps())
def test_adjacent_means_within_the_square_root_of_two(index: Index) -> None:
    got = facts.measure(index, K)
    for i in range(1, K + 1):
        for j in range(1, K + 1):
            apart = facts.distance_px(index == i, index == j)
            assert got.adjacent[i, j] == (apart is not None and apart <= 2**0.5)


@given(maps())
def test_opening_twice_is_opening_once(index: Index) -> None:
    once = facts.open_classes(index, K)
    np.testing.assert_array_equal(facts.open_classes(once, K), once)
    np.testing.assert_array_equal(once, np.where(once > 0, index, 0))
    np.testing.assert_array_equal(facts.measure(once, K).distance_px, facts.measure(index, K).distance_px)


@given(maps(), st.integers(0, 5), st.integers(0, 5))
def test_a_border_of_void_moves_nothing_but_centroids(index: Index, rows: int, columns: int) -> None:
    same(facts.measure(index, K), facts.measure(np.pad(index, ((rows, 0), (0, columns))), K))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_distance_of_two_pixels_is_pythagoras(row: int, column: int, other_row: int, other_column: int) -> None:
    a, b = np.zeros((61, 61), bool), np.zeros((61, 61), bool)
    a[row, column], b[other_row, other_column] = True, True
    assert facts.distance_px(a, b) == ((row - other_row) ** 2 + (column - other_column) ** 2) ** 0.5


@given(st.floats(0, 1), st.floats(0, 1))
def test_location_is_the_third_that_holds_the_place(row: float, column: float) -> None:
    for share, cell in zip((row, column), facts.location(row, column), strict=True):
        assert cell in (0, 1, 2)
        assert cell / 3 - 1e-15 <= share <= (cell + 1) / 3 + 1e-15
    assert facts.location(row, column) == facts.location(column, row)[::-1]
