"""`terra-cot`: satellite scenes in, verified pixel-grounded chain-of-thought samples out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import console
from pipelines.console import Engine, Force, Json, Quiet, Workers
from pipelines.review import review

if TYPE_CHECKING:
    from terra_cot.recipe import Recipe

app = typer.Typer(
    help="Regenerate Terra-CoT: satellite scenes in, verified pixel-grounded chain-of-thought samples out.\n\n"
    "First time? `terra-cot demo out/` shows everything on a built-in synthetic world.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
Settings = Annotated[
    list[str], typer.Option("--set", help="Set a value of the recipe: --set source.root=/archive. Repeatable.")
]
Limit = Annotated[int | None, typer.Option(min=1, help="Take only the first N scenes.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the dataset.")]
_DROPS_SHOWN = 5


def main() -> None:
    console.run(app)


def _version(wanted: bool) -> None:
    if wanted:
        from terra_cot import __version__

        typer.echo(f"terra-cot {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    pass


@app.command()
def demo(
    out: Annotated[Path, typer.Argument(help="Folder to fill.")],
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another world.")] = 0,
    workers: Workers = 2,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """World, tiles, samples, verification, benchmark, four baselines scored, report: all of it, in minutes.

    Example: `terra-cot demo out/`, then open out/report/index.html
    """
    from pipelines.demo import run_demo

    run_demo(out, seed=seed, workers=workers, quiet=quiet, force=force)


@app.command()
def world(
    out: Annotated[Path, typer.Argument(help="Folder to fill.")],
    seed: Annotated[int, typer.Option(min=0)] = 0,
    scenes: Annotated[int, typer.Option(min=0, help="Places, each with four dates.")] = 6,
    pairs: Annotated[int, typer.Option(min=0, help="Disaster pairs in xBD layout.")] = 32,
    size_px: Annotated[int, typer.Option(min=128, help="Side of a place in 10 m pixels.")] = 1024,
    cloud_cover: Annotated[float, typer.Option(min=0, max=0.9, help="Mean cover of the cloudy dates.")] = 0.25,
    workers: Workers = 2,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write the synthetic world as ordinary GeoTIFF, PNG and JSON, with the truth beside it.

    Example: `terra-cot world world/ --scenes 6`
    """
    from terra_cot.world import WorldConfig, write_world

    console.need_free(out, force)
    config = WorldConfig(seed=seed, scenes=scenes, pairs=pairs, size_px=size_px, cloud_cover=cloud_cover)
    with console.progress("world", "files", quiet) as on_step:
        write_world(out, config, on_step=on_step, workers=workers)
    console.say(f"{out}: {scenes} places, {pairs} disaster pairs", quiet)


