"""`export`: a dataset as another tool reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines import completion, console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Folder
from terra_cot.store.counts import by_reason


def export(
    folder: Folder,
    to: Annotated[
        str,
        typer.Option(
            "--to", help="terrascope, coco, conversations, croissant or geo.", autocompletion=completion.targets
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    split: Annotated[
        list[str],
        typer.Option("--split", help="Only this split. Repeatable.", autocompletion=completion.splits),
    ] = [],  # noqa: B006
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write a dataset in the form that another tool reads. `geo` again after the dataset grew: only what is new."""
    from terra_cot.export import export as write

    console.need_folder(out)
    with console.progress(f"export {to}", "tiles", quiet) as on_step:
        note = write(folder, to, out, splits=tuple(split), force=force, on_step=on_step)
    if json:
        console.print_json(note)
        return
    for kind, count in note["counts"].items():
        why = by_reason(count["dropped"])
        line = f"{kind}: {count['read']} read, {count['written']} written" + (f", dropped {why}" if why else "")
        console.say(line, quiet)
    console.say(f"done: {out}", quiet)
