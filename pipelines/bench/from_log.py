"""`from-log`: what another harness recorded becomes a submission."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet
from terra_cot.counted import counted


def from_log(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="inspect-ai's .eval, or lmms-eval's samples (.jsonl).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Predictions to write (JSONL).")],
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Predictions from a log of inspect-ai or lmms-eval, to be scored like any others."""
    from dataclasses import asdict

    from terrascope_bench.adapters.logs import write_submission

    console.need_file(out, force, "predictions.jsonl")
    report = write_submission(log, out)
    if json:
        console.print_json({"predictions": str(out), **asdict(report)})
        return
    told = f"{out}: {counted(report.written, 'prediction')}"
    if report.errors:
        told += f", {report.errors} of them errors"
    if report.left_out:
        told += f"; {counted(report.left_out, 'sample')} neither scored nor failed"
    console.say(told, quiet)
