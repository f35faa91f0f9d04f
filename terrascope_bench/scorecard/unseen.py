"""What a model knows beyond its options: accuracy on the questions that no built-in blind solver gets right.

With several solvers, each right by chance on a share of the questions, few questions are left; `n` says how many. A
model that guesses without looking is at chance on them like on all others, unless it guesses as the solvers do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.scorecard.rows import AT, drawn
from terrascope_bench.statistics import ratio
from terrascope_bench.tally import CODES, UNKNOWN, Tally


def unseen(tally: Tally, rows: NDArray[np.int64], stem: NDArray[np.int64], seed: int) -> dict[str, Any] | None:
    """By task and over all; None where the benchmark folder holds no blind answers."""
    if (tally.blind == UNKNOWN).all():
        return None
    none_gets = tally.blind == 0
    groups = {"all": none_gets, **{code: none_gets & (tally.task == k) for k, code in enumerate(CODES)}}
    return {
        name: {"n": int(chosen.sum()), "accuracy": _accuracy(rows[chosen], stem[chosen], seed, name)}
        for name, chosen in groups.items()
    }


def _accuracy(rows: NDArray[np.int64], stem: NDArray[np.int64], seed: int, name: str) -> dict[str, float] | None:
    return ratio(drawn(rows, stem, seed, "unseen", name), AT["right"], AT["one"]) if len(rows) else None
