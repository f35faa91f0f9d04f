"""A model that tells its confidence is held to it: Brier score, expected calibration error, and a reliability table.

Confidence is that of the answer being right. Brier (1950): mean of (confidence - right)^2. Expected calibration error
(Naeini et al., AAAI 2015): over ten equal bins, the mean of |share right - mean confidence|, weighted by the bins'
questions. A reply without a letter is not right, whatever its confidence.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.scorecard.draws import Draws
from terrascope_bench.statistics import DECIMALS, interval, ratio
from terrascope_bench.tally import Tally

BINS = 10
_MILLION = 1_000_000


def ask(draws: Draws, tally: Tally) -> None:
    told = np.flatnonzero(~np.isnan(tally.confidence))
    confidence, right = tally.confidence[told], tally.right[told].astype(np.int32)
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    sure = np.rint(confidence * _MILLION).astype(np.int32)
    error = np.rint((confidence - right) ** 2 * _MILLION).astype(np.int32)
    inside = (place[:, None] == np.arange(BINS)).astype(np.int32)
    one = np.ones((len(told), 1), np.int32)
    columns = [one, error[:, None], inside, inside * sure[:, None], inside * right[:, None]]
    draws.ask("calibration", np.concatenate(columns, axis=1), told)


def table(draws: Draws) -> dict[str, Any] | None:
    """None where no prediction tells a confidence; `n` are the questions that do."""
    sums = draws.whole("calibration")
    n = int(sums.total[0])
    if not n:
        return None
    value = float(_ece(sums.total[None, :].astype(np.float64))[0])
    return {
        "n": n,
        "brier": ratio(sums, 1, 0, _MILLION),
        "ece": interval(value, _ece(sums.drawn.astype(np.float64))),
        "bins": [_bin(sums.total, k) for k in range(BINS)],
    }


def _ece(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws,) from rows of sums."""
    sure, right = table[:, 2 + BINS : 2 + 2 * BINS], table[:, 2 + 2 * BINS :]
    with np.errstate(invalid="ignore", divide="ignore"):
        out: NDArray[np.float64] = np.abs(right - sure / _MILLION).sum(axis=1) / table[:, 0]
    return out


def _bin(total: NDArray[np.int64], k: int) -> dict[str, Any]:
    n, sure, right = (int(total[2 + part * BINS + k]) for part in range(3))
    return {
        "low": k / BINS,
        "high": (k + 1) / BINS,
        "n": n,
        "confidence": round(sure / _MILLION / n, DECIMALS) if n else None,
        "accuracy": round(right / n, DECIMALS) if n else None,
    }
