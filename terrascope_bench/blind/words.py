"""How often options were right whose words met these words of a question, or this place: evidence from other folds.

Each option of a riddle has crosses of several kinds (a word of the question x its letter, x its rank, x a word of the
option, ...). A cross that stood beside the right option more often than chance has positive evidence, in log-odds. An
option's features are the mean and the largest evidence of each kind of its crosses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.blind.class_prior import classes_in
from terrascope_bench.blind.riddle import Riddle

BUCKETS = 1 << 16
SMOOTHING = 8.0
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Kind:
    """Crosses of one kind: `row` (n,) the option they belong to, ascending; `bucket` (n,) their hash."""

    row: NDArray[np.int64]
    bucket: NDArray[np.int64]


class Words:
    """Evidence of the words of many riddles, for any choice of folds to learn from."""

    def __init__(
        self, riddles: Sequence[Riddle], folds: NDArray[np.int64], truth: NDArray[np.bool_], chance: NDArray[np.float64]
    ) -> None:
        """`folds`, `truth` and `chance` are those of each option (rows,)."""
        self.folds, self.chance = folds, chance
        self.kinds = _crosses(riddles)
        count = int(folds.max(initial=0)) + 1
        self._seen, self._right, self._expected = (
            [_tally(kind, folds, weight, count) for kind in self.kinds]
            for weight in (np.ones(len(truth)), truth.astype(np.float64), chance)
        )

    @property
    def width(self) -> int:
        """Features of an option."""
        return 2 * len(self.kinds)

    def features(self, rows: NDArray[np.int64], learn: Iterable[int]) -> NDArray[np.float64]:
        """(rows, 2 x kinds) evidence of options `rows` (ascending), learned from the folds `learn`."""
        chosen = list(learn)
        place = np.full(len(self.folds), -1)
        place[rows] = np.arange(len(rows))
        columns = []
        for kind, seen, right, expected in zip(self.kinds, self._seen, self._right, self._expected, strict=True):
            n, hits, chance = (tally[chosen].sum(axis=0) for tally in (seen, right, expected))
            with np.errstate(invalid="ignore", divide="ignore"):
                usual = np.where(n > 0, chance / n, 0.5)
            share = (hits + SMOOTHING * usual) / (n + SMOOTHING)
            evidence = np.log(share / (1 - share)) - np.log(usual / (1 - usual))
            keep = place[kind.row] >= 0
            at, found = place[kind.row[keep]], evidence[kind.bucket[keep]]
            crosses = np.bincount(at, minlength=len(rows))
            mean = np.bincount(at, found, len(rows)) / np.maximum(crosses, 1)
            largest = np.full(len(rows), -np.inf)
            np.maximum.at(largest, at, found)
            columns += [mean, np.where(crosses > 0, largest, 0.0)]
        return np.stack(columns, axis=1).round(9)


def _tally(kind: _Kind, folds: NDArray[np.int64], weight: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """(folds, BUCKETS) sum of `weight` of the options that have a cross."""
    at = folds[kind.row] * BUCKETS + kind.bucket
    sums: NDArray[np.float64] = np.bincount(at, weight[kind.row], count * BUCKETS).astype(np.float64)
    return sums.reshape(count, BUCKETS)


def _crosses(riddles: Sequence[Riddle]) -> list[_Kind]:
    told = _telling(riddles)
    kinds: list[tuple[list[int], list[int]]] = [([], []) for _ in range(7)]
    row = 0
    for riddle in riddles:
        asked = sorted(_words(riddle.question) - told[riddle.kind])
        wording = " ".join(_WORD.findall(riddle.question.casefold()))
        named = "+".join(sorted(classes_in(riddle.question)))
        ranks = riddle.ranks() if riddle.values is not None else []
        for k, option in enumerate(riddle.options):
            for kind, names in enumerate(_names(asked, wording, named, k, ranks.index(k) if ranks else None, option)):
                buckets = sorted({_bucket(*riddle.kind, kind, *name) for name in names})
                kinds[kind][0].extend([row] * len(buckets))
                kinds[kind][1].extend(buckets)
            row += 1
    return [_Kind(np.array(rows, np.int64), np.array(buckets, np.int64)) for rows, buckets in kinds]


def _names(
    asked: Sequence[str], wording: str, named: str, letter: int, rank: int | None, option: str
) -> Iterator[list[tuple[object, ...]]]:
    """The crosses of one option, kind by kind."""
    words = sorted(_words(option))
    yield [(word, letter) for word in asked]
    yield [(word, rank) for word in asked if rank is not None]
    yield [(word, other) for word in asked for other in words]
    yield [(word,) for word in words]
    yield [(wording, letter)]
    yield [(wording, option.casefold())]
    yield [(named, letter), (named, option.casefold())]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _telling(riddles: Sequence[Riddle]) -> dict[tuple[str, int], set[str]]:
    """By kind of riddle the words that stand in every question, which tell nothing."""
    seen: dict[tuple[str, int], Counter[str]] = {}
    total: Counter[tuple[str, int]] = Counter()
    for riddle in riddles:
        seen.setdefault(riddle.kind, Counter()).update(_words(riddle.question))
        total[riddle.kind] += 1
    return {kind: {word for word, n in counts.items() if n == total[kind]} for kind, counts in seen.items()}


def _bucket(*names: object) -> int:
    return crc32("\x1f".join(map(str, names)).encode()) % BUCKETS
