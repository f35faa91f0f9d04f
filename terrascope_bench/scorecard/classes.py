"""Mask metrics by the label of the truth mask; a question is drawn with all its masks of the class."""

from __future__ import annotations

from typing import Any

import numpy as np

from terrascope_bench.scorecard.draws import Draws
from terrascope_bench.scorecard.rows import METRICS
from terrascope_bench.statistics import ratio
from terrascope_bench.tally import CLASS_COLUMNS, Tally

CLASS_METRICS = ("giou", "ciou", "boundary_iou", "precision", "recall")
_AT = {name: k for k, name in enumerate(CLASS_COLUMNS[1:])}


def ask(draws: Draws, tally: Tally) -> None:
    for label in tally.classes:
        pairs = tally.class_rows(label)
        draws.ask(f"class {label}", np.ascontiguousarray(pairs[:, 1:]), pairs[:, 0])


def table(draws: Draws, tally: Tally) -> dict[str, Any]:
    """`n` is the number of truth masks of the class. Surplus masks have no truth, so they count in no class."""
    out: dict[str, Any] = {}
    for label in sorted(tally.classes):
        sums = draws.whole(f"class {label}")
        out[label] = {"n": int(sums.total[_AT["known"]])}
        for name in CLASS_METRICS:
            above, below, scale = METRICS[name]
            out[label][name] = ratio(sums, _AT[above], _AT[below], scale)
    return out
