"""Every share has a 95 % interval, and every interval has the same digits on every machine.

A metric is a ratio of two sums over questions (accuracy: right / all; cIoU: intersections / unions). All sums are whole
numbers. Intervals are percentile bootstrap: questions of a task are drawn anew with replacement, 1,000 times, and the
ratio is taken of the drawn sums; the 2.5th and 97.5th percentile bound it. Overall values use the same draws task by
task (stratified by task). Draws come from the raw 64-bit output of PCG64, which numpy keeps stable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from terra_cot.draw import digest

RESAMPLES = 1000
DECIMALS = 6
_CHUNK = 4_000_000
Value = dict[str, float] | None


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of one group of questions: `total` (columns,) and drawn anew `drawn` (RESAMPLES, columns), int64."""

    total: NDArray[np.int64]
    drawn: NDArray[np.int64]

    @classmethod
    def nothing(cls, columns: int) -> Sums:
        """Sums over no question."""
        return cls(np.zeros(columns, np.int64), np.zeros((RESAMPLES, columns), np.int64))

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.total + other.total, self.drawn + other.drawn)


def resample(rows: NDArray[np.int64], seed: int, *names: object) -> Sums:
    """Sums over `rows` (n, columns) and over 1,000 draws of n rows with replacement; `names` give the stream."""
    n, columns = rows.shape
    if n == 0:
        return Sums.nothing(columns)
    generator = np.random.PCG64(int.from_bytes(digest(seed, "bootstrap", *names)[:16], "big"))
    drawn = np.empty((RESAMPLES, columns), np.int64)
    per_chunk = max(1, min(RESAMPLES, _CHUNK // n))
    for start in range(0, RESAMPLES, per_chunk):
        count = min(per_chunk, RESAMPLES - start)
        raw = np.asarray(generator.random_raw(count * n), dtype=np.uint64)
        picks = ((raw >> np.uint64(32)) * np.uint64(n) >> np.uint64(32)).astype(np.int64).reshape(count, n)
        picks += np.arange(count, dtype=np.int64)[:, None] * n
        times = np.bincount(picks.ravel(), minlength=count * n).reshape(count, n)
        drawn[start : start + count] = times @ rows
    return Sums(rows.sum(axis=0), drawn)


def ratio(sums: Sums, above: int, below: int, scale: int = 1) -> Value:
    """sum(column above) / (scale x sum(column below)) with its interval; None where there is nothing to measure."""
    if sums.total[below] == 0:
        return None
    return interval(int(sums.total[above]) / (scale * int(sums.total[below])), ratios(sums, above, below, scale))


def mean_of_ratios(groups: Sequence[Sums], above: int, below: int, scale: int = 1) -> Value:
    """Macro average: the mean of the groups' ratios, over groups that have something to measure."""
    usable = [sums for sums in groups if sums.total[below] != 0]
    if not usable:
        return None
    values = [int(sums.total[above]) / (scale * int(sums.total[below])) for sums in usable]
    drawn = np.stack([ratios(sums, above, below, scale) for sums in usable])
    measured = np.count_nonzero(~np.isnan(drawn), axis=0)
    with np.errstate(invalid="ignore"):
        means = np.nansum(drawn, axis=0) / measured
    return interval(fsum(values) / len(values), means)


def ratios(sums: Sums, above: int, below: int, scale: int = 1) -> NDArray[np.float64]:
    """The ratio of every draw (RESAMPLES,); NaN where a draw has nothing to measure."""
    with np.errstate(invalid="ignore", divide="ignore"):
        out: NDArray[np.float64] = sums.drawn[:, above] / (float(scale) * sums.drawn[:, below])
    return out


def interval(value: float, drawn: NDArray[np.float64]) -> Value:
    """A value with its 95 % percentile interval over draws (RESAMPLES,); draws that are NaN are left out."""
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return {"value": round(value, DECIMALS), "low": round(float(low), DECIMALS), "high": round(float(high), DECIMALS)}


def correlation(sums: Sums, n: int, x: int, y: int, xx: int, yy: int, xy: int) -> Value:
    """Pearson's r of two quantities from columns of their sums; None where one side does not vary."""

    def r(table: NDArray[np.float64]) -> NDArray[np.float64]:
        count = table[:, n]
        together = count * table[:, xy] - table[:, x] * table[:, y]
        spread = (count * table[:, xx] - table[:, x] ** 2) * (count * table[:, yy] - table[:, y] ** 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            out: NDArray[np.float64] = np.where(spread > 0, together / np.sqrt(spread), np.nan)
        return out

    value = float(r(sums.total[None, :].astype(np.float64))[0])
    return None if np.isnan(value) else interval(value, r(sums.drawn.astype(np.float64)))
