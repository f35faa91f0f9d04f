"""`build`: questions from tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines import completion, console
from pipelines.bench.arguments import Seed
from pipelines.bench.blind import needs_no_image
from pipelines.console import Force, Json, Quiet

if TYPE_CHECKING:
    from terra_cot.legend import View


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
                *needs_no_image(manifest["blind"]["tasks"].get(code)),
            ]
            for code, entry in manifest["tasks"].items()
        ]
        columns = ["task", "questions", "letters", "candidates", "refused", "left over", "needs no image", "at most"]
        console.print_table(f"{out} (split: {manifest['split']})", columns, rows)
        empty = [code for code, entry in manifest["tasks"].items() if not entry["questions"]]
        if empty:
            why = "too few candidates for a whole set, in which each option is right once; more tiles make more"
            console.say(f"no questions in {', '.join(empty)}: {why}")
