"""`blind`: how much of a benchmark can be answered without its images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Json, Quiet

GUESSABLE = "guessable (95 %)"
WHAT_IS_GUESSABLE = (
    "guessable: share of the questions that the best program answers rightly without the image, beyond chance"
)


def blind(
    bench: Annotated[Path, typer.Argument(help="Benchmark folder.", metavar="BENCH")],
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """How many questions programs answer without the image: each one's accuracy by task, and what can be guessed."""
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
    rows = [
        ["rows", *(entry["n"] for entry in entries)],
        ["chance", *("-" if entry["chance"] is None else f"{entry['chance']:.3f}" for entry in entries)],
        *([name, *(_share(entry["solvers"][name]) for entry in entries)] for name in solvers),
        ["guessable", *(_share(entry["needs_no_image"]) for entry in entries)],
        ["  at most", *(_share(entry["needs_no_image"], "high") for entry in entries)],
    ]
    title = f"{bench}: accuracy without the image (-: no answer)"
    console.print_table(title, ["", *summary["tasks"], "all"], rows, least=[*reversed(summary["tasks"])])
    console.say(f"{WHAT_IS_GUESSABLE}; at most: the upper end of its 95 % interval")


def guessable(entry: dict[str, Any] | None) -> str:
    """The share of a task that can be answered without the image, and its interval."""
    value = None if entry is None else entry["needs_no_image"]
    return "-" if value is None else f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"


def _share(value: dict[str, float] | None, part: str = "value") -> str:
    return "-" if value is None else f"{value[part]:.3f}"
