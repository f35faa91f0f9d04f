"""`import`: the published file becomes a benchmark folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.bench.arguments import Seed
from pipelines.bench.blind import GUESSABLE, WHAT_IS_GUESSABLE, guessable
from pipelines.console import Force, Json, Quiet

_UNITS = {"scan": "pairs", "tile": "tiles", "questions": "tiles", "rows": "rows", "blind": "questions"}


def import_(
    published: Annotated[Path, typer.Argument(metavar="PARQUET", help="The published benchmark file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Benchmark folder to write.", metavar="BENCH")],
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="Root of ChatEarthNet and BigEarthNet label maps: restores evidence masks."),
    ] = None,
    xbd: Annotated[
        Path | None,
        typer.Option("--xbd", help="Root of an xBD archive: makes the absent building change questions again."),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """The published benchmark as a folder to score with, and what of it can be answered without an image.

    Every row is kept or listed in dropped.jsonl. With --labels the answers are measured again: disagreements.jsonl
    lists those that do not follow from the label maps; the published answers stay.
    """
    from terrascope_bench.published.importing import import_published

    console.need_folder(out)
    with console.stages(_UNITS, quiet) as on_stage:
        manifest = import_published(published, out, labels=labels, xbd=xbd, seed=seed, force=force, on_stage=on_stage)
    if json:
        console.print_json(manifest)
    elif not quiet:
        _print(out, manifest)


def _print(out: Path, manifest: dict[str, Any]) -> None:
    told = manifest["import"]
    rows = told["rows"]
    again = told["regenerated"]
    console.say(f"{rows['read']} rows read, {rows['kept']} kept, {sum(rows['dropped'].values())} dropped")
    for reason, n in rows["dropped"].items():
        console.say(f"  dropped, {reason}: {n}")
    columns = ["task", "questions", "published", "letters"]
    console.print_table(
        str(out),
        columns,
        [
            [code, entry["questions"], told["tasks"][code], " ".join(f"{a}:{n}" for a, n in entry["letters"].items())]
            for code, entry in manifest["tasks"].items()
        ],
    )
    if again:
        made = (
            f"{again['questions']} of {again['wanted']} building change questions from {again['pairs']['used']} pairs"
        )
        console.say(f"regenerated, not published: {made} of xBD\n")
    if told["labels"]:
        _print_labels(told["labels"]["tasks"])
    _print_blind(manifest["blind"])


def _print_labels(tasks: dict[str, Any]) -> None:
    columns = ["task", "questions", "masks restored", "answer follows", "does not", "no verdict", "without masks"]
    rows = [
        [
            code,
            entry["questions"],
            entry["restored"],
            entry["agree"],
            entry["disagree"],
            _reasons(entry["no_verdict"]),
            _reasons(entry["no_masks"]),
        ]
        for code, entry in tasks.items()
    ]
    console.print_table("published answers against label maps", columns, rows)


def _print_blind(blind: dict[str, Any]) -> None:
    rows: list[list[object]] = []
    for code, entry in [*blind["tasks"].items(), ("overall", blind["overall"])]:
        best = entry["best"]
        accuracy = entry["solvers"][best] if best else None
        rows.append([code, entry["n"], f"{entry['chance']:.3f}", best, _interval(accuracy), guessable(entry)])
    columns = ["task", "n", "chance", "best blind solver", "its accuracy (95 %)", GUESSABLE]
    console.print_table("what can be answered without the image", columns, rows)
    console.say(WHAT_IS_GUESSABLE)


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items()) or "-"


def _interval(value: dict[str, float] | None) -> str | None:
    return None if value is None else f"{value['value']:.3f} ({value['low']:.3f}-{value['high']:.3f})"
