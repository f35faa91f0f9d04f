"""The labels that docs/predictions.md names are those of the legends, with every other word that is taken for one."""

from __future__ import annotations

from pathlib import Path

from terra_cot.legend import LEGENDS
from terrascope_bench.judge import aliases
from terrascope_bench.masks import name_of
from terrascope_bench.tasks import TASKS
from terrascope_bench.tasks.building_change import BUILDING, DESTROYED

PAGE = Path(__file__).parents[3] / "docs" / "predictions.md"
LAND = ("worldcover", "corine-19")


def label_table() -> str:
    """The part of the page: a table for the classes of the benchmark, then the publishers' own."""
    words: dict[str, list[str]] = {}
    for legend in LAND:
        back = {label: word for word, label in aliases(legend, "display").items()}
        for entry in LEGENDS[legend].display:
            found = words.setdefault(entry.name, [])
            found += [back[name_of(entry.name)]] if name_of(entry.name) in back and not found else []
    for label in (BUILDING, DESTROYED):
        words[label] = [word for word, of in aliases("xbd-damage", "native").items() if of == label]
    lines = ["| label | as good as it |", "|---|---|"]
    lines += [f"| `{label}` | {', '.join(f'`{word}`' for word in others) or '-'} |" for label, others in words.items()]
    lines += ["", "A benchmark built with `--classes native` asks for the publisher's classes:", ""]
    for legend, title in zip(LAND, ("WorldCover", "CORINE (BigEarthNet)"), strict=True):
        back = {label: word for word, label in aliases(legend, "native").items()}
        names = [
            f"`{entry.name}`" + (f" (or `{back[name_of(entry.name)]}`)" if name_of(entry.name) in back else "")
            for entry in LEGENDS[legend].native
        ]
        lines.append(f"- {title}: {', '.join(names)}.")
    return "\n".join(lines) + "\n"


def test_the_page_has_the_table() -> None:
    assert label_table() in PAGE.read_text(encoding="utf-8"), f"write it into {PAGE}:\n{label_table()}"


def test_no_task_asks_about_another_legend() -> None:
    asked = {task.legend_kind for task in TASKS.values()}
    assert {entry.kind for name, entry in LEGENDS.items() if name in (*LAND, "xbd-damage")} == asked
