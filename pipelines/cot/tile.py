"""`tile`: the first half of `run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Engine, Force, Json, Quiet, Workers
from pipelines.cot.arguments import Limit, Out, Settings
from pipelines.cot.summary import stages, summary


def tile(
    scenes: Annotated[Path, typer.Argument(help="scenes.parquet of `scan`.")],
    out: Out,
    settings: Settings = [],  # noqa: B006
    limit: Limit = None,
    workers: Workers = 1,
    engine: Engine = "local",
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Cut scanned scenes into tiles: the first half of `run`."""
    from terra_cot import curate
    from terra_cot.engine import Crew
    from terra_cot.recipe import apply_settings, make_recipe

    values: dict[str, Any] = {"name": "tile", "source": {"kind": "scenes", "root": str(scenes)}, "limit": limit}
    recipe = make_recipe(apply_settings(values, settings))
    console.need_folder(out)
    with stages(quiet) as on_step:
        manifest = curate.tile(scenes, recipe, out, crew=Crew(workers, engine), force=force, on_step=on_step)
    summary(out, manifest, json, quiet)
