"""Bootstrap against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from terrascope_bench.statistics import RESAMPLES, Block, resample, resample_blocks


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 1000, 300)
    rows = np.stack([values, np.ones_like(values)], axis=1)
    ours = np.percentile(resample(rows, 0, "x").drawn[:, 0] / 300, [2.5, 97.5])
    theirs = np.percentile(rng.choice(values, (4000, 300)).mean(axis=1), [2.5, 97.5])
    assert ours == pytest.approx(theirs, rel=0.02)


@pytest.mark.parametrize("highest", [10**9, 2**53 - 1])
def test_sums_of_draws_are_whole_numbers_to_the_last_digit(highest: int) -> None:
    """One of seven things has a value: a draw may hold it more often than there are such things."""
    n, places = 7, np.array([4])
    times = resample_blocks([Block(places, np.array([[1]]))], n, 5, "x")[0].drawn
    drawn = resample_blocks([Block(places, np.array([[highest]]))], n, 5, "x")[0].drawn
    assert drawn.ravel().tolist() == [count * highest for count in times.ravel().tolist()]
    assert times.max() > 2
    assert len(drawn) == RESAMPLES
