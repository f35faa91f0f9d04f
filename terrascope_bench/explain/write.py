"""The folder of an explanation, there whole or not at all.

    OUT/answer.json                        all that was asked, said and measured; see the schema `explanation`
    OUT/step-1-water.geojson, .tif         the mask of each step: polygons in lon/lat, a COG on the scene's grid
    OUT/flood.geojson, .tif                the change between two dates, where a task asks for one
    OUT/roads-under-water.geojson          of a flood, where roads are given
    OUT/overlay.png, index.html            for eyes

The same scene, question and model give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from terra_cot import __version__
from terra_cot.errors import ConfigError
from terra_cot.export.place import claim, fresh, replaced
from terra_cot.geo.grid import Grid
from terra_cot.store.atomic import sha256_file, write_bytes, write_json
from terrascope_bench.explain.change import Task, task_of
from terrascope_bench.explain.clouds import Hidden, find_hidden
from terrascope_bench.explain.follows import follows
from terrascope_bench.explain.marked import Color, Marked, area_text, color_of, reduced
from terrascope_bench.explain.model import Loaded, load_model, model_folder
from terrascope_bench.explain.page import page, spelt
from terrascope_bench.explain.picture import picture
from terrascope_bench.explain.record import ROADS, Region, roads_entry, scene_entry, write_region
from terrascope_bench.explain.remarks import caveat, remarks
from terrascope_bench.explain.roads import Roads, read_roads, roads_in
from terrascope_bench.explain.scene import Files, Found, open_scene
from terrascope_bench.explain.vectors import write_features
from terrascope_bench.explain.views import View, Views

if TYPE_CHECKING:
    from terrascope_bench.explain.ask import Explanation

NOTE, KIND, FORMAT_VERSION = "answer.json", "explanation", 1
_FLOODED: Color = (255, 60, 60)


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for. `words` may be None where a `task` is asked for; `tile_px` None is the model's own."""

    files: Files
    model: str
    words: str | None = None
    options: tuple[str, ...] | None = None
    task: str | None = None
    roads: Path | None = None
    tile_px: int | None = None
    max_tokens: int = 512
    align: bool = True
    device: str = "cpu"

    def check(self) -> None:
        """Raises ConfigError where it contradicts itself."""
        if self.words is None and self.task is None:
            raise ConfigError('ask something: --question "How much of the ground is water?", or --task flood')
        if self.words is not None and not self.words.strip():
            raise ConfigError("--question is empty")
        if self.options and self.words is None:
            raise ConfigError("--option is an option of a --question")
        if self.options and not 2 <= len(self.options) <= 10:
            raise ConfigError(f"--option: give 2 to 10 options, got {len(self.options)}")
        if self.roads is not None and self.task != "flood":
            raise ConfigError("--roads tells which roads are under water: it goes with --task flood")


