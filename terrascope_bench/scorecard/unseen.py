"""What a model knows beyond its options: accuracy on the questions that no built-in blind solver gets right.

A solver gets a question where it is right and above chance in the question's task on this benchmark (its whole 95 %
interval is): what the others are right on is luck. So where no solver is above chance all questions are left, and of a
benchmark that leaks those that need the image; `n` says how many.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from terrascope_bench.scorecard.draws import Draws
from terrascope_bench.statistics import Sums, ratio
from terrascope_bench.tally import CODES, UNKNOWN, Tally


def ask(draws: Draws, tally: Tally) -> None:
    rows = np.flatnonzero(tally.blind == 0)
    right = tally.right[rows].astype(np.int8)
    draws.ask("unseen", np.stack([np.ones_like(right), right], axis=1), rows)


def table(draws: Draws, tally: Tally) -> dict[str, Any] | None:
    """By task and over all; None where the benchmark folder holds no blind answers."""
    if (tally.blind == UNKNOWN).all():
        return None
    return {
        "all": _entry(draws.whole("unseen")),
        **{code: _entry(draws.task("unseen", code)) for code in CODES},
    }


def _entry(sums: Sums) -> dict[str, Any]:
    return {"n": int(sums.total[0]), "accuracy": ratio(sums, 1, 0)}
