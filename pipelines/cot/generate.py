"""`generate`: the second half of `run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import Engine, Json, Quiet, Workers
from pipelines.cot.arguments import Settings
from pipelines.cot.summary import stages, summary


def generate(
    folder: Annotated[Path, typer.Argument(help="Folder with tiles.")],
    settings: Settings = [],  # noqa: B006
    workers: Workers = 1,
    engine: Engine = "local",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write samples from tiles already cut: the second half of `run`."""
    from terra_cot import curate
    from terra_cot.engine import Crew

    with stages(quiet) as on_step:
        manifest = curate.generate(folder, settings, crew=Crew(workers, engine), on_step=on_step)
    summary(folder, manifest, json, quiet)
