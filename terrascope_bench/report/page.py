"""The page of a whole run: one dataset, one benchmark built from it, and the scorecards on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from jinja2 import Environment
from numpy.typing import NDArray

from terra_cot import __version__
from terra_cot.legend import legend
from terra_cot.picture import numbered, panels
from terra_cot.sample import Sample
from terra_cot.store.atomic import write_bytes
from terra_cot.store.manifest import read_manifest
from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terra_cot.tile import TileRecord
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.report.images import PANEL_PX, Images, pixels, question_panels
from terrascope_bench.tasks import TASKS

_SERIES = 6  # frames of the strip of one place


def write_report(
    folder: Path, dataset: Path, bench: Path, scorecards: Sequence[Path], checked: dict[str, int] | None = None
) -> Path:
    """Write `folder/index.html` with its pictures beside it; returns the page's path.

    `checked` are the counts of a verification that found nothing wrong, if there was one.
    """
    manifest = read_manifest(dataset, "dataset")
    images = Images(folder)
    strip = _strip(dataset, images)
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath("page.html.j2").read_text(encoding="utf-8"))
    page = template.render(
        version=__version__,
        recipe=manifest["recipe"],
        counts=manifest["counts"],
        sources=manifest["sources"],
        checked=checked,
        strip=strip,
        samples=list(_samples(dataset, images)),
        questions=list(_questions(bench, images)),
        bench=read_manifest(bench, "benchmark"),
        tasks={code: task.name for code, task in TASKS.items()},
        cards=[orjson.loads(path.read_bytes()) for path in scorecards],
    )
    path = folder / "index.html"
    write_bytes(path, page.encode("utf-8"))
    return path


def _strip(dataset: Path, images: Images) -> list[dict[str, str]]:
    """Every date of one tile, its SAR and its label map in colour: most dates first, then least cloud."""
    best: tuple[tuple[int, float], Path, str] | None = None
    columns = ["tile_id", "label_frame", *(f"frames.list.element.{name}" for name in ("frame", "cloud_fraction"))]
    for path in TILES.parts(dataset):
        for row in read_rows(path, TILES, columns):
            dates = len({frame["frame"] for frame in row["frames"]})
            rank = dates, -sum(frame["cloud_fraction"] or 0.0 for frame in row["frames"])
            if row["label_frame"] and (best is None or rank > best[0]):
                best = (rank, path, row["tile_id"])
    if best is None:
        return []
    tile = next(TileRecord.from_row(row) for row in read_rows(best[1], TILES) if row["tile_id"] == best[2])
    panels_ = [
        images.add(
            pixels(frame.image),
            f"{(frame.datetime or frame.frame)[:10]} {frame.modality}, shift {_shift(frame.shift_px)}",
        )
        for frame in sorted(tile.frames, key=lambda frame: (frame.modality, frame.frame))
    ]
    return [*panels_[: 2 * _SERIES], images.add(_colored(tile), "label map")]


def _shift(shift_px: tuple[float, float]) -> str:
    return "none" if shift_px == (0.0, 0.0) else f"{shift_px[0]:+.2f}, {shift_px[1]:+.2f} px removed"


def _colored(tile: TileRecord) -> NDArray[np.uint8]:
    """HW3 uint8: the label map in the colours of its legend."""
    assert tile.legend is not None
    source = legend(tile.legend)
    label = tile.label_array()
    picture = np.zeros((*label.shape, 3), np.uint8)
    for entry in source.native:
        picture[np.isin(label, entry.codes)] = entry.color
    return picture


def _samples(dataset: Path, images: Images) -> Iterator[dict[str, Any]]:
    """One sample of each task: the first in the dataset that shows it best (most masks, an optical image)."""
    chosen: dict[str, tuple[tuple[bool, int], str, Sample]] = {}
    for path in SAMPLES.parts(dataset):
        for row in read_rows(path, SAMPLES):
            sample = Sample.from_row(row)
            rank = (sample.frames[0].modality == "optical", min(len(sample.masks), 4))
            if sample.task not in chosen or rank > chosen[sample.task][0]:
                chosen[sample.task] = (rank, path.name, sample)
    wanted = {(name, sample.tile_id) for _, name, sample in chosen.values()}
    tiles = {
        row["tile_id"]: TileRecord.from_row(row)
        for name in sorted({name for name, _ in wanted})
        for row in read_rows(dataset / "tiles" / name, TILES)
        if (name, row["tile_id"]) in wanted
    }
    for task, (_, _, sample) in sorted(chosen.items(), key=lambda item: (item[1][2].tier != "caption", item[0])):
        shown = panels(sample, tiles[sample.tile_id], PANEL_PX)
        yield {
            "task": task,
            "tier": sample.tier,
            "id": sample.sample_id,
            "question": sample.question,
            "chain": numbered(sample.chain),
            "answer": sample.answer,
            "panels": [images.add(picture, title) for picture, title in shown],
        }


def _questions(bench: Path, images: Images) -> Iterator[dict[str, Any]]:
    """The first question of each task, its images and evidence masks."""
    seen: set[str] = set()
    for question in open_benchmark(bench).questions(images=True):
        if question.task in seen:
            continue
        seen.add(question.task)
        yield {
            "task": question.task,
            "question": question.question,
            "options": list(zip("ABCDEFGH", question.options, strict=False)),
            "answer": question.answer,
            "panels": [images.add(picture, title) for picture, title in question_panels(question)],
        }
        if len(seen) == len(TASKS):
            return
