"""`scan`: what an archive holds, and what of it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import completion, console
from pipelines.console import Force, Json, Quiet
from pipelines.cot.arguments import Limit
from terra_cot.store.counts import by_reason

if TYPE_CHECKING:
    from terra_cot.cut import TileOptions
    from terra_cot.listing import Listing

EPILOG = (
    "Example: terra-cot scan bigearthnet /archive/ben -o scenes.parquet --alignment alignment/\n"
    "Example: terra-cot scan mine.yaml -o scenes.parquet"
)
_DROPS_SHOWN = 5
Table = tuple[list[str], list[list[object]]]


def scan(
    kind: Annotated[
        str,
        typer.Argument(
            help="bigearthnet, chatearthnet, deepglobe-road, rasters, rsvqa-lr, stac, teochat, world or xbd; "
            "or a recipe (a .yaml file), which says its root.",
            autocompletion=completion.sources,
        ),
    ],
    root: Annotated[
        str | None, typer.Argument(help="Root folder of the archive; of stac the URL or path of a catalogue.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="scenes.parquet to write.")],
    alignment: Annotated[
        Path | None,
        typer.Option("--alignment", help="Also measure how well dates and sensors lie on each other: folder to write."),
    ] = None,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            help="Set an option of the source, such as --set source.licence=CC0-1.0 (with --alignment also of tile), "
            "or any value of the recipe. Repeatable.",
        ),
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    limit: Limit = None,
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """List the scenes of an archive, and what was dropped with its reason. Run again after a crash: it goes on."""
    from terra_cot.stages.scan import dropped_beside, forget, scan_to

    console.need_file(out, force, "scenes.parquet")
    if alignment:
        console.need_folder(alignment)
        console.need_free(alignment, force)
    asked = _asked(kind, root, settings, alignment is not None, limit)
    with console.stages({"scan": "scenes"}, quiet) as on_step:
        summary = scan_to(out, asked.listing, asked.limit, on_step)
    forget(out)
    if not json:
        _say_scan(out, summary, quiet)
    measured = _alignment(out, alignment, kind, asked.tile, quiet) if alignment else None
    if json:
        more = {"alignment": str(alignment)} if alignment else {}
        console.print_json({**summary, "dropped_file": str(dropped_beside(out)), **more})
    elif measured and not quiet:
        console.print_table("alignment of frames with their reference", *measured)
        console.say(f"{alignment}: alignment.jsonl, alignment.png")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be listed, how much of it, and how its scenes would be cut (to measure their alignment)."""

    listing: Listing
    limit: int | None
    tile: TileOptions


def _asked(kind: str, root: str | None, settings: list[str], aligned: bool, limit: int | None) -> _Asked:
    """Of a kind of source and its root, or of a recipe."""
    from terra_cot import curate, sources
    from terra_cot.errors import ConfigError
    from terra_cot.recipe import apply_settings, load_recipe, make_recipe

    if Path(kind).suffix in (".yaml", ".yml"):
        if root is not None:
            raise ConfigError(f"{root}: {kind} says its root; for another give --set source.root={root}")
        recipe = load_recipe(Path(kind), [*settings, *([f"limit={limit}"] if limit else [])])
        return _Asked(curate.listed(recipe), None if recipe.sources else recipe.limit, recipe.tile)
    origin = sources.source(kind)
    if root is None:
        raise ConfigError(f"give the root of a {origin.title} archive: terra-cot scan {kind} ROOT -o ...")
    for setting in settings:
        key = setting.partition("=")[0]
        if not key.startswith(("source.", "tile.") if aligned else "source.") or key in ("source.kind", "source.root"):
            known = ", ".join(f"source.{name}" for name in origin.options.model_fields)
            tile = "; with --alignment also tile. ..." if not aligned else ", and tile. ..."
            raise ConfigError(f"--set {setting}: a scan of {kind} has the options {known}{tile}")
    chosen = apply_settings({}, settings)
    listing = sources.listing(kind, root, chosen.get("source", {}))
    named = {"name": "scan", "source": {"kind": kind, "root": root}, "tile": chosen.get("tile", {})}
    return _Asked(listing, limit, make_recipe(named, "--set").tile)


def _say_scan(out: Path, summary: dict[str, Any], quiet: bool) -> None:
    """What was read, kept and dropped by reason, and the first few drops in full."""
    from itertools import islice

    from terra_cot.stages.scan import dropped_beside, read_drops

    dropped = summary["dropped"]
    lost = dropped.get("scene", {})
    why = f", dropped {by_reason(lost)}" if lost else ""
    read = summary["scenes"] + sum(lost.values())
    console.say(f"{out}: {read} {'scene' if read == 1 else 'scenes'} read, {summary['scenes']} kept{why}", quiet)
    for level in dropped.keys() - {"scene"}:
        console.say(f"{level}s dropped: {by_reason(dropped[level])}", quiet)
    for drop in islice(read_drops(out), _DROPS_SHOWN):
        console.say(f"dropped {drop['level']} {drop['item']}: {drop['reason']} ({drop['detail']})", quiet)
    total = sum(sum(reasons.values()) for reasons in dropped.values())
    if total > _DROPS_SHOWN:
        console.say(f"... and {total - _DROPS_SHOWN} more in {dropped_beside(out)}", quiet)


def _alignment(scenes: Path, folder: Path, kind: str, options: TileOptions, quiet: bool) -> Table:
    """Measure and draw the alignment of scanned scenes; returns columns and rows."""
    import orjson

    from terra_cot import alignment
    from terra_cot.scene import read_scenes
    from terra_cot.store.atomic import replacing, write_bytes

    with console.progress("alignment", "scenes", quiet) as on_step:
        offsets = list(alignment.measure(read_scenes(scenes), options, on_step))
    lines = [orjson.dumps(offset.to_row(), option=orjson.OPT_APPEND_NEWLINE) for offset in offsets]
    write_bytes(folder / "alignment.jsonl", b"".join(lines))
    with replacing(folder / "alignment.png") as temporary:
        alignment.picture(offsets, f"Alignment of {kind}").save(temporary, "PNG")
    return alignment.table(offsets)
