"""A solver learns about a riddle from riddles of other tiles, and speaks only where what it learned has proved true.

Every group (tile) is drawn into one of five folds by the hash of its name. A rule is learned on the other folds and
used only where it is convincing there: right more often than guessing by two standard errors. A rule that is not
convincing says nothing, and saying nothing counts as guessing. Without this a benchmark whose letters are balanced
would seem to punish learners: what a fold has too many of, the others have too few of, and the learner is misled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from math import sqrt
from typing import TypeVar

from terra_cot.draw import draw
from terrascope_bench.blind.riddle import Riddle

T = TypeVar("T", int, str)
FOLDS = 5
STANDARD_ERRORS = 2.0


def fold_of(riddle: Riddle) -> int:
    """The fold, 0 to FOLDS - 1, of the riddle's group."""
    return draw(FOLDS, 0, "blind fold", riddle.group)


def convincing(right: int, n: int, chance: float) -> bool:
    """Whether `right` of `n` is above `chance` by two standard errors of guessing."""
    return n > 0 and right - n * chance >= STANDARD_ERRORS * sqrt(n * chance * (1 - chance))


def habit(
    riddles: Sequence[Riddle],
    key: Callable[[Riddle], Hashable],
    truth: Callable[[Riddle], T],
) -> list[T | None]:
    """For each riddle the commonest `truth` of the riddles of other folds with the same `key`; None if unconvincing.

    The first of equally common truths by its text, so that no order matters. A key of None is never learned from.
    """
    folds = [fold_of(riddle) for riddle in riddles]
    keys = [key(riddle) for riddle in riddles]
    counts = _counts(zip(keys, folds, riddles, strict=True), truth)
    return [
        None if name is None else _commonest(counts[name], fold, riddle.chance)
        for name, fold, riddle in zip(keys, folds, riddles, strict=True)
    ]


def _counts(
    entries: Iterable[tuple[Hashable, int, Riddle]], truth: Callable[[Riddle], T]
) -> dict[Hashable, list[Counter[T]]]:
    counts: dict[Hashable, list[Counter[T]]] = {}
    for name, fold, riddle in entries:
        if name is not None:
            counts.setdefault(name, [Counter() for _ in range(FOLDS)])[fold][truth(riddle)] += 1
    return counts


def _commonest(by_fold: Sequence[Counter[T]], fold: int, chance: float) -> T | None:
    seen: Counter[T] = Counter()
    for number, counts in enumerate(by_fold):
        if number != fold:
            seen.update(counts)
    if not seen:
        return None
    best = min(seen, key=lambda item: (-seen[item], str(item)))
    return best if convincing(seen[best], seen.total(), chance) else None
