"""`validate`: the defects of a submission, before any score."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import console
from pipelines.bench.arguments import Bench
from pipelines.console import Json, Quiet
from terra_cot.counted import counted

if TYPE_CHECKING:
    from terrascope_bench.submission.inventory import Inventory

_IN_JSON = 10_000
"""Defects that `--json` lists at most."""


def validate(
    predictions: Annotated[
        Path, typer.Argument(help="JSONL (also .gz), Parquet, or the official scripts' JSON.", metavar="PREDICTIONS")
    ],
    bench: Bench,
    resize: Annotated[bool, typer.Option("--resize", help="Let masks of another size pass, as `score` does.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Print the first N defects, not 5 of each kind."),
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Every defect of a submission with its line, and what looks like a slip. Exit code 1 if there is a defect.

    A file that is of no format that is read is an error, exit code 2. A warning changes no exit code: what it names is
    scored as it stands.
    """
    from terra_cot.visible import visible
    from terrascope_bench.submission.inventory import inspect_submission

    with console.progress("validate", "bytes", quiet) as on_step:
        found = inspect_submission(predictions, bench, resize=resize, limit=limit or _IN_JSON, on_bytes=on_step)
    if json:
        console.print_json(found.to_json())
        raise typer.Exit(1 if found.n else 0)
    name = visible(str(predictions))
    for line in _few(found) if limit is None else _first(found):
        typer.echo(f"{name}: {line}" if line[0] != "." else line, err=True)
    if not quiet:
        for doubt in found.doubts.lines():
            typer.echo(f"{name}: warning: {doubt}", err=True)
        _print(name, found)
    if found.n:
        raise typer.Exit(1)


def _few(found: Inventory) -> Iterator[str]:
    """The first few defects of each kind, and how many more there are of it."""
    for kind, n in found.by_kind.items():
        yield from map(str, found.examples[kind])
        left = n - len(found.examples[kind])
        if left:
            yield f"... and {counted(left, 'more defect')} of this kind ({kind})"


def _first(found: Inventory) -> Iterator[str]:
    yield from map(str, found.defects)
    if found.n > len(found.defects):
        yield f"... and {found.n - len(found.defects)} more"


def _print(name: str, found: Inventory) -> None:
    rows: list[list[object]] = [
        ["lines without a defect", found.sound],
        ["  with a response", found.responses],
        ["  with an answer", found.answers],
        ["  with an error", found.errors],
        ["  with a confidence", found.confidences],
        ["  with masks", found.with_masks],
        ["masks in them", found.masks],
        ["benchmark rows without such a line", found.missing],
        ["lines with a defect", found.unsound],
        ["defects", found.n],
        *([f"  {kind}", count] for kind, count in found.by_kind.most_common()),
    ]
    verdict = counted(found.n, "defect") if found.n else "no defect"
    console.print_table(f"{name}: {verdict}; the benchmark has {found.asked}", ["", "n"], rows)
