"""Mask pretraining from nothing: every class of an image is a prompt, before a language model supplies any.

A mask decoder that starts from random numbers learns little from the few masks that chains ask for. Here each class
has a learnt prompt of its own; all classes of an image are asked at once, one that is absent among them; and a dense
head on each feature level names the class of every pixel. Prompts and heads are thrown away when the stage ends: the
projection of [SEG] learns to say what they said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from terra_cot.draw import draw, shuffled
from terra_cot.errors import ConfigError
from terra_cot.legend import Legend, class_names, legend
from terra_cot.store.manifest import recorded_parts
from terra_cot.store.shards import TILES, read_rows
from terra_cot.tile import FrameRecord, TileRecord
from terrascope_bench.terrascope.images import Shown, shrinkage, shrunk
from terrascope_bench.terrascope.loss import against
from terrascope_bench.terrascope.mask_head import decode, mask_image
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.train.seen import COLUMNS, Decoded
from terrascope_bench.terrascope.train.stream import Survey
from terrascope_bench.terrascope.vision import Encoded, mask_features

VIEWS = ("optical", "sar", "optical+sar")
"""How a date with both sensors is shown, as often each."""


PIECES = 24
"""So many windows that fit a tile make one lesson of an epoch."""

BEFORE = {"damage": 0.75, "land_cover": 0.25}
"""How often a date that has an earlier one is shown beside it, by the kind of legend: much as questions do."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskLesson:
    """A date of a tile: its images, and the mask (HW bool) of each class that it has, by name; groups among them.

    `images` may show an earlier date too, before those of `date`.
    """

    images: list[Shown]
    date: str
    masks: dict[str, NDArray[np.bool_]]


def survey_tiles(folders: Sequence[Path], split: str | None) -> Survey:
    """Count the labelled tiles of a split.

    Raises:
        ConfigError: no folder, or no labelled tile.
    """
    if not folders:
        raise ConfigError("name at least one dataset folder: --data DIR, or `data` in the recipe")
    found = Survey()
    for folder in folders:
        kept = 0
        for path in recorded_parts(folder, TILES.name):
            for row in read_rows(path, TILES, ["split", "label_frame"]):
                found.read += 1
                if split not in (None, row["split"]):
                    found.refused["another_split"] += 1
                elif row["label_frame"] is None:
                    found.refused["no_label_map"] += 1
                else:
                    kept += 1
        found.by_folder.append(kept)
    if not found.kept:
        raise ConfigError(f"no labelled tile in {', '.join(map(str, folders))}: masks cannot be taught")
    return found


def mask_lessons(
    folder: Path, split: str | None, side: int | None, most: int, seed: int, rank: int, processes: int
) -> Callable[[int, int], Iterator[MaskLesson]]:
    """Labelled tiles of a dataset as lessons: one date a tile and epoch, shown by one sensor or both.

    What a window of `side` px shows is what the mask encoder sees in one of at most `most` a side. A tile larger than
    that gives several: one for every `PIECES` that would fit. Without a `side` tiles are whole.
    """

    def opened(epoch: int, passed: int) -> Iterator[MaskLesson]:
        number = 0
        paths = shuffled(recorded_parts(folder, TILES.name), seed, "parts", epoch)[rank::processes]
        for path in paths:
            for row in read_rows(path, TILES, COLUMNS):
                if row["label_frame"] is None or split not in (None, row["split"]):
                    continue
                tile, decoded = TileRecord.from_row(row), Decoded()
                size = (row["height"], row["width"])
                times = shrinkage(size, side, most) if side else 1
                count = size[0] * size[1] // (PIECES * (side * times) ** 2) if side else 1
                for window in range(max(1, count)):
                    number += 1
                    if number > passed:
                        yield of_tile(tile, decoded, seed, epoch, side, window, times)

    return opened


