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
from terrascope_bench.scorecard.draws import Draws
from terrascope_bench.statistics import ratio
from terrascope_bench.tally import UNKNOWN, Tally

ORDER = ("opt", "sar", "opt+sar", "opt-pair", "sar-pair", "opt+sar-pair")
"""From poorer to richer, as far as there is an order."""


def ask(draws: Draws, tally: Tally) -> None:
    names = (split_id(name)[1] for name in tally.ids)
    shown = np.fromiter((ORDER.index(name) if name else UNKNOWN for name in names), np.int64)
    right, known = tally.right.astype(np.int64), tally.known
    columns = np.stack([np.ones_like(right), right, known, np.where(known, tally.whole["iou"], 0)], axis=1)
    rows = {name: np.flatnonzero(shown == k) for k, name in enumerate(ORDER)}
    for name in ORDER:
        draws.ask(f"variant {name}", columns[rows[name]], rows[name])
    for poorer, richer in combinations(ORDER, 2):
        first, second = _paired(draws.stem, rows[poorer], rows[richer])
        same = (tally.letter[first] == tally.letter[second]) & (tally.letter[first] != UNKNOWN)
        gain = [np.ones_like(first), right[second] - right[first], same, right[first] & right[second]]
        draws.ask(f"{richer} over {poorer}", np.stack(gain, axis=1).astype(np.int8), first)


def table(draws: Draws) -> dict[str, Any]:
    by_variant = {}
    for name in ORDER:
        sums = draws.whole(f"variant {name}")
        if n := int(sums.total[0]):
            by_variant[name] = {"n": n, "accuracy": ratio(sums, 1, 0), "giou": ratio(sums, 3, 2, NANO)}
    gains = []
    for poorer, richer in combinations(by_variant, 2):
        sums = draws.whole(f"{richer} over {poorer}")
        if n := int(sums.total[0]):
            values = {"gain": ratio(sums, 1, 0), "same_letter": ratio(sums, 2, 0), "both_right": ratio(sums, 3, 0)}
            gains.append({"of": richer, "over": poorer, "n": n, **values})
    return {"by_variant": by_variant, "gains": gains}


def _paired(
    stem: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the stems that both have."""
    _, at_first, at_second = np.intersect1d(stem[first], stem[second], return_indices=True)
    return first[at_first], second[at_second]
