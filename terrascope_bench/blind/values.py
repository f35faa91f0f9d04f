"""`middle-value` takes the option nearest to the mean of all; `k-th-smallest` the rank that is right most often."""

from __future__ import annotations

from collections.abc import Sequence

from terrascope_bench.blind.folds import habit
from terrascope_bench.blind.riddle import Riddle


def middle_value(riddles: Sequence[Riddle]) -> list[int | None]:
    """Of more than two numbers the one nearest to their mean, the first of equals; else nothing."""
    return [_middle(riddle.values) for riddle in riddles]


def _middle(values: Sequence[float] | None) -> int | None:
    if values is None or len(values) < 3:
        return None
    mean = sum(values) / len(values)
    return min(range(len(values)), key=lambda k: (abs(values[k] - mean), k))


def kth_smallest(riddles: Sequence[Riddle]) -> list[int | None]:
    """The option of rank k, where k is the commonest right rank of the task in the other folds."""
    ranks = habit(
        riddles,
        lambda r: None if r.values is None else r.kind,
        lambda r: r.ranks().index(r.answer),
    )
    return [None if rank is None else riddle.ranks()[rank] for riddle, rank in zip(riddles, ranks, strict=True)]
