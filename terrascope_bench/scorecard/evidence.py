"""How answers and masks hang together: IoU on right and wrong answers, Pearson's r, grounded accuracy by threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.masks import NANO
from terrascope_bench.scorecard.rows import AT, drawn
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


def pearson(tally: Tally, stem: NDArray[np.int64], seed: int) -> dict[str, Value]:
    """r of right (0 or 1) and IoU, over all questions with evidence (`all`) and within each task."""
    right = tally.right.astype(np.int64)
    iou = np.rint(tally.whole["iou"] / (NANO / _STEPS)).astype(np.int64)
    rows = np.stack([np.ones_like(right), right, iou, right, iou * iou, right * iou], axis=1)
    parts = {
        code: drawn(rows[chosen], stem[chosen], seed, "pearson", code)
        for code, chosen in ((code, tally.known & (tally.task == k)) for k, code in enumerate(CODES))
        if chosen.any()
    }
    everything = sum(parts.values(), start=Sums.nothing(rows.shape[1]))
    return {
        "all": correlation(everything, *range(6)),
        **{code: correlation(parts[code], *range(6)) if code in parts else None for code in CODES},
    }


def curve(tally: Tally, stem: NDArray[np.int64], seed: int) -> list[dict[str, Any]]:
    """Of the questions with evidence: those that reach an IoU of each threshold, and those that are right as well."""
    known = tally.known
    if not known.any():
        return []
    iou, right = tally.whole["iou"][known], tally.right[known]
    columns = [np.ones(len(iou), np.int64)]
    for threshold in THRESHOLDS:
        reached = iou >= round(threshold * NANO)
        columns += [(reached & right).astype(np.int64), reached.astype(np.int64)]
    sums = drawn(np.stack(columns, axis=1), stem[known], seed, "curve")
    return [
        {
            "threshold": threshold,
            "grounded_accuracy": ratio(sums, 1 + 2 * k, 0),
            "reached": ratio(sums, 2 + 2 * k, 0),
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
