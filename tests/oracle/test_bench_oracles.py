"""Bootstrap against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from terrascope_bench.statistics import resample


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 1000, 300)
    rows = np.stack([values, np.ones_like(values)], axis=1)
    ours = np.percentile(resample(rows, 0, "x").drawn[:, 0] / 300, [2.5, 97.5])
    theirs = np.percentile(rng.choice(values, (4000, 300)).mean(axis=1), [2.5, 97.5])
    assert ours == pytest.approx(theirs, rel=0.02)
