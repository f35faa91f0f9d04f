"""Generate: part k of the samples from part k of the tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.atomic import sha256_json
from terra_cot.counts import SAMPLE_KEYS
from terra_cot.engine import work
from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.recipe import Recipe
from terra_cot.sample import Sample
from terra_cot.shards import SAMPLES, TILES, Part, read_rows, write_part
from terra_cot.stages import OnStep
from terra_cot.tile import TileRecord
from terra_cot.workspace import Marker, Markers, Workspace


@dataclass(frozen=True, slots=True)
class SamplePart:
    """The work of one part of samples: it reads the tiles of the same number."""

    markers: Markers
    number: int
    tiles: Part
    options: GenerateOptions
    seed: int


def generate_samples(workspace: Workspace, recipe: Recipe, workers: int, on_step: OnStep | None) -> None:
    markers = workspace.markers.all(TILES)
    parts = (
        SamplePart(workspace.markers, number, marker.part, recipe.generate, recipe.seed)
        for number, marker in enumerate(markers)
    )
    done, total = 0, sum(marker.part.rows for marker in markers)
    if on_step:
        on_step("generate", 0, total)
    for number in work(generate_part, parts, min(workers, len(markers))):
        done += markers[number].part.rows
        if on_step:
            on_step("generate", done, total)
    workspace.markers.remove_parts_from(SAMPLES, len(markers))


# Pictures and rasters stay on disk: generation needs labels and names.
_LIGHT = [
    *(name for name in TILES.schema.names if name not in ("frames", "label")),
    *(f"frames.list.element.{name}" for name in ("frame", "modality", "datetime", "bands", "cloud_fraction")),
    *(f"frames.list.element.{name}" for name in ("nodata_fraction", "shift_px", "shift_score")),
    *(f"frames.list.element.{name}" for name in ("shift_found_px", "shift_status", "shift_reason", "cloud_flag")),
    "label.bytes",
]


def light_tiles(folder: Path, part: Part) -> Iterator[TileRecord]:
    """Tiles of a part without the bytes of their images and rasters (empty in the records)."""
    for row in read_rows(folder / part.path, TILES, _LIGHT) if part.rows else ():
        yield TileRecord.from_row(row)


def generate_part(job: SamplePart) -> int:
    """Write one part of samples unless it is there; returns its number."""
    fingerprint = sha256_json(
        [FORMAT_VERSION, __version__, job.options.model_dump(mode="json"), job.seed, job.tiles.sha256]
    )
    if job.markers.marker(SAMPLES, job.number, fingerprint):
        return job.number
    drops: list[dict[str, str]] = []
    counts: dict[str, Counter[str]] = {key: Counter() for key in SAMPLE_KEYS}

    def rows() -> Iterator[dict[str, Any]]:
        for record in light_tiles(job.markers.folder, job.tiles):
            for item in samples_of(record, job.options, job.seed):
                if isinstance(item, Sample):
                    for key, counter in counts.items():
                        counter[getattr(item, key)] += 1
                    yield item.to_row()
                else:
                    drops.append({"stage": "generate", **item.to_row()})

    job.markers.begin(SAMPLES)
    part = write_part(job.markers.folder, SAMPLES, job.number, rows())
    plain = {key: dict(counter) for key, counter in counts.items()}
    job.markers.mark(SAMPLES, job.number, Marker(fingerprint, part, plain, drops))
    return job.number
