"""Arguments that several commands share, so that they mean and read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.console import Seed as Seed

Bench = Annotated[Path, typer.Option("--bench", "-b", help="Benchmark folder.", metavar="BENCH")]