def of_tile(
    tile: TileRecord, decoded: Decoded, seed: int, epoch: int, side: int | None = None, window: int = 0, times: int = 1
) -> MaskLesson:
    """A date of the tile that has a label map, and how it is shown, drawn by (seed, epoch, tile, window).

    Every other time it is the date that the tile's map was made for, which questions ask about most. Of a damage map
    the date before the event is as good: its buildings all stand. A tile larger than the `side` that
    the mask encoder sees is cut to a window of `times` that size, which is shown as many times smaller; what is shown
    is turned or mirrored, as often each way.
    """
    drawn = (epoch, tile.tile_id, window)
    labels = tile.labels()
    assert tile.legend is not None
    source = legend(tile.legend)
    damage = source.kind == "damage"
    dates = sorted({frame.frame for frame in tile.frames} if damage else labels)
    date = dates[draw(len(dates), seed, "date", *drawn)]
    if not damage and tile.label_frame in labels and draw(2, seed, "own", *drawn):
        date = tile.label_frame
    codes = decoded.label(labels[date] if date in labels else next(iter(labels.values())))
    frames = _frames(tile, date, dates, source.kind, seed, *drawn)
    rows, columns = _window(codes, side * times if side else None, seed, *drawn)
    turn = draw(8, seed, "turn", *drawn)
    pictures = [decoded.picture(frame.image)[:, rows, columns] for frame in frames]
    images = [
        shrunk(Shown(frame.frame, frame.modality, torch.from_numpy(_turned(picture.numpy(), turn))), times)
        for frame, picture in zip(frames, pictures, strict=True)
    ]
    masks = _masks(source, _turned(codes[rows, columns], turn))
    if damage and date not in labels:
        masks = {"building": masks["building"]}
    return MaskLesson(images, date, masks)


def _frames(
    tile: TileRecord, date: str, dates: Sequence[str], kind: str, seed: int, *drawn: object
) -> list[FrameRecord]:
    """The frames that show a date by one sensor or both; before them those of an earlier date, where one is shown."""
    view = VIEWS[draw(len(VIEWS), seed, "view", *drawn)].split("+")

    def seen(at: str) -> list[FrameRecord]:
        frames = tile.shown(at)
        return [frame for frame in frames if frame.modality in view] if len(frames) > 1 else frames

    earlier = [at for at in dates if at < date]
    if earlier and draw(1000, seed, "before", *drawn) < 1000 * BEFORE.get(kind, 0.0):
        return seen(earlier[draw(len(earlier), seed, "earlier", *drawn)]) + seen(date)
    return seen(date)


def _masks(source: Legend, codes: NDArray[np.uint16]) -> dict[str, NDArray[np.bool_]]:
    vocabulary = source.vocabulary("display" if source.display else "native")
    index = vocabulary.index(codes)
    masks = {entry.name: index == number for number, entry in enumerate(vocabulary.classes, start=1) if entry.subject}
    return masks | {entry.name: source.mask(codes, entry.name) for entry in source.groups}


def _window(codes: NDArray[np.uint16], side: int | None, seed: int, *place: object) -> tuple[slice, slice]:
    """Rows and columns of a window of at most `side` px; every other one is laid around a class, each as often.

    Windows anywhere would show a rare class rarely.
    """
    around: tuple[int, ...] | None = None
    if side and max(codes.shape) > side and draw(2, seed, "around", *place):
        kinds = np.unique(codes)
        spots = np.flatnonzero(codes == kinds[draw(len(kinds), seed, "kind", *place)])
        spot = int(spots[draw(len(spots), seed, "spot", *place)])
        around = divmod(spot, codes.shape[1])
    cuts = []
    for axis, length in enumerate(codes.shape):
        free = max(0, length - side) if side else 0
        start = draw(free + 1, seed, "window", axis, *place)
        if around is not None:
            assert side
            start = min(max(around[axis] - draw(side, seed, "shift", axis, *place), 0), free)
        cuts.append(slice(start, start + min(length, side or length)))
    return cuts[0], cuts[1]


