"""Arguments that several commands share, so that they mean and read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import Settings as Settings

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a dataset.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the dataset.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Take only the first N scenes.")]
