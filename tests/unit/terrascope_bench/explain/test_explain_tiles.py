"""Tiles merge without seams: a predictor that does not care where it looks gives the mask of the one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from terrascope_bench.explain.tiles import MARGIN, OVERLAP, Layout, bands, merged, starts, weights

Field = NDArray[np.float32]
SIZES = [(64, 64), (65, 64), (64, 200), (150, 150), (191, 333), (20, 300), (300, 17), (1000, 70)]


def windows(field: Field, layout: Layout, predict: Callable[[Field], Field]) -> Callable[..., Iterator[Field]]:
    """A predictor that sees the windows of a field, padded beyond the scene as the views are."""
    height, width = layout.shape

    def look(places: Sequence[tuple[int, int]]) -> Iterator[Field]:
        for row, column in places:
            window = np.zeros(layout.shape, np.float32)
            part = field[row : row + height, column : column + width]
            window[: part.shape[0], : part.shape[1]] = part
            yield predict(window)

    return look


def field_of(size: tuple[int, int], seed: int = 0) -> Field:
    noise = np.random.default_rng(seed).normal(size=size)
    return ndimage.gaussian_filter(noise, 2).astype(np.float32)


def joined(layout: Layout, look: Callable[..., Iterator[Field]]) -> Field:
    found = list(bands(layout, look))
    assert [row for row, _ in found] == list(np.cumsum([0, *(len(part) for _, part in found)])[:-1])
    return np.concatenate([part for _, part in found])


@pytest.mark.parametrize("size", SIZES)
def test_the_scores_of_single_pixels_come_back_as_they_are(size: tuple[int, int]) -> None:
    layout, field = Layout(size, 64), field_of(size)
    look = windows(field, layout, lambda window: window)
    assert np.allclose(joined(layout, look), field, atol=1e-6)
    assert (merged(layout, look) == (field > 0)).all()


@pytest.mark.parametrize("size", SIZES)
def test_a_predictor_that_looks_around_gives_the_mask_of_the_one_piece(size: tuple[int, int]) -> None:
    """What it makes of the edge of a tile, where half of the surroundings are missing, has no weight."""
    side = 64
    reach = round(MARGIN * side)

    def predict(window: Field) -> Field:
        spread = ndimage.uniform_filter(window, 2 * reach + 1, mode="constant")
        rough = ndimage.maximum_filter(window, 2 * reach - 1, mode="constant", cval=-9)
        return (2 * spread - rough + 0.22).astype(np.float32)

    layout, field = Layout(size, side), field_of(size, 1)
    whole = np.zeros([max(length, shape) for length, shape in zip(size, layout.shape, strict=True)], np.float32)
    whole[: size[0], : size[1]] = field
    one = predict(whole)[: size[0], : size[1]]
    found = joined(layout, windows(field, layout, predict))
    assert np.allclose(found, one, atol=1e-5)
    mask = merged(layout, windows(field, layout, predict))
    sure = np.abs(one) > 1e-5
    assert (mask == (one > 0))[sure].all()
    assert 0.05 < mask.mean() < 0.95


def test_where_tiles_disagree_one_fades_into_the_other() -> None:
    """A tile that is wrong by a constant leaves no step: neighbours differ by no more than the ramp's slope."""
    side = 64
    layout = Layout((400, 500), side)
    rng = np.random.default_rng(2)

    def look(places: Sequence[tuple[int, int]]) -> Iterator[Field]:
        for _ in places:
            yield np.full(layout.shape, rng.uniform(-1, 1), np.float32)

    found = joined(layout, look)
    ramp = round(OVERLAP * side) - 2 * round(MARGIN * side)
    steepest = 2 * np.pi / (2 * ramp) * 1.05  # of a raised cosine between -1 and 1
    for axis in (0, 1):
        assert np.abs(np.diff(found, axis=axis)).max() < steepest
    assert np.ptp(found) > 1  # there was something to fade


@pytest.mark.parametrize("length", [16, 64, 65, 100, 1000, 10_980])
@pytest.mark.parametrize("side", [32, 64, 128, 100])
def test_tiles_cover_an_axis_and_their_weights_sum_to_one(length: int, side: int) -> None:
    places, found = starts(length, side), weights(length, side)
    total = np.zeros(length)
    for start, weight in zip(places, found, strict=True):
        assert start >= 0
        total[start : start + side] += weight
        assert (weight >= 0).all()
    assert np.allclose(total, 1.0, atol=1e-6)
    assert places[0] == 0
    if length > side:
        assert places[-1] == length - side
        gaps = np.diff(places)
        assert (side - gaps).min() >= round(OVERLAP * side) - 1


def test_no_tile_is_smaller_than_its_margins() -> None:
    with pytest.raises(ValueError, match="tiles of 8 px"):
        Layout((100, 100), 8)
