"""How answers and masks hang together: IoU on right and wrong answers, Pearson's r, grounded accuracy by threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from terrascope_bench.masks import NANO
from terrascope_bench.scorecard.draws import Draws
from terrascope_bench.scorecard.rows import AT
from terrascope_bench.statistics import Sums, Value, correlation, ratio
from terrascope_bench.tally import CODES, Tally

THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_STEPS = 10_000  # r is taken of IoU in steps of 1e-4: sums of squares stay whole numbers


def split_iou(sums: Sums, *, right: bool) -> Value:
    """Mean IoU of the questions answered right, or of all others."""
    first, second = AT["iou_right"], AT["known_right"]
    if not right:
        total, again = sums.total.copy(), sums.drawn.copy()
        for part, whole in ((first, AT["iou"]), (second, AT["known"])):
            total[part] = total[whole] - total[part]
            again[:, part] = again[:, whole] - again[:, part]
        sums = Sums(total, again)
    return ratio(sums, first, second, NANO)


def ask(draws: Draws, tally: Tally) -> None:
    known = np.flatnonzero(tally.known)
    right, iou = tally.right[known].astype(np.int64), tally.whole["iou"][known]
    step = np.rint(iou / (NANO / _STEPS)).astype(np.int64)
    draws.ask("pearson", np.stack([np.ones_like(right), right, step, right, step * step, right * step], axis=1), known)
    reached = iou[:, None] >= np.array([round(threshold * NANO) for threshold in THRESHOLDS])
    one = np.ones((len(known), 1), np.int8)
    both = reached & (right[:, None] == 1)
    draws.ask("curve", np.concatenate([one, both.astype(np.int8), reached.astype(np.int8)], axis=1), known)


def pearson(draws: Draws) -> dict[str, Value]:
    """r of right (0 or 1) and IoU, over all questions with evidence (`all`) and within each task."""
    return {
        "all": correlation(draws.whole("pearson"), *range(6)),
        **{code: correlation(draws.task("pearson", code), *range(6)) for code in CODES},
    }


def curve(draws: Draws) -> list[dict[str, Any]]:
    """Of the questions with evidence: those that reach an IoU of each threshold, and those that are right as well."""
    sums = draws.whole("curve")
    if not sums.total[0]:
        return []
    return [
        {
            "threshold": threshold,
            "grounded_accuracy": ratio(sums, 1 + k, 0),
            "reached": ratio(sums, 1 + len(THRESHOLDS) + k, 0),
        }
        for k, threshold in enumerate(THRESHOLDS)
    ]


def mask_counts(tally: Tally) -> dict[str, int]:
    known = tally.known
    return {
        "questions": int(known.sum()),
        "missing": int(tally.whole["missing"][known].sum()),
        "surplus": int(tally.whole["surplus"][known].sum()),
        "empty_pairs": tally.empty_pairs,
    }
