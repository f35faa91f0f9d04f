"""Mask metrics by the label of the truth mask; a question is drawn with all its masks of the class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.scorecard.rows import AT, COLUMNS, drawn, metrics
from terrascope_bench.tally import CLASS_COLUMNS, Tally

CLASS_METRICS = ("giou", "ciou", "boundary_iou", "precision", "recall")


def classes(tally: Tally, stem: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """`n` is the number of truth masks of the class. Surplus masks have no truth, so they count in no class."""
    out = {}
    for label in sorted(tally.classes):
        pairs = tally.class_rows(label)
        rows = np.zeros((len(pairs), len(COLUMNS)), np.int64)
        for k, name in enumerate(CLASS_COLUMNS[1:], start=1):
            rows[:, AT[name]] = pairs[:, k]
        sums = drawn(rows, stem[pairs[:, 0]], seed, "class", label)
        found = metrics(sums)
        out[label] = {"n": int(sums.total[AT["known"]]), **{name: found[name] for name in CLASS_METRICS}}
    return out
