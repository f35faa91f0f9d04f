"""`round-ratio` knows how careless distractors are made: as round multiples of the truth.

1. The published leak. If all other options are multiples of one option by a published triple, {0.7, 1.2, 1.4},
   {0.1, 0.5, 2} or {0.7, 1.3, 1.5}, within 0.5 %, that option is taken (right on every example that the paper prints).
2. Else the option that makes the others the roundest multiples: each ratio other / option is compared with the nearest
   multiple of 0.1 (above 10: of 1), and the option with the least mean relative error is taken; the first of equals.
"""

from __future__ import annotations

from collections.abc import Sequence

from terrascope_bench.blind.riddle import Riddle

PUBLISHED = ((0.7, 1.2, 1.4), (0.1, 0.5, 2.0), (0.7, 1.3, 1.5))
TOLERANCE = 0.005


def round_ratio(riddles: Sequence[Riddle]) -> list[int | None]:
    return [by_ratio(riddle.values) for riddle in riddles]


def by_ratio(values: Sequence[float] | None) -> int | None:
    """The number of the option that the others are multiples of; None for fewer than three numbers, or a zero."""
    if values is None or len(values) < 3 or min(values) <= 0:
        return None
    published = _published(values)
    if published is not None:
        return published
    return min(range(len(values)), key=lambda k: (roundness_error(values, k), k))


def ratios(values: Sequence[float], k: int) -> list[float]:
    """The other values as multiples of value `k`, ascending."""
    return sorted(value / values[k] for i, value in enumerate(values) if i != k)


def roundness_error(values: Sequence[float], k: int) -> float:
    """How far from round multiples of value `k` the others are: 0 is round."""
    total = 0.0
    for ratio in ratios(values, k):
        unit = 1.0 if ratio > 10 else 0.1
        total += abs(ratio / unit - max(1, round(ratio / unit))) / (ratio / unit)
    return round(total, 9)


def _published(values: Sequence[float]) -> int | None:
    for k in range(len(values)):
        found = ratios(values, k)
        for triple in PUBLISHED:
            if len(triple) == len(found) and all(
                abs(ratio - factor) <= TOLERANCE * factor for ratio, factor in zip(found, triple, strict=True)
            ):
                return k
    return None
