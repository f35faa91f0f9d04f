"""A scorecard's tables are a function of the tally, the seed and nothing else: the same tally gives the same digits.

`rows` has the metrics and their formulas. A section asks for its columns, all are drawn at once (`draws`), and it makes
its table of the sums; a further section is a file here and a line in each half of `tabulate`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from terrascope_bench.scorecard import calibration, classes, evidence, unseen, variants
from terrascope_bench.scorecard.classes import CLASS_METRICS
from terrascope_bench.scorecard.draws import Draws
from terrascope_bench.scorecard.extractors import extractors
from terrascope_bench.scorecard.rows import AT, GROUNDED, METRICS, metrics, question_rows
from terrascope_bench.statistics import mean_of_ratios
from terrascope_bench.tally import CODES, OUTCOMES, UNKNOWN, Tally

__all__ = ["CLASS_METRICS", "GROUNDED", "METRICS", "tabulate"]


def tabulate(tally: Tally, seed: int) -> dict[str, Any]:
    """Tasks, overall (macro: mean over the tasks that have questions; micro: over all questions), classes, analysis."""
    draws = Draws(tally)
    draws.ask("metrics", question_rows(tally))
    for section in (classes, evidence, calibration, variants, unseen):
        section.ask(draws, tally)
    draws.draw(seed)
    tasks = {}
    for number, code in enumerate(CODES):
        seen = Counter(tally.outcome[tally.task == number].tolist())
        counts = {"n": seen.total(), **{outcome.value: seen[k] for k, outcome in enumerate(OUTCOMES)}}
        tasks[code] = {**counts, **metrics(draws.task("metrics", code))}
    present = [draws.task("metrics", code) for code in CODES if tasks[code]["n"]]
    everything = draws.whole("metrics")
    macro = {
        name: mean_of_ratios(present, AT[above], AT[below], scale) for name, (above, below, scale) in METRICS.items()
    }
    return {
        "tasks": tasks,
        "overall": {"macro": macro, "micro": metrics(everything)},
        "classes": classes.table(draws, tally),
        "analysis": {
            "iou_when_right": evidence.split_iou(everything, right=True),
            "iou_when_wrong": evidence.split_iou(everything, right=False),
            "pearson_r": evidence.pearson(draws),
            "curve": evidence.curve(draws),
            "masks": evidence.mask_counts(tally),
            "faithfulness": {
                "asked": int(everything.total[AT["asked"]]),
                "letters": int((tally.flags["follows"] != UNKNOWN).sum()),
                "numbers": int((tally.flags["states"] != UNKNOWN).sum()),
            },
            "calibration": calibration.table(draws),
            "variants": variants.table(draws),
            "unseen": unseen.table(draws, tally),
            "extractors": extractors(tally),
        },
    }
