"""`keep`: a benchmark of the questions that experts keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet


def keep(
    bench: Annotated[Path, typer.Argument(metavar="BENCH", help="The benchmark that was reviewed.")],
    consensus: Annotated[Path, typer.Option("--consensus", help="What `terra-cot review --export` wrote.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Benchmark folder to write.", metavar="BENCH2")],
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """The questions that every expert grades high, with repaired masks and their evidence measured again."""
    from terrascope_bench.review import keep_consensus

    console.need_folder(out)
    with console.progress("keep", "questions", quiet) as on_step:
        manifest = keep_consensus(bench, consensus, out, force=force, on_step=on_step)
    if json:
        console.print_json(manifest)
    elif not quiet:
        review = manifest["review"]
        rows: list[list[object]] = [
            ["kept", review["questions"]["kept"]],
            ["  with repaired masks", review["repaired"]],
        ]
        rows += [[f"dropped: {reason.replace('_', ' ')}", n] for reason, n in review["questions"]["dropped"].items()]
        console.print_table(f"{out} ({review['questions']['read']} read)", ["", "questions"], rows)
