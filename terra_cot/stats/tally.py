"""A tally counts equal values, so that quartiles and histograms of any number of them need little memory."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from math import ceil
from typing import Any

_MARKS = {"min": 0.0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1.0}
_STEPS = (1, 2, 5)
_MOST_BINS = 24


class Tally:
    """Values rounded to `digits` decimals: as many numbers in memory as there are different ones."""

    def __init__(self, digits: int = 0) -> None:
        self._digits = digits
        self._counts: Counter[float] = Counter()

    def add(self, value: float) -> None:
        self._counts[round(value, self._digits)] += 1

    def spread(self) -> dict[str, float] | None:
        """Minimum, quartiles (linear between neighbours, as numpy's) and maximum; None where there are no values."""
        if not self._counts:
            return None
        values = sorted(self._counts)
        ends = list(accumulate(self._counts[value] for value in values))

        def at(place: int) -> float:
            return next(value for value, end in zip(values, ends, strict=True) if place < end)

        found = {}
        for name, share in _MARKS.items():
            place = share * (ends[-1] - 1)
            low, high = at(int(place)), at(ceil(place))
            found[name] = round(low + (high - low) * (place - int(place)), 4)
        return found

    def histogram(self, width: float | None = None, low: float = 0.0, high: float | None = None) -> dict[str, Any]:
        """{`low`, `width`, `counts`} of bins that hold their lower edge; the last also its upper one.

        Args:
            width: of a bin; without one a round number that gives few bins.
            low, high: where the bins begin and end; without `high` after the last value.
        """
        if not self._counts:
            return {"low": low, "width": width or 1, "counts": []}
        top = max(self._counts) if high is None else high
        step = width or _round_width(top - low)
        bins = max(1, ceil(round((top - low) / step, 9))) if high is not None else int((top - low) // step) + 1
        counts = [0] * bins
        for value, number in self._counts.items():
            counts[min(bins - 1, int(round((value - low) / step, 9)))] += number
        return {"low": low, "width": step, "counts": counts}


def _round_width(span: float) -> int:
    """The least of 1, 2, 5, 10, 20, ... that covers `span` in few bins."""
    power = 1
    while True:
        for step in _STEPS:
            if step * power * _MOST_BINS > span:
                return step * power
        power *= 10
