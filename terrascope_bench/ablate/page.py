"""An ablation as a page: ours beside what the paper reported, each ordering with its verdict, nothing rounded up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def page(table: dict[str, Any]) -> str:
    """Markdown of a table as `table.tabulate` made it."""
    seeds = ", ".join(map(str, table["seeds"]))
    asked = ", ".join(f"{count} questions shown as {shown}" for shown, count in table["benchmark"]["asked"].items())
    lines = [
        f"# Ablations: {table['recipe']}",
        "",
        f"Seeds {seeds}; {asked}. Percent right, macro over the tasks of the table. In brackets 95 %: over seeds",
        "(Student's t), then over questions (bootstrap, seeds pooled). *Reported* is what the paper printed, of a",
        "model of 8 billion parameters on its own benchmark: not reproduced here.",
    ]
    for group in table["groups"].values():
        lines += ["", f"## {group['title']}", "", *_arms(group)]
        if group["orderings"]:
            lines += ["", *_orderings(group["orderings"])]
    return "\n".join(lines) + "\n"


def _arms(group: dict[str, Any]) -> list[str]:
    codes = group["tasks"]
    rows = [["arm", "ours", "seeds", "questions", *codes, "gIoU", "as reported in the paper"]]
    for arm in group["arms"]:
        tasks = [percent(arm["tasks"][code]) for code in codes]
        giou = "-" if arm["giou"] is None else f"{arm['giou']:.2f}"
        rows.append(
            [arm["arm"], percent(arm["macro"]), between(arm["seeds"]), between(arm["questions"]), *tasks, giou,
             percent(arm["reported"])]
        )  # fmt: skip
    return _table(rows)


def _orderings(orderings: Sequence[dict[str, Any]]) -> list[str]:
    rows = [["the paper's ordering", "as reported", "ours", "seeds", "questions", "here it"]]
    rows += [
        [f"{entry['better']} > {entry['worse']}", points(entry["reported"]), points(entry["difference"]),
         between(entry["seeds"]), between(entry["questions"]), told(entry["verdict"])]
        for entry in orderings
    ]  # fmt: skip
    return _table(rows)


def told(verdict: str) -> str:
    return {"holds": "holds", "reversed": "is reversed", "undecided": "is undecided"}[verdict]


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+.1f}"


def between(interval: dict[str, float] | None) -> str:
    return "-" if interval is None else f"[{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *rest = (f"| {' | '.join(row)} |" for row in rows)
    return [head, f"|{'---|' * len(rows[0])}", *rest]
