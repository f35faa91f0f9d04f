"""Lessons out of dataset folders: samples that a stage can teach, in an order that the seed alone decides.

A sample that a stage cannot teach is counted by reason before training starts: another tier, a mask on a date that the
sample does not show, more masks than a reply may hold. The stream never ends: epoch after epoch, each in its own
order. Where a stage has several sources, the next lesson comes from each as often as its weight says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from terra_cot.draw import draw
from terra_cot.errors import ConfigError, DataError
from terra_cot.sample import Sample
from terra_cot.store.manifest import manifest_sha256, recorded_parts
from terra_cot.store.shards import SAMPLES, read_rows
from terra_cot.torch_dataset import Item, TerraCotDataset
from terrascope_bench.terrascope.images import Shown
from terrascope_bench.terrascope.sequence import Asked, Told
from terrascope_bench.terrascope.train.forms import Form, formed
from terrascope_bench.terrascope.train.sittings import Eye, Sitting, alone

_PARTS = 1_000_000
MASKS_MAX = 16
"""As many as `generate.Limits` lets a reply have."""


def refusal(sample: Sample, tiers: Sequence[str]) -> str | None:
    """Why a stage cannot teach a sample; None where it can."""
    if sample.tier not in tiers:
        return "another_tier"
    if len(sample.masks) > MASKS_MAX:
        return "too_many_masks"
    shown = {entry.frame for entry in sample.frames}
    if any(mask.frame not in shown for mask in sample.masks):
        return "mask_on_a_date_not_shown"
    return None


def lesson(item: Item) -> Told:
    """A sample as a question with the reply to learn."""
    images = [
        Shown(frame, modality, pixels) for (frame, modality), pixels in zip(item["frames"], item["images"], strict=True)
    ]
    options = tuple(item["options"]) if item["options"] is not None else None
    asked = Asked(images, item["question"], options, item["gsd_m"], item["sample_id"])
    masks = [np.ascontiguousarray(mask) for mask in item["masks"].numpy()]
    return Told(asked, item["chain"], item["answer"], masks)


@dataclass(slots=True)
class Survey:
    """What a stage finds in the folders: samples read = kept + refused by reason. `by_folder` are those kept."""

    read: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    by_folder: list[int] = field(default_factory=list)

    @property
    def kept(self) -> int:
        return sum(self.by_folder)


def survey(folders: Sequence[Path], split: str | None, tiers: Sequence[str]) -> Survey:
    """Count the samples that a stage can teach, from texts alone.

    Raises:
        ConfigError: no folder, or nothing to teach. DataError, SchemaError: not a finished dataset.
    """
    if not folders:
        raise ConfigError("name at least one dataset folder: --data DIR, or `data` in the recipe")
    found = Survey()
    for folder in folders:
        kept = 0
        for sample in samples(folder):
            found.read += 1
            reason = "another_split" if split is not None and sample.split != split else refusal(sample, tiers)
            if reason is None:
                kept += 1
            else:
                found.refused[reason] += 1
        found.by_folder.append(kept)
    if not found.kept:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(found.refused.items())) or "no samples"
        raise ConfigError(f"nothing to teach in {', '.join(map(str, folders))} ({reasons})")
    return found


def samples(folder: Path) -> Iterator[Sample]:
    """Every sample of a dataset, without its pictures."""
    for path in recorded_parts(folder, SAMPLES.name):
        for row in read_rows(path, SAMPLES):
            yield Sample.from_row(row)


def data_sha256(folders: Sequence[Path]) -> list[str]:
    """What names the data: the hash of each manifest."""
    return [manifest_sha256(folder) for folder in folders]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Lessons of one kind. `open(epoch, passed)` gives those of an epoch, bar the first `passed`, always the same."""

    name: str
    weight: float
    open: Callable[[int, int], Iterator[Any]]


def chains(
    folder: Path,
    split: str | None,
    tiers: Sequence[str],
    seed: int,
    rank: int,
    processes: int,
    form: Form = "masks",
    eye: Eye | None = None,
) -> Callable[[int, int], Iterator[Told | Sitting]]:
    """The samples of a dataset as lessons, their replies in one form; with an `eye`, as sittings with a window."""

    def opened(epoch: int, passed: int) -> Iterator[Told | Sitting]:
        dataset = TerraCotDataset(
            folder,
            split,
            seed=seed,
            rank=rank,
            world_size=processes,
            keep=lambda sample: refusal(sample, tiers) is None,
        )
        dataset.set_epoch(epoch, passed)
        told = (formed(lesson(item), form) for item in dataset)
        return (alone(entry, eye, seed) for entry in told) if eye else told

    return opened


@dataclass(slots=True, eq=False)
class Lessons:
    """The endless stream of one process of a stage; `taken` says how far each source is read, for resuming."""

    sources: Sequence[Source]
    seed: int
    rank: int = 0
    drawn: int = 0
    taken: list[list[int]] = field(default_factory=list)
    _streams: dict[int, Iterator[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.taken = self.taken or [[0, 0] for _ in self.sources]  # (epoch, lessons taken in it)

    def state(self) -> dict[str, Any]:
        return {"drawn": self.drawn, "taken": [list(pair) for pair in self.taken]}

    def take(self, n: int) -> list[Any]:
        """The next `n` lessons."""
        return [self._next(self._source()) for _ in range(n)]

    def _source(self) -> int:
        """Which source the next lesson comes from."""
        place = draw(_PARTS, self.seed, "source", self.rank, self.drawn) / _PARTS
        place *= sum(source.weight for source in self.sources)
        self.drawn += 1
        for number, source in enumerate(self.sources):
            if place < source.weight:
                return number
            place -= source.weight
        return len(self.sources) - 1

    def _next(self, number: int) -> Any:
        for _ in range(2):
            if number not in self._streams:
                self._streams[number] = iter(self.sources[number].open(*self.taken[number]))
            item = next(self._streams[number], None)
            if item is not None:
                self.taken[number][1] += 1
                return item
            # An epoch is over: the next one, in another order.
            self.taken[number] = [self.taken[number][0] + 1, 0]
            del self._streams[number]
        raise DataError(
            f"no lesson for this process: {self.sources[number].name} has fewer parts than there are processes",
            fix="train with fewer processes, or make the dataset of smaller parts (part_tiles)",
        )
