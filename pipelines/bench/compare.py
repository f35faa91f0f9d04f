"""`compare`: paired differences between scorecards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import completion, console
from pipelines.bench.arguments import Seed
from pipelines.console import Json, Quiet
from terra_cot.visible import visible


def compare(
    scorecards: Annotated[list[Path], typer.Argument(metavar="A.json B.json...", help="The others against the first.")],
    extractor: Annotated[
        str | None,
        typer.Option(
            "--extractor",
            help="Compare under this one; else the one that all scorecards name.",
            autocompletion=completion.extractors,
        ),
    ] = None,
    all_pairs: Annotated[bool, typer.Option("--all-pairs", help="Each with each, not only with the first.")] = False,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Paired differences with 95 % intervals and p-values, per task and overall. Second minus first."""
    from terrascope_bench.compare import compare as make_comparison

    with console.progress("compare", "pairs", quiet) as on_step:
        found = make_comparison(scorecards, extractor=extractor, all_pairs=all_pairs, seed=seed, on_step=on_step)
    if json:
        console.print_json(found)
    elif not quiet:
        for pair in found["pairs"]:
            first, second = (_name(found["submissions"][pair[side]]) for side in ("first", "second"))
            console.print_table(
                f"{second} against {first} ({found['extractor']})", *comparison_table(pair), least=LEAST
            )


LEAST = ("only first right : only second", "grounded [95 %]", "gIoU [95 %]")
"""Columns that go first where there is little room."""


def comparison_table(pair: dict[str, Any]) -> tuple[list[str], list[list[object]]]:
    """Columns and rows of one pair, for a terminal."""
    entries = {**pair["tasks"], "macro": pair["overall"]["macro"], "micro": pair["overall"]["micro"]}
    rows: list[list[object]] = []
    for name, entry in entries.items():
        accuracy = entry["accuracy"]
        rows.append(
            [
                name,
                entry.get("n", ""),
                f"{100 * accuracy['first']:.1f}",
                f"{100 * accuracy['second']:.1f}",
                *(_difference(entry[metric]) for metric in ("accuracy", "giou", "grounded_accuracy")),
                f"{entry['only_first']} : {entry['only_second']}" if "only_first" in entry else "",
                *(_p(entry.get(key)) for key in ("p", "holm_p")),
            ]
        )
    head = ["accuracy [95 %]", "gIoU [95 %]", "grounded [95 %]", "only first right : only second", "p", "Holm p"]
    return ["task", "n", "first", "second", *head], rows


def _name(submission: dict[str, Any]) -> str:
    return f"{visible(submission['model'], limit=60)} [{Path(submission['scorecard']).name}]"


def _difference(metric: dict[str, Any] | None) -> str:
    """`+3.1 [+0.2, +6.0]`, in points."""
    if metric is None:
        return "-"
    value = metric["difference"]
    return f"{100 * value['value']:+.1f} [{100 * value['low']:+.1f}, {100 * value['high']:+.1f}]"


def _p(value: float | None) -> str:
    return "" if value is None else "< 0.0001" if value < 1e-4 else f"{value:.4f}"
