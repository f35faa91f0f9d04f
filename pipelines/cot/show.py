"""`show`: one sample as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Folder

PICTURES = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}


def show(
    folder: Folder,
    sample_id: Annotated[str, typer.Argument(help="As in the samples table.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Picture to write: .png, .webp or .jpg.")],
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Draw a sample: its images, each step's mask, the chain and the answer."""
    from terra_cot.errors import ConfigError
    from terra_cot.picture import find, sample_picture
    from terra_cot.store.atomic import replacing

    kind = PICTURES.get(out.suffix.lower())
    if out.is_dir() or kind is not None:
        console.need_file(out, force, "sample.png")
    if kind is None:
        got = f'no pictures end in "{out.suffix}"' if out.suffix else "has no ending that says the kind of picture"
        raise ConfigError(f"{out}: {got}; give one of {', '.join(PICTURES)}")
    picture = sample_picture(*find(folder, sample_id))
    with replacing(out) as temporary:
        picture.save(temporary, kind, **({"lossless": True} if kind == "WEBP" else {}))
    if json:
        console.print_json({"picture": str(out), "sample_id": sample_id, "size": list(picture.size)})
        return
    console.say(str(out), quiet)
