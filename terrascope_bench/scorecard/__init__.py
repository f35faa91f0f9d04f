"""A scorecard's tables are a function of the tally, the seed and nothing else: the same tally gives the same digits.

`rows` has the metrics and their formulas; a further section is a file here and a line below.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from terrascope_bench.scorecard.calibration import calibration
from terrascope_bench.scorecard.classes import CLASS_METRICS, classes
from terrascope_bench.scorecard.evidence import curve, mask_counts, pearson, split_iou
from terrascope_bench.scorecard.extractors import extractors
from terrascope_bench.scorecard.rows import AT, COLUMNS, GROUNDED, METRICS, drawn, metrics, question_rows, stems
from terrascope_bench.scorecard.unseen import unseen
from terrascope_bench.scorecard.variants import variants
from terrascope_bench.statistics import Sums, mean_of_ratios
from terrascope_bench.tally import CODES, OUTCOMES, UNKNOWN, Tally

__all__ = ["CLASS_METRICS", "GROUNDED", "METRICS", "tabulate"]


def tabulate(tally: Tally, seed: int) -> dict[str, Any]:
    """Tasks, overall (macro: mean over the tasks that have questions; micro: over all questions), classes, analysis."""
    rows, stem = question_rows(tally), stems(tally)
    sums, counts = {}, {}
    for k, code in enumerate(CODES):
        chosen = tally.task == k
        sums[code] = drawn(rows[chosen], stem[chosen], seed, "task", code)
        seen = Counter(tally.outcome[chosen].tolist())
        counts[code] = {"n": int(chosen.sum()), **{outcome.value: seen[i] for i, outcome in enumerate(OUTCOMES)}}
    present = [sums[code] for code in CODES if counts[code]["n"]]
    everything = sum(present, start=Sums.nothing(len(COLUMNS)))
    macro = {
        name: mean_of_ratios(present, AT[above], AT[below], scale) for name, (above, below, scale) in METRICS.items()
    }
    return {
        "tasks": {code: {**counts[code], **metrics(sums[code])} for code in CODES},
        "overall": {"macro": macro, "micro": metrics(everything)},
        "classes": classes(tally, stem, seed),
        "analysis": {
            "iou_when_right": split_iou(everything, right=True),
            "iou_when_wrong": split_iou(everything, right=False),
            "pearson_r": pearson(tally, stem, seed),
            "curve": curve(tally, stem, seed),
            "masks": mask_counts(tally),
            "faithfulness": {
                "asked": int(everything.total[AT["asked"]]),
                "letters": int((tally.flags["follows"] != UNKNOWN).sum()),
                "numbers": int((tally.flags["states"] != UNKNOWN).sum()),
            },
            "calibration": calibration(tally, stem, seed),
            "variants": variants(tally, rows, stem, seed),
            "unseen": unseen(tally, rows, stem, seed),
            "extractors": extractors(tally),
        },
    }
