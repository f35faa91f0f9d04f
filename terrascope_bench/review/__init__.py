"""Experts check questions blind to each other; what all of them grade high is kept, the rest has a reason.

Paper, stage 3: mask, answer, distractors and clarity are graded low, medium or high, cross-validated, and only
unanimous "high" is kept. `items` reads what is reviewed, `checks` is one expert's word on it, `deal` gives each
question to its experts, `ledger` keeps every answer (SQLite), `agreement` and `progress` measure, `consensus` decides
and exports, `repair` measures again what was repaired, `keep` writes the benchmark that is left. `guard`, `door`, `web`
and `serve` are the local web application.
"""

from __future__ import annotations

from terrascope_bench.review.checks import CHECKS, GRADES, Review
from terrascope_bench.review.consensus import export_consensus
from terrascope_bench.review.keep import keep_consensus
from terrascope_bench.review.ledger import open_ledger
from terrascope_bench.review.progress import progress

__all__ = ["CHECKS", "GRADES", "Review", "export_consensus", "keep_consensus", "open_ledger", "progress"]
