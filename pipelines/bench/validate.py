"""`validate`: the defects of a submission, before any score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.bench.arguments import Bench
from pipelines.console import Json, Quiet


def validate(
    predictions: Annotated[Path, typer.Argument(help="JSONL or Parquet.", metavar="PREDICTIONS")],
    bench: Bench,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Defects printed at most; all are counted.")] = 10_000,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Every defect of a submission with its line number. Exit code 1 if there is any."""
    from dataclasses import asdict
    from itertools import islice

    from terrascope_bench.benchmark import open_benchmark
    from terrascope_bench.prediction import Expected
    from terrascope_bench.submission import find_defects

    questions = {q.question_id: Expected.of(q) for q in open_benchmark(bench).questions(images=False)}
    found = find_defects(predictions, questions)
    shown = list(islice(found, limit))
    more = sum(1 for _ in found)
    if json:
        console.print_json({"defects": [asdict(defect) for defect in shown], "n": len(shown) + more})
        raise typer.Exit(1 if shown else 0)
    if shown:
        lines = [f"{predictions}: {defect}" for defect in shown]
        if more:
            lines.append(f"... and {more} more")
        console.fail(lines, limit=len(lines))
    console.say(f"{predictions}: no defect", quiet)
