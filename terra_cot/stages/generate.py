"""Generate: part k of the samples from part k of the tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.chains.draft import Context
from terra_cot.engine import Crew
from terra_cot.generate import GenerateOptions, context_of, samples_of
from terra_cot.llm.job import LlmJob
from terra_cot.llm.writer import written
from terra_cot.pixels.images import PartImages
from terra_cot.recipe import Recipe
from terra_cot.sample import Sample
from terra_cot.scene import Drop
from terra_cot.stages import OnStep
from terra_cot.stages.light import light_tiles
from terra_cot.stages.select import Choice, chosen_samples
from terra_cot.store.atomic import sha256_json
from terra_cot.store.counts import SAMPLE_KEYS
from terra_cot.store.shards import SAMPLES, TILES, Part, write_part
from terra_cot.store.workspace import Marker, Markers, Workspace


@dataclass(frozen=True, slots=True)
class SamplePart:
    """The work of one part of samples: it reads the tiles of the same number."""

    markers: Markers
    number: int
    tiles: Part
    options: GenerateOptions
    seed: int
    choice: Choice
    llm: LlmJob | None = None


def generate_samples(
    workspace: Workspace, recipe: Recipe, choices: Sequence[Choice], crew: Crew, on_step: OnStep | None
) -> None:
    """Every part of the samples, of what `choices` (one a part of tiles) say."""
    markers = workspace.markers.all(TILES)
    llm, crew = _asking(workspace, recipe, crew)
    parts = (
        SamplePart(workspace.markers, number, marker.part, recipe.generate, recipe.seed, choice, llm)
        for number, (marker, choice) in enumerate(zip(markers, choices, strict=True))
    )
    done, total = 0, sum(marker.part.rows for marker in markers)
    if on_step:
        on_step("generate", 0, total)
    for number in crew.work(generate_part, parts, len(markers)):
        done += markers[number].part.rows
        if on_step:
            on_step("generate", done, total)
    workspace.markers.remove_parts_from(SAMPLES, len(markers))


def _asking(workspace: Workspace, recipe: Recipe, crew: Crew) -> tuple[LlmJob | None, Crew]:
    """What workers need to ask a model, and no more workers than may ask at once: each has its share of the requests.

    Raises:
        ConfigError: the key is not there.
    """
    if recipe.llm is None:
        return None, crew
    workers = min(crew.workers, recipe.llm.concurrency)
    return LlmJob.start(recipe.llm, workspace.hidden, recipe.llm.concurrency // workers), replace(crew, workers=workers)


def generate_part(job: SamplePart) -> int:
    """Write one part of samples unless it is there; returns its number."""
    options = job.options.model_dump(mode="json")
    follows = [FORMAT_VERSION, __version__, options, job.seed, job.tiles.sha256, job.choice.to_json()]
    fingerprint = sha256_json(follows if job.llm is None else [*follows, job.llm.options.identity()])
    if job.markers.marker(SAMPLES, job.number, fingerprint):
        return job.number
    drops: list[dict[str, str]] = []
    counts: dict[str, Counter[str]] = {key: Counter() for key in SAMPLE_KEYS}

    def samples() -> Iterator[tuple[Sample, Context]]:
        with closing(PartImages(job.markers.folder / job.tiles.path)) as images:
            chosen = chosen_samples(job.markers, job.number, job.choice, job.seed)
            for record in light_tiles(job.markers.folder, job.tiles):
                if record.tile_id in job.choice.copies:
                    detail = f"shows what {job.choice.copies[record.tile_id]} shows"
                    drops.append(
                        {"stage": "generate", **Drop("tile", record.tile_id, "near_duplicate", detail).to_row()}
                    )
                    continue
                only = None if chosen is None else chosen.get(record.tile_id, set())
                for item in samples_of(record, job.options, job.seed, only, images):
                    if isinstance(item, Sample):
                        yield item, context_of(record, item.frames)
                    else:
                        drops.append({"stage": "generate", **item.to_row()})

    def rows() -> Iterator[dict[str, Any]]:
        for sample, refused in written(samples(), job.llm):
            drops.extend({"stage": "llm", **drop.to_row()} for drop in refused)
            for key, counter in counts.items():
                counter[getattr(sample, key)] += 1
            yield sample.to_row()

    job.markers.begin(SAMPLES)
    part = write_part(job.markers.folder, SAMPLES, job.number, rows())
    plain = {key: dict(counter) for key, counter in counts.items()}
    job.markers.mark(SAMPLES, job.number, Marker(fingerprint, part, plain, drops))
    return job.number
