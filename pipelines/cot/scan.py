"""`scan`: what an archive holds, and what of it cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import completion, console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Limit, Settings

_DROPS_SHOWN = 5
Table = tuple[list[str], list[list[object]]]


def scan(
    kind: Annotated[
        str,
        typer.Argument(
            help="bigearthnet, chatearthnet, deepglobe-road, rasters, rsvqa-lr, stac, teochat, world or xbd.",
            autocompletion=completion.sources,
        ),
    ],
    root: Annotated[str, typer.Argument(help="Root folder of the archive; of stac the URL or path of a catalogue.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="scenes.parquet to write.")],
    alignment: Annotated[
        Path | None,
        typer.Option("--alignment", help="Also measure how well dates and sensors lie on each other: folder to write."),
    ] = None,
    settings: Settings = [],  # noqa: B006 - typer reads it, nobody changes it
    limit: Limit = None,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """List the scenes of an archive, and what was dropped with its reason. Run again after a crash: it goes on."""
    from terra_cot import sources
    from terra_cot.errors import ConfigError
    from terra_cot.recipe import apply_settings
    from terra_cot.stages.scan import dropped_beside, forget, scan_to

    for place in (out, *([alignment] if alignment else [])):
        console.need_free(place, force)
    for setting in settings:
        if not setting.startswith(("source.", "tile.") if alignment else "source."):
            raise ConfigError(f"--set {setting}: a scan has options of its source only, such as source.gsd_m=10")
    chosen = apply_settings({}, settings)
    listing = sources.listing(kind, root, chosen.get("source", {}))
    with console.stages({"scan": "scenes"}, quiet) as on_step:
        summary = scan_to(out, listing, limit, on_step)
    forget(out)
    if not json:
        _say_scan(out, summary, quiet)
    measured = _alignment(out, alignment, kind, chosen.get("tile", {}), quiet) if alignment else None
    if json:
        more = {"alignment": str(alignment)} if alignment else {}
        console.print_json({**summary, "dropped_file": str(dropped_beside(out)), **more})
    elif measured and not quiet:
        console.print_table("alignment of frames with their reference", *measured)
        console.say(f"{alignment}: alignment.jsonl, alignment.png")


def _say_scan(out: Path, summary: dict[str, Any], quiet: bool) -> None:
    """What was read, kept and dropped by reason, and the first few drops in full."""
    from itertools import islice

    from terra_cot.stages.scan import dropped_beside, read_drops

    dropped = summary["dropped"]
    lost = dropped.get("scene", {})
    why = f", dropped {_reasons(lost)}" if lost else ""
    read = summary["scenes"] + sum(lost.values())
    console.say(f"{out}: {read} {'scene' if read == 1 else 'scenes'} read, {summary['scenes']} kept{why}", quiet)
    for level in dropped.keys() - {"scene"}:
        console.say(f"{level}s dropped: {_reasons(dropped[level])}", quiet)
    for drop in islice(read_drops(out), _DROPS_SHOWN):
        console.say(f"dropped {drop['level']} {drop['item']}: {drop['reason']} ({drop['detail']})", quiet)
    total = sum(sum(reasons.values()) for reasons in dropped.values())
    if total > _DROPS_SHOWN:
        console.say(f"... and {total - _DROPS_SHOWN} more in {dropped_beside(out)}", quiet)


def _reasons(dropped: dict[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in dropped.items())


def _alignment(scenes: Path, folder: Path, kind: str, tile_options: dict[str, Any], quiet: bool) -> Table:
    """Measure and draw the alignment of scanned scenes; returns columns and rows."""
    import orjson

    from terra_cot import alignment
    from terra_cot.recipe import make_recipe
    from terra_cot.scene import read_scenes
    from terra_cot.store.atomic import replacing, write_bytes

    source = {"kind": kind, "root": str(scenes)}
    options = make_recipe({"name": "alignment", "source": source, "tile": tile_options}).tile
    with console.progress("alignment", "scenes", quiet) as on_step:
        offsets = list(alignment.measure(read_scenes(scenes), options, on_step))
    lines = [orjson.dumps(offset.to_row(), option=orjson.OPT_APPEND_NEWLINE) for offset in offsets]
    write_bytes(folder / "alignment.jsonl", b"".join(lines))
    with replacing(folder / "alignment.png") as temporary:
        alignment.picture(offsets, f"Alignment of {kind}").save(temporary, "PNG")
    return alignment.table(offsets)
