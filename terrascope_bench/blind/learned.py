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

LEAST_ROWS = 20
"""Options that a leaf of a first tree stands for, at least."""


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
    """The highest score, the first of equals; rounded, so that the last bits (of 32) of a machine decide nothing."""
    return int(np.argmax(scores.round(5)))


def _scores(riddles: Sequence[Riddle], folds: NDArray[np.int64]) -> dict[tuple[int, int], NDArray[np.float64]]:
    """For each pair of folds the scores (options of all riddles,) that a model of the others gives to the pair's."""
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
        asked_about = np.hstack([plain[asked][:, known], words.features(asked, rest)])
        score = np.zeros(len(fold))
        score[asked] = _trees(learned_from, truth[train], [0] * int(known.sum()) + [1] * words.width, asked_about)
        out[pair] = score
    return out


def _trees(
    learned_from: NDArray[np.float64], truth: NDArray[np.bool_], rising: list[int], asked: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(asked,) the probability that an option is the right one; where `rising` is 1, more never speaks against it."""
    import xgboost

    start = float(truth.mean())
    settings = {
        "objective": "binary:logistic",
        "base_score": start,  # stated: how it is estimated differs between versions
        "tree_method": "hist",
        "grow_policy": "lossguide",
        "max_depth": 0,
        "max_leaves": 15,
        "max_bin": 64,
        "learning_rate": 0.1,
        "reg_lambda": 1.0,
        # Not rows but their sum of p (1 - p): twenty rows of which nothing is known yet, more of what is nearly known.
        "min_child_weight": LEAST_ROWS * start * (1 - start),
        "monotone_constraints": tuple(rising),
        # One thread: threads that wait for each other cost more than they bring on tables this small, and the order
        # of sums must not depend on the machine.
        "nthread": 1,
        "seed": 0,
        "verbosity": 0,
    }
    train = xgboost.QuantileDMatrix(learned_from, truth, max_bin=64, nthread=1)
    model = xgboost.train(settings, train, num_boost_round=60)
    return np.asarray(model.inplace_predict(asked), np.float32)


def _crossed(
    words: Words, fold: NDArray[np.int64], train: NDArray[np.int64], folds: Sequence[int]
) -> NDArray[np.float64]:
    """(train, words.width) evidence of words for the rows that are learned from, each from the other folds of these."""
    out = np.empty((len(train), words.width))
    for number in folds:
        rows = np.flatnonzero(fold == number)
        out[np.searchsorted(train, rows)] = words.features(rows, [other for other in folds if other != number])
    return out
