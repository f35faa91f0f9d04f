"""`blind`: how much of a benchmark needs no image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Json


def blind(
    bench: Annotated[Path, typer.Argument(help="Benchmark folder.", metavar="BENCH")],
    json: Json = False,
) -> None:
    """What programs get that see no image: by task, each blind solver's accuracy, and the share that needs no image."""
    from terrascope_bench.benchmark import open_benchmark
    from terrascope_bench.blind import report_of

    summary = report_of(open_benchmark(bench))
    if json:
        console.print_json(summary)
        return
    entries = [*summary["tasks"].items(), ("all", summary["overall"])]
    solvers = list(summary["overall"]["solvers"])
    rows = [
        [
            task,
            entry["n"],
            f"{entry['chance']:.3f}",
            *(_share(entry["solvers"][name]) for name in solvers),
            needs_no_image(entry),
        ]
        for task, entry in entries
    ]
    columns = ["task", "rows", "chance", *solvers, "needs no image"]
    console.print_table(f"{bench}: right without the image (- says nothing)", columns, rows)


def needs_no_image(entry: dict[str, Any] | None) -> str:
    """The share of a task that needs no image, with its interval."""
    value = None if entry is None else entry["needs_no_image"]
    return "-" if value is None else f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"


def _share(value: dict[str, float] | None) -> str:
    return "-" if value is None else f"{value['value']:.3f}"
