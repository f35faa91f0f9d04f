"""`learned` looks for a leak that nobody thought of: boosted trees on features of the texts, asked about unseen tiles.

A model is trained for each pair of folds, on the three others; it has seen neither. A riddle's options are scored by
the mean of the four models that have not seen its fold, and whether these are to be believed is told by how they do on
the four other folds, none of which the model has seen either: a task's guesses count only where they are convincing
there (`folds.py`). So no answer has a part in the guess about itself, nor in whether that guess is believed.

The evidence of words (`words.py`) may only speak for an option, never against it: letters are balanced, so a word that
was right too often elsewhere is right too rarely here, and trees would learn that instead of a leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.blind.features import features
from terrascope_bench.blind.folds import FOLDS, convincing, fold_of
from terrascope_bench.blind.riddle import Riddle
from terrascope_bench.blind.words import Words

MIN_RIDDLES = 100
"""With fewer, a fold holds too few for anything to be convincing."""


def learned(riddles: Sequence[Riddle]) -> list[int | None]:
    """The option with the highest score, in tasks where the models prove better than guessing; else nothing."""
    return [guess.option if guess.believed else None for guess in guesses(riddles)]


@dataclass(frozen=True, slots=True)
class Guess:
    """What the models say about a riddle they have not seen, and whether they proved themselves on others."""

    option: int | None
    believed: bool


def guesses(riddles: Sequence[Riddle]) -> list[Guess]:
    """What `learned` would say, believed or not; nothing where there are too few riddles or folds."""
    folds = np.array([fold_of(riddle) for riddle in riddles], np.int64)
    if len(riddles) < MIN_RIDDLES or len(set(folds.tolist())) < FOLDS:
        return [Guess(None, False)] * len(riddles)
    scores = _scores(riddles, folds)
    starts = np.cumsum([0, *(len(riddle.options) for riddle in riddles)])
    hits: dict[tuple[int, tuple[str, int]], list[bool]] = {}
    for (first, second), score in scores.items():
        for number in np.flatnonzero((folds == first) | (folds == second)).tolist():
            mine, riddle = int(folds[number]), riddles[number]
            right = _best(score[starts[number] : starts[number + 1]]) == riddle.answer
            # A model's success on one fold of its pair speaks for it on the other.
            hits.setdefault((first + second - mine, riddle.kind), []).append(right)
    out = []
    for number, riddle in enumerate(riddles):
        fold = int(folds[number])
        own = [score[starts[number] : starts[number + 1]] for pair, score in scores.items() if fold in pair]
        proof = hits.get((fold, riddle.kind), [])
        out.append(Guess(_best(np.mean(own, axis=0)), convincing(sum(proof), len(proof), riddle.chance)))
    return out


def _best(scores: NDArray[np.float64]) -> int:
    """The highest score, the first of equals; rounded, so that the last bits of a machine decide nothing."""
    return int(np.argmax(scores.round(6)))


def _scores(riddles: Sequence[Riddle], folds: NDArray[np.int64]) -> dict[tuple[int, int], NDArray[np.float64]]:
    """For each pair of folds the scores (options of all riddles,) that a model of the others gives to the pair's."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from threadpoolctl import threadpool_limits

    counts = [len(riddle.options) for riddle in riddles]
    fold = np.repeat(folds, counts)
    truth = np.array([k == riddle.answer for riddle in riddles for k in range(len(riddle.options))], np.bool_)
    plain = features(riddles)
    words = Words(riddles, fold, truth, np.repeat([riddle.chance for riddle in riddles], counts))
    out = {}
    for pair in combinations(range(FOLDS), 2):
        rest = [number for number in range(FOLDS) if number not in pair]
        train, asked = np.flatnonzero(np.isin(fold, rest)), np.flatnonzero(np.isin(fold, pair))
        known = ~np.isnan(plain[train]).all(axis=0)
        learned_from = np.hstack([plain[train][:, known], _crossed(words, fold, train, rest)])
        model = HistGradientBoostingClassifier(
            max_iter=60,
            max_leaf_nodes=15,
            max_bins=64,
            min_samples_leaf=20,
            l2_regularization=1.0,
            monotonic_cst=[0] * int(known.sum()) + [1] * words.width,
            early_stopping=False,
            random_state=0,
        )
        # One thread: threads that wait for each other cost more than they bring on tables this small.
        with threadpool_limits(1):
            model.fit(learned_from, truth[train])
            score = np.zeros(len(fold))
            score[asked] = model.predict_proba(np.hstack([plain[asked][:, known], words.features(asked, rest)]))[:, 1]
        out[pair] = score
    return out


def _crossed(
    words: Words, fold: NDArray[np.int64], train: NDArray[np.int64], folds: Sequence[int]
) -> NDArray[np.float64]:
    """(train, words.width) evidence of words for the rows that are learned from, each from the other folds of these."""
    out = np.empty((len(train), words.width))
    for number in folds:
        rows = np.flatnonzero(fold == number)
        out[np.searchsorted(train, rows)] = words.features(rows, [other for other in folds if other != number])
    return out
