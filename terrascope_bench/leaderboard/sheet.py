"""The rows as CSV: a spreadsheet must not take a model's name for a formula.

Shares are 0 to 1; what there is nothing to measure for is empty. Reported rows have no rank, interval or hash.
"""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from terra_cot.visible import visible
from terrascope_bench.tasks import TASKS

_BOUNDS = ("value", "low", "high")
_OVERALL = (
    ("macro", "macro", "accuracy"),
    ("micro", "micro", "accuracy"),
    ("giou", "macro", "giou"),
    ("grounded_accuracy", "macro", "grounded_accuracy"),
    ("faithfulness", "macro", "faithfulness"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
COLUMNS = (
    *("origin", "benchmark", "extractor", "rank", "model"),
    *(_name for name in (*TASKS, *(entry[0] for entry in _OVERALL)) for _name in (name, f"{name}_low", f"{name}_high")),
    *("questions", "answered", "predictions_sha256", "code_version"),
)


def sheet(board: dict[str, Any]) -> str:
    """CSV of the value of `leaderboard.schema.json`: scored rows, then reported ones."""
    buffer = StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for ranking in board["rankings"]:
        for row in ranking["rows"]:
            writer.writerow(_scored(ranking, row))
    for row in board["reported"]["rows"]:
        tasks = {code: "" if value is None else value for code, value in row["tasks"].items()}
        source = board["reported"]["source"]
        writer.writerow(
            {"origin": "reported", "benchmark": source["title"], "model": row["model"], "macro": row["macro"], **tasks}
        )
    return buffer.getvalue()


def _scored(ranking: dict[str, Any], row: dict[str, Any]) -> dict[str, object]:
    out: dict[str, object] = {
        "origin": "scored",
        "benchmark": ranking["benchmark"]["sha256"],
        "extractor": ranking["extractor"],
        "rank": row["rank"],
        "model": _text(row["model"]),
        "questions": ranking["benchmark"]["n"],
        "answered": row["predictions"]["n"],
        "predictions_sha256": row["predictions"]["sha256"],
        "code_version": _text(row["code_version"]),
    }
    values = {code: task["accuracy"] for code, task in row["tasks"].items()}
    values |= {name: row["overall"][average][metric] for name, average, metric in _OVERALL}
    for name, value in values.items():
        if value is not None:
            out |= {name if bound == "value" else f"{name}_{bound}": value[bound] for bound in _BOUNDS}
    return out


def _text(text: str) -> str:
    """Text that no spreadsheet calculates: a leading apostrophe marks it as text."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
