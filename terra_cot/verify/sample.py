"""A sample is right when masks follow from the label map, evidence from masks, and words from evidence."""

from __future__ import annotations

from typing import Any

import numpy as np

from terra_cot.chains import TASKS
from terra_cot.chains.draft import Context, Draft, Target, Text
from terra_cot.chains.numbers import underived
from terra_cot.chains.temporal import SERIES_TASKS
from terra_cot.chains.temporal.series import Maps
from terra_cot.draw import seed_of
from terra_cot.errors import DataError
from terra_cot.evidence import FACTS, BoolMask, Ground, base_fact, measure_fact
from terra_cot.generate import context_of, frames_shown
from terra_cot.legend import Legend, legend
from terra_cot.llm.check import faults
from terra_cot.llm.writer import book_for
from terra_cot.mask import check_counts
from terra_cot.pixels.images import Fetch, TileImages
from terra_cot.sample import Sample, ShownFrame
from terra_cot.temporal import temporal_frames
from terra_cot.tile import TileRecord
from terra_cot.verify.report import TOLERANCE, Where


class Labels:
    """The label maps and images of the last tile asked for: samples come tile by tile."""

    def __init__(self, fetch: Fetch | None = None) -> None:
        self._maps: Maps | None = None
        self._fetch = fetch
        self._images: TileImages | None = None

    def of(self, tile: TileRecord) -> Maps:
        if self._maps is None or self._maps.tile is not tile:
            self._maps = Maps(tile)
        return self._maps

    def images(self, tile: TileRecord) -> TileImages:
        if self._images is None or self._images.tile is not tile:
            self._images = TileImages(tile, self._fetch)
        return self._images


def check_sample(row: dict[str, Any], tiles: dict[str, TileRecord], labels: Labels, seed: int, where: Where) -> None:
    tile = tiles.get(row["tile_id"])
    if tile is None or tile.label is None or tile.legend is None:
        where.say("tile_id", f"no labelled tile {row['tile_id']} in the tiles of this part")
        return
    try:
        sample = Sample.from_row(row)
    except (ValueError, TypeError, KeyError) as error:
        where.say("chain", str(error))
        return
    if sample.split != tile.split:
        where.say("split", f"is {sample.split}, the tile's is {tile.split}")
    if sample.seed != seed_of(seed, sample.sample_id):
        where.say("seed", "does not follow from the sample's name and the seed of the recipe")
    present = {(frame.frame, frame.modality) for frame in tile.frames}
    if any((shown.frame, shown.modality) not in present for shown in sample.frames):
        where.say("frames", "shows an image that the tile does not have")
    elif sample.frames != _expected_frames(sample, tile):
        where.say("frames", "are not those drawn by the sample's seed")
    maps = labels.of(tile)
    masks = _check_masks(sample, tile, maps, where)
    if masks is None:
        return
    dates = tuple(mask.frame for mask in sample.masks)
    ground = Ground(_valid_px(sample, legend(tile.legend), maps), tile.gsd_m, dates, labels.images(tile))
    _check_evidence(sample, masks, ground, where)
    _check_text(sample, tile, where)


def _expected_frames(sample: Sample, tile: TileRecord) -> tuple[ShownFrame, ...]:
    """The images that a sample of this task, masks and seed shows."""
    targets = [Target(mask.frame, mask.label) for mask in sample.masks]
    task = SERIES_TASKS.get(sample.task)
    return temporal_frames(task, targets, tile, sample.seed) if task else frames_shown(tile, sample.seed)


def _check_masks(sample: Sample, tile: TileRecord, maps: Maps, where: Where) -> list[BoolMask] | None:
    """Bool masks of the sample when all can be decoded; problems where one is not what the label maps say."""
    dated = sample.task in SERIES_TASKS
    masks: list[BoolMask] = []
    for number, mask in enumerate(sample.masks):
        where.report.masks += 1
        name = f"masks[{number}]"
        if mask.size != (tile.height, tile.width):
            where.say(f"{name}.size", f"is {mask.size}, the tile {(tile.height, tile.width)}")
            return None
        try:
            check_counts(mask.size, mask.counts)
            expected = maps.region(mask.frame if dated else str(tile.label_frame), mask.label)
        except DataError as error:
            where.say(name, str(error))
            return None
        found = mask.to_array()
        if not dated and mask.frame != tile.label_frame:
            where.say(f"{name}.frame", f"is {mask.frame}, the label map describes {tile.label_frame}")
        if not np.array_equal(found, expected):
            differ = int((found != expected).sum())
            where.say(name, f"differs from {mask.label} in the label map in {differ} pixels")
        masks.append(found)
    return masks


def _check_evidence(sample: Sample, masks: list[BoolMask], ground: Ground, where: Where) -> None:
    for number, item in enumerate(sample.evidence):
        where.report.evidence += 1
        name = f"evidence[{number}].{item.fact}"
        try:
            value = measure_fact(item, masks, ground)
        except DataError as error:
            where.say(name, str(error))
            continue
        if value is None or not np.isclose(item.value, value, rtol=TOLERANCE, atol=0):
            where.say(name, f"says {item.value}, the masks give {value}")
        unit = FACTS[base_fact(item.fact)].unit
        if item.unit != unit:
            where.say(name, f"unit is {item.unit}, expected {unit}")


def _valid_px(sample: Sample, source: Legend, maps: Maps) -> int:
    """Valid pixels of the labelled date, in the view that the sample's labels belong to."""
    labels = {mask.label for mask in sample.masks}
    native = labels <= {entry.name for entry in source.native}
    vocabulary = source.vocabulary("native" if native else "display")
    return int(np.count_nonzero(vocabulary.index(maps.codes(str(maps.tile.label_frame)))))


def _check_text(sample: Sample, tile: TileRecord, where: Where) -> None:
    for name in ("question", "chain", "answer"):
        strange = underived(getattr(sample, name), sample.evidence)
        if strange:
            where.say(name, f"states {', '.join(strange)}, which no evidence gives")
    kind, _, name = sample.writer.partition(":")
    task = TASKS.get(sample.task if kind == "llm" else name) or SERIES_TASKS.get(name)
    if kind not in ("llm", "template") or task is None or task.name != sample.task or task.tier != sample.tier:
        where.say("writer", f"{sample.writer} does not write {sample.tier}/{sample.task}")
        return
    targets = tuple(Target(mask.frame, mask.label) for mask in sample.masks)
    context = context_of(tile, sample.frames)
    try:
        text = task.write(Draft(sample.task, targets, sample.evidence), context, sample.seed)
    except (KeyError, ValueError, DataError) as error:
        where.say("evidence", f"the text cannot be written from it ({error})")
        return
    if kind == "llm":
        _check_model_text(sample, text, context, where)
        return
    for name in ("question", "chain", "answer", "options"):
        if getattr(sample, name) != getattr(text, name):
            where.say(name, f'is not what {sample.writer} writes: "{getattr(text, name)}"')


def _check_model_text(sample: Sample, composed: Text, context: Context, where: Where) -> None:
    """A model's words cannot be written again; they are read as they were when they were accepted."""
    book = book_for(sample, context, composed)
    if book is None:
        where.say("writer", f"{sample.writer} cannot write of these masks")
        return
    for fault in faults(book, Text(sample.question, sample.chain, sample.answer, sample.options)):
        where.say("chain", f"{fault.reason}: {fault.detail}")