def write_explanation(
    request: Request, out: Path, *, force: bool = False, on_tile: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Ask the model about the scene and write what it says into the folder `out`; returns what answer.json holds.

    Raises:
        ConfigError: a request that contradicts itself. DataError: an input that cannot be used.
        ConflictError: something else stands at `out`.
    """
    request.check()
    claim(out, NOTE, {"kind": KIND}, appends=False, force=force)
    found = open_scene(request.files)
    dates = list(dict.fromkeys(frame.frame for frame in found.scene.frames))
    task = task_of(request.task, dates) if request.task else None
    roads = read_roads(request.roads) if request.roads else None
    model_folder(request.model)
    # torch takes seconds to load: whatever is wrong with the request is told before.
    from terrascope_bench.explain.ask import Question, explain

    model = load_model(request.model, request.device)
    with Views(found.scene, align=request.align) as views:
        overview = views.overview()
        question = Question(request.words, request.options, task, request.max_tokens)
        told = explain(model, views, overview, question, request.tile_px, on_tile)
        hidden = find_hidden(views, model.network.config.mask_from == "fused")
        with fresh(out) as folder:
            note = _write(folder, request, found, views, overview, told, hidden, task, roads, model)
            replaced(out, folder, NOTE, force)
    return note


def _write(
    folder: Path,
    request: Request,
    found: Found,
    views: Views,
    overview: Sequence[View],
    told: Explanation,
    hidden: Hidden,
    task: Task | None,
    roads: Roads | None,
    model: Loaded,
) -> dict[str, Any]:
    grid, moments = found.scene.grid, {frame.frame: frame.datetime for frame in found.scene.frames}
    regions = [_step(number, step.label, step) for number, step in enumerate(told.steps, start=1)]
    change = _change(task, told, views.dates, hidden) if task else None
    everything = [*regions, *([change] if change else [])]
    entries = [write_region(folder, region, grid, moments[region.date]) for region in everything]
    steps = [{"number": number, **entry} for number, entry in enumerate(entries[: len(regions)], start=1)]
    note: dict[str, Any] = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "question": told.question,
        "options": list(request.options) if request.options else None,
        "reply": told.reply,
        "chain": told.chain,
        "answer": told.answer,
        "follows": _follows(request, told, task, grid.gsd_m),
        "ended": told.ended,
        "model": {"name": model.name, "sha256": model.sha256},
        "scene": scene_entry(found, views, hidden.clouds),
        "tiles": {"shape_px": list(told.tiles.shape), "count": told.tiles.count},
        "overview_px": list(overview[0].valid.shape),
        "steps": steps,
        "change": None,
        "roads": None,
    }
    if task and change:
        first, last = views.dates[0], views.dates[-1]
        cloud = {"hidden_share": _hidden_share(told, (first, last), hidden)}
        note["change"] = {
            "task": task.name,
            "noun": task.noun,
            "from": first,
            "to": last,
            **entries[-1],
            "cloud": cloud,
        }
    lines: list[dict[str, Any]] = []
    if roads is not None and change is not None and request.roads is not None:
        lines = roads_in(change.mask, grid, roads)
        for line in lines:
            line["properties"]["date"] = change.date
        write_features(folder / ROADS, "roads under water", lines)
        note["roads"] = roads_entry(request.roads, roads, lines)
    shape = overview[0].valid.shape
    marked = [_marked(region, entry, shape) for region, entry in zip(everything, entries, strict=True)]
    _show(folder, note, overview, marked, lines, grid)
    note["files"] = {path.name: sha256_file(path) for path in sorted(folder.iterdir())}
    write_json(folder / NOTE, note)
    return note


def _step(number: int, label: str | None, step: Any) -> Region:
    stem = f"step-{number}" + (f"-{_safe(label)}" if label else "")
    title = f"[{number}] {label or 'unnamed'}, {step.date}"
    return Region(stem, title, label, step.date, color_of(label, f"step {number}"), step.mask, step.valid)


def _follows(request: Request, told: Explanation, task: Task | None, gsd_m: float) -> dict[str, Any] | None:
    """The option that the one mask of the reply measures; None where the reply has another number of masks."""
    own = told.steps[2:] if task else told.steps
    if request.words is None or len(own) != 1:
        return None
    pixels, valid_px = int(np.count_nonzero(own[0].mask)), int(np.count_nonzero(own[0].valid))
    found = follows(request.words, request.options, own[0].label, pixels, valid_px, gsd_m)
    return None if found is None else {"letter": found.letter, "value": found.value, "unit": found.unit}


def _hidden_share(told: Explanation, dates: tuple[str, str], hidden: Hidden) -> float | None:
    """Of the ground that the images of both dates cover, what cloud hides on either; None where it cannot be told."""
    clouds = [cloud for cloud in hidden.clouds if cloud.frame in dates]
    both = told.steps[0].valid & told.steps[1].valid
    covered = int(np.count_nonzero(both))
    if not covered or (clouds and all(cloud.why for cloud in clouds)):
        return None
    return int(np.count_nonzero(both & ~hidden.seen(both.shape, dates))) / covered


def _change(task: Task, told: Explanation, dates: Sequence[str], hidden: Hidden) -> Region:
    """The change between the two looks that a task begins with, on ground that both dates show."""
    before, after = told.steps[0], told.steps[1]
    valid = before.valid & after.valid & hidden.seen(before.valid.shape, (dates[0], dates[-1]))
    label, date = task.label(dates[0]), dates[-1]
    number = len(told.steps) + 1
    # New water lies beside water and must not look like it.
    color = _FLOODED if task.kind == "new" else color_of(label, task.name)
    mask = task.change(before.mask, after.mask, valid)
    return Region(task.name, f"[{number}] {task.noun}, {dates[0]} to {date}", label, date, color, mask, valid)


def _marked(region: Region, entry: dict[str, Any], shape: tuple[int, int]) -> Marked:
    share = reduced(region.mask, shape)
    return Marked(region.stem, region.title, region.date, region.color, share, area_text(entry["area_m2"]))


def _safe(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def _show(
    folder: Path,
    note: dict[str, Any],
    overview: Sequence[View],
    marked: Sequence[Marked],
    lines: Sequence[dict[str, Any]],
    grid: Grid,
) -> None:
    options = [f"{letter}. {text}" for letter, text in zip("ABCDEFGHIJ", note["options"] or (), strict=False)]
    texts = [f"{note['change']['noun'].capitalize()}: {marked[-1].area}"] if note["change"] else []
    if note["roads"]:
        texts.append(f"Roads under water: {note['roads']['length_m']:,.0f} m")
    texts += remarks(note)
    answer = spelt(note["answer"] or "", note["options"] or ())
    drawn = picture(note["question"], options, note["chain"], answer, overview, marked, caveat(note), texts)
    drawn.save(folder / "overlay.png", "PNG")
    to_page = partial(page, note, overview, marked, _places(lines, grid))
    write_bytes(folder / "index.html", to_page().encode("utf-8"))


def _places(lines: Sequence[dict[str, Any]], grid: Grid) -> list[list[tuple[float, float]]]:
    """Lines in degrees as places (x, y), 0 to 1, of the scene's width and height."""
    import shapely
    from pyproj import Transformer
    from shapely.geometry import shape

    there = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    out = []
    for line in lines:
        for part in shapely.get_parts(shape(line["geometry"])):
            places = [~grid.transform @ there.transform(x, y) for x, y in part.coords]
            out.append([(column / grid.width, row / grid.height) for column, row in places])
    return out
