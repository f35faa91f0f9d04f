"""What a paper printed is repeated as printed, checked as far as it can be, and never mixed with what was scored here.

`reported.json` holds the rows and their source. A row is shown if its average follows from its task values: all are
rounded to `decimals` digits, so the mean of the rounded values may be off by half a unit of the last digit, and the
printed average by another half. A row without task values has nothing to follow from.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from math import fsum
from typing import Any

import orjson


def reported() -> dict[str, Any]:
    """`source`, the `rows` that hold, and those `refused` with the reason. Shares, 0 to 1."""
    told = orjson.loads(files(__package__).joinpath("reported.json").read_bytes())
    rows, refused = [], []
    for row in told["rows"]:
        reason = why_refused(row["tasks"], row["macro"], told["decimals"])
        if reason:
            refused.append({"origin": "reported", "name": row["model"], "reason": reason})
            continue
        values = dict(zip(told["tasks"], row["tasks"], strict=True))
        shares = {code: None if value is None else _share(value) for code, value in values.items()}
        rows.append({"model": row["model"], "tasks": shares, "macro": _share(row["macro"])})
    rows.sort(key=lambda row: (-row["macro"], row["model"]))
    source = {name: told[name] for name in ("title", "address", "benchmark")}
    return {"source": source, "rows": rows, "refused": refused}


def why_refused(tasks: Sequence[float | None], macro: float, decimals: int) -> str | None:
    """Why a printed average does not follow from the printed task values; None where it does."""
    values = [value for value in tasks if value is not None]
    if not values:
        return f"an average, {macro:.{decimals}f}, without the values of its tasks"
    mean = fsum(values) / len(values)
    if abs(mean - macro) > 10**-decimals + 1e-9:
        return f"the average {macro:.{decimals}f} does not follow from the tasks, whose mean is {mean:.{decimals + 1}f}"
    return None


def _share(percent: float) -> float:
    return round(percent / 100, 6)
