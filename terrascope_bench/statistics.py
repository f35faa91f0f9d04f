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
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from terra_cot.draw import digest

RESAMPLES = 1000
DECIMALS = 6
_CHUNK = 4_000_000
_WHOLE = 2**53
_SLAB = 1 << 16
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
    return resample_blocks([Block(np.arange(len(rows)), rows)], len(rows), seed, *names)[0]


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that some things have: `places` (m,) says which of n things each of `values` (m, columns) belongs to."""

    places: NDArray[np.int64]
    values: NDArray[Any]


def resample_blocks(blocks: Sequence[Block], n: int, seed: int, *names: object) -> list[Sums]:
    """Sums of each block over n things, and over 1,000 draws of n things with replacement: the same for all blocks."""
    columns = [block.values.shape[1] for block in blocks]
    out = [Sums.nothing(count) for count in columns]
    for sums, block in zip(out, blocks, strict=True):
        sums.total[:] = block.values.sum(axis=0, dtype=np.int64)
    if n == 0:
        return out
    kinds = [_kind(block.values, n) for block in blocks]
    generator = np.random.PCG64(int.from_bytes(digest(seed, "bootstrap", *names)[:16], "big"))
    per_chunk = max(1, min(RESAMPLES, _CHUNK // n))
    # Products of this size are over before a second thread has woken up.
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, RESAMPLES, per_chunk):
            count = min(per_chunk, RESAMPLES - start)
            times = _times(generator, count, n)
            for sums, block, kind in zip(out, blocks, kinds, strict=True):
                sums.drawn[start : start + count] = _products(block, times, kind)
    return out


def _times(generator: np.random.PCG64, count: int, n: int) -> NDArray[np.float64]:
    """(n, count): how often each of n things was drawn in each of `count` draws of n things."""
    raw = np.asarray(generator.random_raw(count * n), dtype=np.uint64)
    raw >>= np.uint64(32)
    raw *= np.uint64(n)
    raw >>= np.uint64(32)
    picks = raw.view(np.int64).reshape(count, n)
    picks += np.arange(count, dtype=np.int64)[:, None] * n
    times = np.bincount(picks.ravel(), minlength=count * n).reshape(count, n)
    return np.ascontiguousarray(times.T, dtype=np.float64)


def _products(block: Block, times: NDArray[np.float64], kind: type[np.float64 | np.int64]) -> NDArray[np.int64]:
    """(count, columns): the sums of a block over draws; a slab of rows at a time, so that no copy of all is made."""
    out = np.zeros((times.shape[1], block.values.shape[1]), np.int64)
    for start in range(0, len(block.places), _SLAB):
        rows = slice(start, start + _SLAB)
        each = times[block.places[rows]].astype(kind, copy=False)
        out += (block.values[rows].astype(kind).T @ each).T.astype(np.int64)
    return out


def _kind(values: NDArray[Any], n: int) -> type[np.float64 | np.int64]:
    """The type whose products are exact and fast: whole numbers of up to 53 bits are exact in float64."""
    highest = int(max(values.max(initial=0), -int(values.min(initial=0))))
    # A draw of n things may be n times the same one, even where few of the n have values.
    return np.float64 if highest * n < _WHOLE else np.int64


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
