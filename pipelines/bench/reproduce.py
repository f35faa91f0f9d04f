"""`reproduce`: a scorecard made again, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Json, Quiet
from terra_cot.counted import counted


def reproduce(
    scorecard: Annotated[Path, typer.Argument(metavar="SCORECARD", help="A scorecard that `score` wrote.")],
    bench: Annotated[
        Path | None, typer.Option("--bench", "-b", help="Benchmark folder; else where the scorecard says.")
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", "-p", help="Predictions; else where the scorecard says.")
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Score again from the recorded inputs. Exit code 1 if one digit differs, 2 if an input is not the recorded one."""
    from dataclasses import asdict

    from terrascope_bench.reproduce import reproduce as make_again

    with console.progress("score", "predictions", quiet) as on_step:
        found = make_again(scorecard, bench=bench, predictions=predictions, on_step=on_step)
    if json:
        console.print_json({"scorecard": str(scorecard), **asdict(found)})
        raise typer.Exit(1 if found.differences else 0)
    for note in found.notes:
        console.say(f"{scorecard}: {note}", quiet)
    if found.differences:
        console.fail([f"{scorecard}: {difference}" for difference in found.differences])
    console.say(f"{scorecard}: reproduced, bit for bit ({counted(found.questions, 'row')})", quiet)
