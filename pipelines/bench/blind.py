"""`blind`: how much of a benchmark needs no image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Json, Quiet


def blind(
    bench: Annotated[Path, typer.Argument(help="Benchmark folder.", metavar="BENCH")],
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """What programs get that see no image: by task, each blind solver's accuracy, and the share that needs no image."""
    from terrascope_bench.benchmark import open_benchmark
    from terrascope_bench.blind import report_of

    summary = report_of(open_benchmark(bench))
    if json:
        console.print_json(summary)
    elif not quiet:
        _print(bench, summary)


def _print(bench: Path, summary: dict[str, Any]) -> None:
    from terrascope_bench.blind import SOLVERS

    entries = [*summary["tasks"].items(), ("all", summary["overall"])]
    solvers = sorted(
        summary["overall"]["solvers"], key=lambda name: (name not in SOLVERS, [*SOLVERS, name].index(name))
    )
    rows = [
        [
            task,
            entry["n"],
            "-" if entry["chance"] is None else f"{entry['chance']:.3f}",
            *(_share(entry["solvers"][name]) for name in solvers),
            *needs_no_image(entry),
        ]
        for task, entry in entries
    ]
    titles = [name.replace("-", " ") for name in solvers]
    columns = ["task", "rows", "chance", *titles, "needs no image", "at most"]
    console.print_table(f"{bench}: right without the image (- says nothing)", columns, rows)


def needs_no_image(entry: dict[str, Any] | None) -> tuple[str, str]:
    """The share of a task that needs no image, and the upper end of its interval."""
    value = None if entry is None else entry["needs_no_image"]
    return ("-", "-") if value is None else (f"{value['value']:.3f}", f"{value['high']:.3f}")


def _share(value: dict[str, float] | None) -> str:
    return "-" if value is None else f"{value['value']:.3f}"
