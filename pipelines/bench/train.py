"""`train`: a model out of dataset folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import completion, console
from pipelines.console import Force, Json, Quiet, Settings
from terra_cot.counted import counted


def train(
    config: Annotated[
        str,
        typer.Argument(
            help="A training recipe (YAML), or a shipped one by its name.", autocompletion=completion.training
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for weights, log and curve.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Dataset folder, instead of the recipe's. Repeatable.")
    ] = None,
    settings: Settings = [],  # noqa: B006 - typer reads it, nobody changes it
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train a model in stages; run again after a crash and it goes on with the same losses."""
    from pipelines.extras import need_model

    need_model()
    from pipelines.recipes.train import recipe_path
    from terrascope_bench.terrascope.train.loop import train as fit
    from terrascope_bench.terrascope.train.recipe import load_recipe

    recipe = load_recipe(recipe_path(config), settings)
    console.need_folder(out)
    units = {stage.name: "steps" for stage in recipe.stages}
    with console.stages(units, quiet) as on_step:
        done = fit(recipe, out, data=data or [], on_step=on_step, force=force)
    if json:
        read = {
            name: {"read": found.read, "kept": found.kept, "refused": dict(found.refused)}
            for name, found in done.surveys.items()
        }
        console.print_json(
            {
                "folder": str(done.folder),
                "steps": done.steps,
                "resumed_at": done.resumed_at,
                "losses": done.losses,
                "samples": read,
            }
        )
        return
    for name, found in done.surveys.items():
        refused = ", ".join(f"{n} {reason}" for reason, n in sorted(found.refused.items()))
        console.say(
            f"{name}: {found.kept} of {counted(found.read, 'sample')} taught"
            + (f" (not: {refused})" if refused else ""),
            quiet,
        )
    went_on = f", went on after step {done.resumed_at}" if done.resumed_at else ""
    parts = ", ".join(f"{name} {value:.4g}" for name, value in done.losses.items())
    console.say(f"{done.folder}: {counted(done.steps, 'step')}{went_on}; last losses: {parts}", quiet)
