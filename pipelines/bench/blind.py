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

    entries = [*summary["tasks"].values(), summary["overall"]]
    solvers = sorted(summary["overall"]["solvers"], key=lambda name: [*SOLVERS, name].index(name))
    shares = [needs_no_image(entry) for entry in entries]
    rows = [
        ["rows", *(entry["n"] for entry in entries)],
        ["chance", *("-" if entry["chance"] is None else f"{entry['chance']:.3f}" for entry in entries)],
        *([name, *(_share(entry["solvers"][name]) for entry in entries)] for name in solvers),
        ["needs no image", *(share for share, _ in shares)],
        ["... at most", *(most for _, most in shares)],
    ]
    title = f"{bench}: right without the image (-: says nothing)"
    console.print_table(title, ["", *summary["tasks"], "all"], rows, least=[*reversed(summary["tasks"])])


def needs_no_image(entry: dict[str, Any] | None) -> tuple[str, str]:
    """The share of a task that needs no image, and the upper end of its interval."""
    value = None if entry is None else entry["needs_no_image"]
    return ("-", "-") if value is None else (f"{value['value']:.3f}", f"{value['high']:.3f}")


def _share(value: dict[str, float] | None) -> str:
    return "-" if value is None else f"{value['value']:.3f}"