def _turned(array: NDArray[Any], turn: int) -> NDArray[Any]:
    """One of the eight ways to turn and mirror a square (..., H, W); other shapes stay as they are."""
    if array.shape[-1] != array.shape[-2]:
        return array
    out = np.rot90(array, turn % 4, axes=(-2, -1))
    return np.ascontiguousarray(out[..., ::-1] if turn >= 4 else out)


class MaskLearner(nn.Module):
    """Prompts of classes, dense heads and the mask model, as one module."""

    def __init__(self, model: TerraScope) -> None:
        super().__init__()
        self.model = model
        self.names = class_names()
        width = model.config.prompt_width
        self.prompts = nn.Embedding(len(self.names), width)
        nn.init.normal_(self.prompts.weight, std=0.5)
        self.heads = nn.ModuleList(nn.Conv2d(width // part, len(self.names), 1) for part in (8, 4, 1))

    def extra(self) -> dict[str, Any]:
        """The weights that the model itself does not have."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("model.")}

    def taught(self) -> dict[str, Any]:
        """The prompt (C) of each class, by name: what a projection of [SEG] can learn to say."""
        return dict(zip(self.names, self.prompts.weight.detach().clone(), strict=True))

    def forward(self, batch: Sequence[MaskLesson]) -> tuple[Any, Any, Any, Any]:
        """(loss, nan, Dice, pixels): masks at full weight, and the heads' cross-entropy; no word is said."""
        shown = [image for lesson in batch for image in lesson.images]
        maps = iter(mask_features(self.model, shown))
        found = []
        for lesson in batch:
            images = [
                Encoded(image.frame, image.modality, image.size, None, None, next(maps)) for image in lesson.images
            ]
            found.append(mask_image(self.model, images, lesson.date))
        rows = [(number, name) for number, lesson in enumerate(batch) for name in self._asked(lesson)]
        numbers = torch.tensor([self.names.index(name) for _, name in rows], device=self.model.device)
        logits = decode(self.model, [found[number][1] for number, _ in rows], self.prompts(numbers))
        truths = [batch[number].masks[name] for number, name in rows]
        dice, pixels = against(logits, truths, self.model.config.mask_px)
        dense = self._dense(batch, [features for _, features in found])
        return dice + pixels + dense, dense.new_full((), float("nan")), dice, pixels

    def _asked(self, lesson: MaskLesson) -> list[str]:
        """The classes that are there, and the first that is not."""
        there = [name for name, mask in lesson.masks.items() if mask.any()]
        absent = [name for name, mask in lesson.masks.items() if not mask.any()]
        return there + absent[:1]

    def _dense(self, batch: Sequence[MaskLesson], features: Sequence[Any]) -> Any:
        """Whether each class lies at each place, of each level: the heads' binary cross-entropy."""
        numbers = torch.tensor([self.names.index(name) for lesson in batch for name in lesson.masks])
        counts = torch.tensor([len(lesson.masks) for lesson in batch])
        rows = torch.arange(len(batch)).repeat_interleave(counts)
        device = features[0][0].device
        # A lesson of many classes weighs no more than one of few.
        weight = (1 / counts / len(batch)).repeat_interleave(counts).to(device)
        fine = features[0][0].shape[-2:]
        masks = [torch.from_numpy(np.stack(list(lesson.masks.values()))).float() for lesson in batch]
        share = torch.cat([functional.adaptive_avg_pool2d(entry, fine) for entry in masks]).to(device)  # (M, h, w)
        losses = []
        for level, head in enumerate(self.heads):
            scores = head(torch.stack([entry[level] for entry in features]))[rows, numbers]  # (M, h, w)
            share = functional.adaptive_avg_pool2d(share, scores.shape[-2:])
            missed = functional.binary_cross_entropy_with_logits(scores, share, reduction="none").mean((-2, -1))
            losses.append((missed * weight).sum())
        return torch.stack(losses).mean()
