"""`show`: one sample as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Folder


def show(
    folder: Folder,
    sample_id: Annotated[str, typer.Argument(help="As in the samples table.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG to write.")],
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Draw a sample: its images, each step's mask, the chain and the answer."""
    from terra_cot.picture import find, sample_picture
    from terra_cot.store.atomic import replacing

    console.need_file(out, force, "sample.png")
    picture = sample_picture(*find(folder, sample_id))
    with replacing(out) as temporary:
        picture.save(temporary, "PNG")
    if json:
        console.print_json({"picture": str(out), "sample_id": sample_id, "size": list(picture.size)})
        return
    console.say(str(out), quiet)
