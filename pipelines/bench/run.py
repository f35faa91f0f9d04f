"""`run`: a model answers every question."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.bench.arguments import Bench, Seed
from pipelines.console import Force, Quiet


def run(
    model: Annotated[str, typer.Argument(help="random, majority, blind or gold.", metavar="MODEL")],
    bench: Bench,
    out: Annotated[Path, typer.Option("--out", "-o", help="Predictions to write (JSONL).")],
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Let a model answer every question; run again after a crash and it goes on."""
    from terrascope_bench.run import run_model

    with console.progress(model, "questions", quiet) as on_step:
        report = run_model(model, bench, out, seed=seed, on_step=on_step, force=force)
    resumed = f", {report.resumed} were there" if report.resumed else ""
    console.say(f"{out}: {report.answered} of {report.questions} questions answered{resumed}", quiet)
    if report.errors:
        console.fail([f"{kind}: {n} questions have no answer" for kind, n in report.errors.items()])
