"""`convert`: weights that others published become ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet, Seed


def convert(
    source: Annotated[Path, typer.Argument(metavar="OFFICIAL", help="Folder of the published checkpoint.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write: terrascope:FOLDER runs it.")],
    sam2: Annotated[
        Path | None,
        typer.Option(
            "--sam2",
            help="Plain SAM-2 weights (folder or .pt): OFFICIAL is then plain InternVL3, the result a start.",
        ),
    ] = None,
    sam2_config: Annotated[
        Path | None, typer.Option("--sam2-config", help="SAM-2 configuration (JSON) where it is no published size.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option("--dtype", help="float32, bfloat16 or float16; as published without it.")
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Bring the published checkpoint over: strict keys, one shard in memory at a time, no code of the folder is run."""
    from pipelines.extras import need_model

    need_model()
    from terrascope_bench.terrascope import convert as bring
    from terrascope_bench.terrascope.convert.published import read_json

    console.need_folder(out)
    if sam2 is not None:
        config = bring.start(source, sam2, out, seed=seed, force=force)
        if json:
            console.print_json({"folder": str(out), "hidden": config.hidden, "vocabulary": config.vocabulary})
            return
        console.say(f"{out}: a start for training, {config.hidden} wide, {config.vocabulary} tokens", quiet)
        return
    masks: dict[str, Any] | None = read_json(sam2_config) if sam2_config else None
    report = bring.convert(source, out, dtype=dtype, sam2=masks, force=force)
    if json:
        counts = {"read": report.read, "kept": report.kept, "written": report.written, "dropped": report.dropped}
        console.print_json(counts)
        return
    console.say(f"{out}: {report.kept} of {report.read} weights brought over, {report.written} written", quiet)
    for name in report.dropped:
        console.say(f"dropped (video only): {name}", quiet)
