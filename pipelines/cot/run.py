"""`run`: from an archive to a dataset in one go."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines import completion, console
from pipelines.console import Engine, Force, Json, Quiet, Workers
from pipelines.cot.arguments import Limit, Out, Settings
from pipelines.cot.summary import stages, summary


def run(
    recipe: Annotated[
        str,
        typer.Argument(help="A YAML file, or the name of a shipped recipe.", autocompletion=completion.recipes),
    ],
    out: Out,
    settings: Settings = [],  # noqa: B006
    limit: Limit = None,
    workers: Workers = 1,
    engine: Engine = "local",
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Scan, co-register, tile, annotate, generate and shard. Run again after a crash: it goes on."""
    from pipelines.recipes import need_roots, recipe_path
    from terra_cot import curate
    from terra_cot.engine import Crew
    from terra_cot.recipe import load_recipe

    path = recipe_path(recipe)
    chosen = load_recipe(path, [*settings, *([f"limit={limit}"] if limit else [])])
    need_roots(path, chosen)
    console.need_folder(out)
    with stages(quiet) as on_step:
        manifest = curate.run(chosen, out, crew=Crew(workers, engine), force=force, on_step=on_step)
    summary(out, manifest, json, quiet)
