"""`world`: the synthetic world as ordinary source files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet, Seed, Workers
from terra_cot.counted import counted


def world(
    out: Annotated[Path, typer.Argument(help="Folder to fill.")],
    seed: Seed = 0,
    scenes: Annotated[int, typer.Option(min=0, help="Places, each with four dates.")] = 6,
    pairs: Annotated[int, typer.Option(min=0, help="Disaster pairs in xBD layout.")] = 32,
    size_px: Annotated[int, typer.Option(min=128, help="Side of a place in 10 m pixels.")] = 1024,
    cloud_cover: Annotated[float, typer.Option(min=0, max=0.9, help="Mean cover of the cloudy dates.")] = 0.25,
    clear_first: Annotated[
        bool, typer.Option("--clear-first/--cloudy-first", help="Whether the date that maps are made for is clear.")
    ] = True,
    workers: Workers = 2,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write the synthetic world as ordinary GeoTIFF, PNG and JSON, with the truth beside it."""
    from dataclasses import asdict

    from terra_cot.world import WorldConfig, write_world

    console.need_free(out, force)
    config = WorldConfig(
        seed=seed, scenes=scenes, pairs=pairs, size_px=size_px, cloud_cover=cloud_cover, clear_first=clear_first
    )
    with console.progress("world", "files", quiet) as on_step:
        write_world(out, config, on_step=on_step, workers=workers)
    if json:
        console.print_json({"world": str(out), **asdict(config)})
        return
    console.say(f"{out}: {counted(scenes, 'place')}, {counted(pairs, 'disaster pair')}", quiet)
