"""One question shown in several ways: by variant, how consistent the answers are, and what a further sensor gains.

Variants of a stem (`opt`, `sar`, `opt+sar`, on two dates `...-pair`) ask the same of the same ground. `gain` is the
accuracy of the richer variant less that of the poorer, over the stems that have both, drawn together.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.masks import NANO
from terrascope_bench.question import split_id
from terrascope_bench.scorecard.rows import AT, drawn
from terrascope_bench.statistics import ratio, resample
from terrascope_bench.tally import UNKNOWN, Tally

ORDER = ("opt", "sar", "opt+sar", "opt-pair", "sar-pair", "opt+sar-pair")
"""From poorer to richer, as far as there is an order."""


def variants(tally: Tally, rows: NDArray[np.int64], stem: NDArray[np.int64], seed: int) -> dict[str, Any]:
    shown = np.array([ORDER.index(name) if name else UNKNOWN for name in (split_id(q)[1] for q in tally.ids)], np.int64)
    present = [k for k in range(len(ORDER)) if (shown == k).any()]
    return {
        "by_variant": {ORDER[k]: _scores(rows[shown == k], stem[shown == k], seed, ORDER[k]) for k in present},
        "gains": [gain for a, b in combinations(present, 2) if (gain := _pair(tally, shown, stem, a, b, seed))],
    }


def _scores(rows: NDArray[np.int64], stem: NDArray[np.int64], seed: int, name: str) -> dict[str, Any]:
    sums = drawn(rows, stem, seed, "variant", name)
    return {
        "n": len(rows),
        "accuracy": ratio(sums, AT["right"], AT["one"]),
        "giou": ratio(sums, AT["iou"], AT["known"], NANO),
    }


def _pair(
    tally: Tally, shown: NDArray[np.int64], stem: NDArray[np.int64], a: int, b: int, seed: int
) -> dict[str, Any] | None:
    first, second = np.flatnonzero(shown == a), np.flatnonzero(shown == b)
    both, at_first, at_second = np.intersect1d(stem[first], stem[second], return_indices=True)
    if not len(both):
        return None
    first, second = first[at_first], second[at_second]
    right = tally.right.astype(np.int64)
    same = (tally.letter[first] == tally.letter[second]) & (tally.letter[first] != UNKNOWN)
    table = np.stack(
        [np.ones(len(both), np.int64), right[second] - right[first], same, right[first] & right[second]], axis=1
    )
    sums = resample(table[np.argsort(first)], seed, "gain", ORDER[a], ORDER[b])
    return {
        "of": ORDER[b],
        "over": ORDER[a],
        "n": len(both),
        "gain": ratio(sums, 1, 0),
        "same_letter": ratio(sums, 2, 0),
        "both_right": ratio(sums, 3, 0),
    }
