"""`explain`: a model answers a question about a georeferenced scene, with each step's mask on the ground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines import console
from pipelines.console import Force, Json, Quiet

EPILOG = (
    'Example: terra-cot explain scene.tif --question "How much of the ground is water?" --model model/ -o out/\n'
    "Example: terra-cot explain t0=before.tif t1=after.tif --task flood --roads roads.geojson -o out/"
)


def explain(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="GeoTIFFs of one place, optical or SAR (bands VV and VH). t0=FILE or 2024-05-01=FILE says the date; "
            "else the DATETIME tag does, else the order.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    question: Annotated[str | None, typer.Option("--question", help="What to ask, in words.")] = None,
    model: Annotated[
        str, typer.Option("--model", help="Folder of a model, or shipped weights by name.", metavar="MODEL")
    ] = "terrascope-nano+measured",
    option: Annotated[
        list[str], typer.Option("--option", help="An option to choose from: A, B, ... in order. Repeatable.")
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    task: Annotated[
        str | None,
        typer.Option("--task", help="flood, damage or clearing: also what changed from the first date to the last."),
    ] = None,
    roads: Annotated[
        Path | None, typer.Option("--roads", help="GeoJSON of roads: which parts are under water. With --task flood.")
    ] = None,
    sar: Annotated[
        list[str], typer.Option("--sar", help="A SAR image whose bands do not say so, as an IMAGE. Repeatable.")
    ] = [],  # noqa: B006
    bands: Annotated[
        str | None, typer.Option("--bands", help="Bands of optical files that do not name them, as B02,B03,B04.")
    ] = None,
    sar_bands: Annotated[
        str | None, typer.Option("--sar-bands", help="Bands of SAR files that do not name them, as VV,VH.")
    ] = None,
    sar_unit: Annotated[
        str | None, typer.Option("--sar-unit", help="What SAR files hold: dB, linear or amplitude.")
    ] = None,
    offset: Annotated[
        str | None,
        typer.Option("--offset", help="Added to make reflectance x 10000, as -1000; or declared: by the file."),
    ] = None,
    nodata: Annotated[
        float | None, typer.Option("--nodata", help="Value without data, where files do not say it.")
    ] = None,
    no_align: Annotated[bool, typer.Option("--no-align", help="Leave shifts between images as they are.")] = False,
    tile_px: Annotated[
        int | None, typer.Option("--tile-px", min=32, max=4096, help="Side of a tile (the model's own).")
    ] = None,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help="Longest reply.")] = 512,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, cuda:N, mps or auto.")] = "cpu",
    json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Ask a model about a scene: its chain and answer, each step's mask as GeoJSON and COG, a picture and a page."""
    from pipelines.extras import need_model

    need_model()
    from terrascope_bench.explain.scene import Files
    from terrascope_bench.explain.write import Request, write_explanation

    files = Files(tuple(images), tuple(sar), _names(bands), _names(sar_bands), _unit(sar_unit), _offset(offset), nodata)
    request = Request(
        files, model, question, tuple(option) or None, task, roads, tile_px, max_tokens, not no_align, device
    )
    console.need_folder(out)
    with console.progress("explain", "tiles", quiet) as on_step:
        note = write_explanation(request, out, force=force, on_tile=on_step)
    if json:
        console.print_json(note)
        return
    if not quiet:
        _tell(note, out)


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",")) if text else None


def _unit(text: str | None) -> Any:
    from terra_cot.errors import ConfigError

    if text not in (None, "dB", "linear", "amplitude"):
        raise ConfigError(f"--sar-unit {text}: dB, linear or amplitude")
    return text


def _offset(text: str | None) -> Any:
    from terra_cot.errors import ConfigError

    if text in (None, "declared"):
        return text
    try:
        return float(str(text))
    except ValueError:
        raise ConfigError(f"--offset {text}: a number, or declared") from None


def _tell(note: dict[str, Any], out: Path) -> None:
    from terrascope_bench.explain.remarks import caveat, remarks

    regions = [*note["steps"], *([note["change"]] if note["change"] else [])]
    rows = [
        [entry["label"] or "unnamed", entry["date"], f"{entry['area_m2']:,.0f}", _percent(entry), entry["geojson"]]
        for entry in regions
    ]
    if rows:
        console.print_table(note["question"], ["mask", "date", "area m2", "of valid", "file"], rows)
    if note["answer"]:
        from terrascope_bench.explain.page import spelt

        console.say(f"answer: {spelt(note['answer'], note['options'] or ())}")
        console.say(caveat(note))
    elif note["ended"]:
        console.say(f"no answer; the reply ended by: {note['ended']}")
    if note["roads"]:
        roads = note["roads"]
        wet = f"{roads['length_m']:,.0f} m of {roads['under_water']} roads"
        console.say(f"roads under water: {wet} ({roads['geojson']})")
    for remark in remarks(note):
        console.say(remark)
    console.say(f"{out}: open index.html, or the .geojson and .tif files in a GIS")


def _percent(entry: dict[str, Any]) -> str:
    share = entry["share_of_valid"]
    return "-" if share is None else f"{100 * share:.2f} %"
