"""`ablate`: the paper's ablations at nano size, trained, scored and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.bench.arguments import Bench
from pipelines.console import Force, Json, Quiet, Settings

EPILOG = "Example: terrascope-bench ablate -o out/ablations --data out/dataset --bench out/bench --jobs 2"


def ablate(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for weights, scorecards, table and picture.")],
    data: Annotated[list[Path], typer.Option("--data", help="Dataset folder to train on. Repeatable.")],
    bench: Bench,
    config: Annotated[
        Path | None, typer.Argument(help="An ablation recipe (YAML); without it the paper's.", metavar="RECIPE")
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="An arm to train, not all. Repeatable.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trainings that go side by side.")] = 1,
    settings: Settings = [],  # noqa: B006 - typer reads it, nobody changes it
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train and score every arm over several seeds; run again after a crash and finished pieces are kept."""
    from pipelines.extras import need_model

    need_model()
    from pipelines.recipes import ABLATIONS
    from terrascope_bench.ablate.page import between, percent, points, told
    from terrascope_bench.ablate.recipe import load_ablation
    from terrascope_bench.ablate.run import ablate as go

    recipe = load_ablation(config or ABLATIONS, settings)
    console.need_folder(out)
    with console.progress("ablate", "steps", quiet) as on_step:
        table = go(recipe, out, data, bench, only=only or [], jobs=jobs, on_step=on_step, force=force)
    if json:
        console.print_json(table)
        return
    if quiet:
        return
    for group in table["groups"].values():
        rows = [
            [
                arm["arm"],
                percent(arm["macro"]),
                between(arm["seeds"]),
                between(arm["questions"]),
                percent(arm["reported"]),
            ]
            for arm in group["arms"]
        ]
        console.print_table(group["title"], ["arm", "ours", "seeds", "questions", "reported"], rows)
        for entry in group["orderings"]:
            found = f"{points(entry['difference'])}, reported {points(entry['reported'])}"
            console.say(f"  {entry['better']} > {entry['worse']}: {told(entry['verdict'])} ({found})")
    console.say(f"{out / 'ablation.md'}: table; {out / 'ablation.png'}: picture")
