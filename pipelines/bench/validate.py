"""`validate`: the defects of a submission, before any score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import console
from pipelines.bench.arguments import Bench
from pipelines.console import Json, Quiet

if TYPE_CHECKING:
    from terrascope_bench.submission.inventory import Inventory


def validate(
    predictions: Annotated[
        Path, typer.Argument(help="JSONL (also .gz), Parquet, or the official scripts' JSON.", metavar="PREDICTIONS")
    ],
    bench: Bench,
    resize: Annotated[bool, typer.Option("--resize", help="Let masks of another size pass, as `score` does.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Defects printed at most; all are counted.")] = 10_000,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Every defect of a submission with its line number. Exit code 1 if there is any."""
    from terra_cot.visible import visible
    from terrascope_bench.submission.inventory import inspect_submission

    with console.progress("validate", "bytes", quiet) as on_step:
        found = inspect_submission(predictions, bench, resize=resize, limit=limit, on_bytes=on_step)
    if json:
        console.print_json(found.to_json())
        raise typer.Exit(1 if found.n else 0)
    name = visible(str(predictions))
    lines = [f"{name}: {defect}" for defect in found.defects]
    if found.n > len(lines):
        lines.append(f"... and {found.n - len(lines)} more")
    for line in lines:
        typer.echo(line, err=True)
    if not quiet:
        _print(name, found)
    if found.n:
        raise typer.Exit(1)


def _print(name: str, found: Inventory) -> None:
    rows: list[list[object]] = [
        ["questions", found.questions],
        ["without a sound line", found.missing],
        ["sound lines", found.sound],
        ["  with a response", found.responses],
        ["  with an answer", found.answers],
        ["  with an error", found.errors],
        ["  with a confidence", found.confidences],
        ["  with masks", found.with_masks],
        ["masks", found.masks],
        ["unsound lines", found.unsound],
        ["defects", found.n],
        *([f"  {kind}", count] for kind, count in found.by_kind.most_common()),
    ]
    console.print_table(f"{name}: {f'{found.n} defects' if found.n else 'no defect'}", ["", "n"], rows)
