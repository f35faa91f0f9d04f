"""`build`: questions from tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipelines import completion, console
from pipelines.bench.arguments import Seed
from pipelines.bench.blind import GUESSABLE, WHAT_IS_GUESSABLE, guessable
from pipelines.console import Force, Json, Quiet

if TYPE_CHECKING:
    from terra_cot.legend import View

_LEAST = ("refused", "left over", "candidates", "letters")


def build(
    datasets: Annotated[list[Path], typer.Argument(metavar="DIR...", help="Dataset folders with tiles.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Benchmark folder to write.", metavar="BENCH")],
    per_task: Annotated[
        int | None, typer.Option("--per-task", min=1, help="Questions a task at most; else the published numbers.")
    ] = None,
    classes: Annotated[
        Literal["native", "display"], typer.Option("--classes", help="Publisher's classes, or the benchmark's few.")
    ] = "display",
    split: Annotated[
        Literal["all", "train", "validation", "test"] | None,
        typer.Option("--split", help="Tiles to use; else test where any tile has it, and all where none has."),
    ] = None,
    variants: Annotated[
        str,
        typer.Option(
            "--variants",
            help="How to show each question: optical,sar,optical+sar,bitemporal.",
            autocompletion=completion.variants,
        ),
    ] = "optical",
    rasters: Annotated[bool, typer.Option("--rasters", help="Keep GeoTIFFs of all bands beside the pictures.")] = False,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Questions of the six sub-tasks from tiles, with options that cannot be guessed, and evidence masks."""
    from terrascope_bench.build import build_benchmark
    from terrascope_bench.question import told_total

    console.need_folder(out)
    view: View = classes
    with console.progress("build", "tiles", quiet) as on_step:
        manifest = build_benchmark(
            datasets,
            out,
            seed=seed,
            per_task=per_task,
            view=view,
            split=split,
            variants=[name.strip() for name in variants.split(",") if name.strip()],
            rasters=rasters,
            on_step=on_step,
            force=force,
        )
    if json:
        console.print_json(manifest)
    elif not quiet:
        rows = [
            [
                code,
                entry["questions"],
                " ".join(f"{letter}:{n}" for letter, n in entry["letters"].items()),
                entry["candidates"],
                sum(entry["refused"].values()),
                sum(entry["left"].values()),
                guessable(manifest["blind"]["tasks"].get(code)),
            ]
            for code, entry in manifest["tasks"].items()
        ]
        columns = ["task", "questions", "letters", "candidates", "refused", "left over", GUESSABLE]
        total = told_total(sum(entry["questions"] for entry in manifest["tasks"].values()), _rows(manifest))
        console.print_table(f"{out}: {total} (split: {manifest['split']})", columns, rows, least=_LEAST)
        console.say("refused: by a rule of the task, see manifest.json; left over: no whole set of options")
        console.say(WHAT_IS_GUESSABLE)
        empty = [code for code, entry in manifest["tasks"].items() if not entry["questions"]]
        if empty:
            why = "too few candidates for a whole set, in which each option is right once; more tiles make more"
            console.say(f"no questions in {', '.join(empty)}: {why}")


def _rows(manifest: dict[str, Any]) -> int:
    """Rows of the benchmark: a question has one for each way that it is shown."""
    return sum(manifest["rows"].values())