@app.command()
def scan(
    kind: Annotated[
        str,
        typer.Argument(
            help="bigearthnet, chatearthnet, deepglobe-road, rasters, rsvqa-lr, stac, teochat, world or xbd."
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
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """List the scenes of an archive, and what was dropped with its reason. Run again after a crash: it goes on.

    Example: `terra-cot scan bigearthnet /archive/ben -o scenes.parquet --alignment alignment/`
    """
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
    if as_json:
        console.print_json({**summary, "dropped_file": str(dropped_beside(out))})
        return
    _say_scan(out, summary, quiet)
    if alignment:
        _alignment(out, alignment, kind, chosen.get("tile", {}), quiet)


def _say_scan(out: Path, summary: dict[str, Any], quiet: bool) -> None:
    """What was read, kept and dropped by reason, and the first few drops in full."""
    from itertools import islice

    from terra_cot.stages.scan import dropped_beside, read_drops

    dropped = summary["dropped"]
    lost = dropped.get("scene", {})
    why = f", dropped {_reasons(lost)}" if lost else ""
    console.say(f"{out}: {summary['scenes'] + sum(lost.values())} scenes read, {summary['scenes']} kept{why}", quiet)
    for level in dropped.keys() - {"scene"}:
        console.say(f"{level}s dropped: {_reasons(dropped[level])}", quiet)
    for drop in islice(read_drops(out), _DROPS_SHOWN):
        console.say(f"dropped {drop['level']} {drop['item']}: {drop['reason']} ({drop['detail']})", quiet)
    total = sum(sum(reasons.values()) for reasons in dropped.values())
    if total > _DROPS_SHOWN:
        console.say(f"... and {total - _DROPS_SHOWN} more in {dropped_beside(out)}", quiet)


def _reasons(dropped: dict[str, int]) -> str:
    return ", ".join(f"{number} {reason}" for reason, number in dropped.items())


def _alignment(scenes: Path, folder: Path, kind: str, tile_options: dict[str, Any], quiet: bool) -> None:
    """Measure, print and draw the alignment of scanned scenes."""
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
    if not quiet:
        console.print_table("alignment of frames with their reference", *alignment.table(offsets))
    console.say(f"{folder}: alignment.jsonl, alignment.png", quiet)


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped recipe.")],
    out: Out,
    settings: Settings = [],  # noqa: B006
    limit: Limit = None,
    workers: Workers = 1,
    engine: Engine = "local",
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Scan, co-register, tile, annotate, generate and shard. Run again after a crash: it goes on.

    Example: `terra-cot run bigearthnet --set source.root=/archive/ben -o out/`
    """
    from terra_cot import curate
    from terra_cot.engine import Crew

    with _stages(quiet) as on_step:
        manifest = curate.run(
            _recipe(recipe, settings, limit), out, crew=Crew(workers, engine), force=force, on_step=on_step
        )
    _summary(out, manifest, as_json, quiet)


@app.command()
def tile(
    scenes: Annotated[Path, typer.Argument(help="scenes.parquet of `scan`.")],
    out: Out,
    settings: Settings = [],  # noqa: B006
    limit: Limit = None,
    workers: Workers = 1,
    engine: Engine = "local",
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Cut scanned scenes into tiles: the first half of `run`.

    Example: `terra-cot tile scenes.parquet -o out/ --set tile.size_px=256`
    """
    from terra_cot import curate
    from terra_cot.engine import Crew
    from terra_cot.recipe import apply_settings, make_recipe

    values: dict[str, Any] = {"name": "tile", "source": {"kind": "scenes", "root": str(scenes)}, "limit": limit}
    recipe = make_recipe(apply_settings(values, settings))
    with _stages(quiet) as on_step:
        manifest = curate.tile(scenes, recipe, out, crew=Crew(workers, engine), force=force, on_step=on_step)
    _summary(out, manifest, as_json, quiet)


@app.command()
def generate(
    folder: Annotated[Path, typer.Argument(help="Folder with tiles.")],
    settings: Settings = [],  # noqa: B006
    workers: Workers = 1,
    engine: Engine = "local",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write samples from tiles already cut: the second half of `run`.

    Example: `terra-cot generate out/ --set generate.l1_max=6`
    """
    from terra_cot import curate
    from terra_cot.engine import Crew

    with _stages(quiet) as on_step:
        manifest = curate.generate(folder, settings, crew=Crew(workers, engine), on_step=on_step)
    _summary(folder, manifest, as_json, quiet)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    workers: Workers = 1,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Recompute every number, mask, text and checksum; exit 1 lists what differs.

    Example: `terra-cot verify out/`
    """
    from dataclasses import asdict

    from terra_cot.verify import verify as check

    with console.progress("verify", "parts", quiet) as on_step:
        report = check(folder, workers=workers, on_step=on_step)
    totals = {name: getattr(report, name) for name in ("tiles", "samples", "masks", "evidence")}
    if as_json:
        console.print_json({**totals, "problems": [asdict(problem) for problem in report.problems]})
    else:
        checked = ", ".join(f"{number:,} {name}" for name, number in totals.items())
        console.say(f"{folder}: {checked} checked, {len(report.problems)} problems", quiet)
    if report.problems:
        console.fail([] if as_json else [str(problem) for problem in report.problems])


@app.command()
def stats(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    html: Annotated[Path | None, typer.Option("--html", help="Also write a page with plots.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json to count tokens with; default: words, numbers and marks.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Counts, balance of tiers, tasks and classes, token lengths, cloud and alignment.

    Example: `terra-cot stats out/ --html stats.html`
    """
    from terra_cot.stats import stats as measure
    from terra_cot.stats import write_page

    if html:
        console.need_free(html, force)
    with console.progress("stats", "parts", quiet or as_json) as on_step:
        found = measure(folder, tokenizer, on_step)
    if html:
        write_page(html, found)
    if as_json:
        console.print_json(found)
    elif not quiet:
        _say_stats(found)
        if html:
            console.say(f"open {html}")


def _say_stats(found: dict[str, Any]) -> None:
    """Counts and balance, then spreads, then histograms, as tables."""
    counts, samples = found["counts"], found["counts"].get("samples")
    for stage in ("scenes", "tiles", "annotated_tiles"):
        if stage in counts:
            why = ", ".join(f"{number} {reason}" for reason, number in counts[stage]["dropped"].items()) or "none"
            console.say(
                f"{stage.replace('_', ' ')}: {counts[stage]['read']} read, {counts[stage]['kept']} kept, dropped: {why}"
            )
    if samples:
        for key in ("tier", "task", "split"):
            _say_balance(f"samples by {key}", key, "samples", samples[f"by_{key}"])
        _say_balance("samples by modality", "shown", "samples", found["samples_by_modality"])
        _say_balance("samples by dates", "dates", "samples", found["samples_by_dates"])
        _say_balance("masks by class", "class", "masks", found["masks_by_class"])
    names = ["question_tokens", "chain_tokens", "answer_tokens", "chain_words", "masks_a_sample"]
    names += ["cloud_fraction", "removed_shift_px", "shift_score"]
    spreads = [[name.replace("_", " "), *found[name].values()] for name in names if found[name]]
    title = f"spread (tokens are {found['tokens_are']})"
    console.print_table(title, ["what", "min", "q1", "median", "q3", "max"], spreads)
    for name in ("chain_tokens", "cloud_fraction", "removed_shift_px"):
        _say_histogram(name.replace("_", " "), found["histograms"][name])
    _say_balance("alignment of frames", "frames", "number", found["alignment"])


def _say_balance(title: str, what: str, of: str, numbers: dict[str, int]) -> None:
    total = sum(numbers.values())
    rows = [[name, number, round(100 * number / total, 1)] for name, number in numbers.items() if total]
    console.print_table(title, [what, of, "%"], rows)


def _say_histogram(title: str, histogram: dict[str, Any]) -> None:
    low, width, counts = histogram["low"], histogram["width"], histogram["counts"]
    most = max(counts, default=0)
    rows = [
        [f"{low + number * width:g} to {low + (number + 1) * width:g}", count, "\u2588" * round(32 * count / most)]
        for number, count in enumerate(counts)
        if most
    ]
    if rows:
        console.print_table(title, ["from, to", "number", ""], rows)


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    sample_id: Annotated[str, typer.Argument(help="As in the samples table.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="PNG to write.")],
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Draw a sample: its images, each step's mask, the chain and the answer.

    Example: `terra-cot show out/ SAMPLE_ID -o sample.png`
    """
    from terra_cot.picture import find, sample_picture
    from terra_cot.store.atomic import replacing

    console.need_free(out, force)
    picture = sample_picture(*find(folder, sample_id))
    with replacing(out) as temporary:
        picture.save(temporary, "PNG")
    console.say(str(out), quiet)


@app.command()
def view(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the site; default: DIR-view.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show only the first N samples.")] = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Show N samples, of tiles drawn by their hash; default 10000.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write a site to look at the samples: it opens from disk, without a server. About 40 kB a sample.

    Example: `terra-cot view out/`, then open out-view/index.html
    """
    from terra_cot.errors import ConfigError
    from terra_cot.view import SHOWN_MOST, write_site

    if limit is not None and sample is not None:
        raise ConfigError("--limit and --sample are two ways to choose; give one")
    site = folder.resolve().with_name(f"{folder.resolve().name}-view") if out is None else out
    with console.progress("view", "samples", quiet) as on_step:
        note = write_site(folder, site, limit=limit, sample=sample or SHOWN_MOST, force=force, on_step=on_step)
    if as_json:
        console.print_json(note)
        return
    size = f"{note['tiles']:,} tiles, {note['images']:,} images, {note['bytes'] / 1e6:,.1f} MB"
    console.say(f"shown: {note['samples']['how']}; {size}", quiet)
    console.say(f"open {site / 'index.html'}", quiet)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder of a dataset.")],
    to: Annotated[str, typer.Option("--to", help="terrascope, coco, conversations, croissant or geo.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    split: Annotated[list[str], typer.Option("--split", help="Only this split. Repeatable.")] = [],  # noqa: B006
    as_json: Json = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Write a dataset in the form that another tool reads. `geo` again after the dataset grew: only what is new.

    Example: `terra-cot export out/ --to coco -o coco/ --split train`
    """
    from terra_cot.export import export as write

    with console.progress(f"export {to}", "tiles", quiet) as on_step:
        note = write(folder, to, out, splits=tuple(split), force=force, on_step=on_step)
    if as_json:
        console.print_json(note)
        return
    for kind, count in note["counts"].items():
        why = ", ".join(f"{number} {reason}" for reason, number in count["dropped"].items())
        line = f"{kind}: {count['read']} read, {count['written']} written" + (f", dropped {why}" if why else "")
        console.say(line, quiet)
    console.say(f"done: {out}", quiet)


app.command()(review)


def _recipe(name: str, settings: list[str], limit: int | None) -> Recipe:
    from pipelines.recipes import recipe_path
    from terra_cot.recipe import load_recipe

    extra = [f"limit={limit}"] if limit else []
    return load_recipe(recipe_path(name), [*settings, *extra])


def _stages(quiet: bool) -> Any:
    """One progress bar a stage of a run."""
    return console.stages({"scan": "scenes", "tile": "tiles", "count": "tiles", "generate": "tiles"}, quiet)


def _summary(out: Path, manifest: dict[str, Any], as_json: bool, quiet: bool) -> None:
    counts = manifest["counts"]
    if as_json:
        console.print_json(counts)
        return
    for stage in ("scenes", "tiles", "annotated_tiles"):
        if stage in counts:
            found = counts[stage]
            why = ", ".join(f"{number} {reason}" for reason, number in found["dropped"].items())
            console.say(
                f"{stage.replace('_', ' ')}: {found['read']} read, {found['kept']} kept"
                + (f", dropped {why}" if why else ""),
                quiet,
            )
    if "samples" in counts:
        tasks = ", ".join(f"{number} {task}" for task, number in counts["samples"]["by_task"].items())
        console.say(f"samples: {counts['samples']['kept']} ({tasks})", quiet)
    if len(manifest["generations"]) > 1:
        steps = [f"{entry['scenes']} scenes in {entry['parts']} parts" for entry in manifest["generations"]]
        console.say(f"grown: {', then '.join(steps)}", quiet)
    for line in manifest.get("mix", {}).get("scarce", ()):
        console.say(f"scarce: {line}", quiet)
    console.say(f"done: {out}", quiet)
