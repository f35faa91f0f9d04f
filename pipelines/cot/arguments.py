"""Arguments that several commands share, so that they mean and read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a dataset.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the dataset.")]
Settings = Annotated[
    list[str], typer.Option("--set", help="Set a value of the recipe: --set source.root=/archive. Repeatable.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Take only the first N scenes.")]
