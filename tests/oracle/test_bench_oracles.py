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
    """Some of the things have values: a draw may hold one of them more often than there are such things."""
    n, places = 7, np.array([1, 4])
    values = np.array([[highest], [highest - 2]])
    each = resample_blocks([Block(places, np.eye(2, dtype=np.int64))], n, 5, "x")[0].drawn
    drawn = resample_blocks([Block(places, values)], n, 5, "x")[0].drawn
    assert [int(row[0]) for row in drawn] == [
        int(times[0]) * highest + int(times[1]) * (highest - 2) for times in each.tolist()
    ]
    assert len(drawn) == RESAMPLES
    assert each.sum(axis=1).max() > len(places)
