"""`view`: the samples as a site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Folder
from terra_cot.counted import counted


def view(
    folder: Folder,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the site; default: DIR-view.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show only the first N samples.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Show N samples, of tiles drawn by their hash; default 10000.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write a site to look at the samples: it opens from disk, without a server. About 40 kB a sample."""
    from terra_cot.errors import ConfigError
    from terra_cot.view import SHOWN_MOST, write_site

    if limit is not None and sample is not None:
        raise ConfigError("--limit and --sample are two ways to choose; give one")
    site = folder.resolve().with_name(f"{folder.resolve().name}-view") if out is None else out
    console.need_folder(site)
    with console.progress("view", "samples", quiet) as on_step:
        note = write_site(folder, site, limit=limit, sample=sample or SHOWN_MOST, force=force, on_step=on_step)
    if json:
        console.print_json(note)
        return
    size = f"{counted(note['tiles'], 'tile')}, {counted(note['images'], 'image')}, {note['bytes'] / 1e6:,.1f} MB"
    console.say(f"shown: {note['samples']['how']}; {size}", quiet)
    console.say(f"open {site / 'index.html'}", quiet)
