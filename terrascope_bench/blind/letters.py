"""`majority` takes the letter that is right most often in the task; `longest-option` the longest text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from terrascope_bench.blind.folds import habit
from terrascope_bench.blind.riddle import Riddle


def majority(riddles: Sequence[Riddle]) -> list[int | None]:
    """The commonest right letter, where one is more common than chance would have it."""
    return habit(riddles, lambda r: r.kind, lambda r: r.answer)


def majority_letter(answers: Iterable[str]) -> str:
    """The letter that is right most often, the first of equals."""
    seen = Counter(answers)
    return min(seen, key=lambda letter: (-seen[letter], letter))


def longest_option(riddles: Sequence[Riddle]) -> list[int | None]:
    """The longest option, the first of equals; nothing where all are equally long."""
    return [_longest(riddle.options) for riddle in riddles]


def _longest(options: Sequence[str]) -> int | None:
    lengths = [len(option) for option in options]
    return None if min(lengths) == max(lengths) else lengths.index(max(lengths))
