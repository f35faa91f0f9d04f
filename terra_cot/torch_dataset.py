"""A dataset directory as a stream of torch samples: parts are shared out to workers, each sample comes exactly once.

    dataset = TerraCotDataset("ben/", split="train", seed=0)
    loader = DataLoader(dataset, batch_size=8, num_workers=4, collate_fn=collate)
    for epoch in range(3):
        dataset.set_epoch(epoch)
        for batch in loader: ...

Needs the extra `[model]`. Memory is a part's texts, one row group of tiles and the shuffle buffer, which holds images
as PNG; pixels and masks are decoded when a sample leaves it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from PIL import Image

from terra_cot.draw import seed_of
from terra_cot.errors import ConfigError, DataError, did_you_mean
from terra_cot.sample import Sample
from terra_cot.store.join import Pair, joined, pairs
from terra_cot.store.manifest import read_manifest
from terra_cot.store.shards import SAMPLES, read_rows
from terra_cot.tile import FrameRecord, TileRecord

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError:
    raise ConfigError("the torch dataset needs torch: pip install 'terra-cot[model]'") from None


class Item(TypedDict):
    """One sample. F images of the tile's size, M masks in the order of the [SEG]s of `chain`.

    `images` uint8 (F, 3, H, W), as displayed; `masks` bool (M, H, W); `mask_image` int64 (M,): the image that mask m
    lies on, the optical one where the date has two, -1 where the sample shows none of that date. `gsd_m` in metres.
    """

    sample_id: str
    tile_id: str
    tier: str
    task: str
    split: str
    question: str
    options: list[str] | None
    chain: str
    answer: str
    frames: list[tuple[str, str]]
    images: torch.Tensor
    masks: torch.Tensor
    mask_image: torch.Tensor
    labels: list[str]
    evidence: list[dict[str, Any]]
    gsd_m: float


class TerraCotDataset(IterableDataset[Item]):  # type: ignore[misc]
    """Samples of a dataset directory, streamed.

    Args:
        folder: a finished dataset.
        split: only samples of this split; all where None.
        seed: shuffles by this number; None keeps the order of the dataset. The order depends on the seed, the epoch and
            the number of workers, and on nothing else.
        buffer: samples that a worker draws from while it shuffles.
        rank, world_size: this process and the number of processes, where several train together.
        keep: takes a sample where it says so; asked before anything is shuffled or decoded. `len` does not ask it.

    Raises:
        ConfigError: an unknown split, or a rank outside of the world.
        DataError, SchemaError: not a finished dataset.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str | None = None,
        *,
        seed: int | None = None,
        buffer: int = 512,
        rank: int = 0,
        world_size: int = 1,
        keep: Callable[[Sample], bool] | None = None,
    ) -> None:
        super().__init__()
        manifest = read_manifest(Path(folder), "dataset")
        self._by_split = Counter(manifest["counts"].get("samples", {}).get("by_split", {}))
        if split is not None and split not in self._by_split:
            known = tuple(sorted(self._by_split))
            raise ConfigError(f'no split "{split}"{did_you_mean(split, known)} (there: {", ".join(known) or "none"})')
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank {rank} of {world_size}: ranks count from 0")
        if buffer < 1:
            raise ConfigError(f"buffer {buffer}: at least 1")
        self._folder, self._split, self._seed, self._buffer = Path(folder), split, seed, buffer
        self._rank, self._world_size, self._epoch, self._passed = rank, world_size, 0, 0
        self._keep = keep
        self._pairs = [pair for pair in pairs(manifest) if pair.samples]

    def set_epoch(self, epoch: int, passed: int = 0) -> None:
        """Shuffle in another way from the next iteration on. Call it before the loader's workers start.

        The first `passed` samples of each reader are left out undecoded: where training stopped, it goes on.
        """
        self._epoch, self._passed = epoch, passed

    def __len__(self) -> int:
        """Samples of this rank: all of the split where one process trains, else those of its parts."""
        if self._world_size == 1:
            return self._by_split[self._split] if self._split else self._by_split.total()
        return sum(1 for pair in self._share(self._rank, self._world_size) for _ in self._splits(pair))

    def __iter__(self) -> Iterator[Item]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        share = self._share(self._rank * workers + number, self._world_size * workers)
        stream: Iterator[tuple[TileRecord, Sample]] = (found for pair in share for found in self._samples(pair))
        if self._seed is not None:
            rng = random.Random(seed_of(self._seed, "order", self._epoch, self._rank, number, workers))
            stream = _shuffled(stream, self._buffer, rng)
        for tile, sample in islice(stream, self._passed, None):
            yield decoded(tile, sample)

    def _share(self, number: int, of: int) -> list[Pair]:
        """The parts of one reader, in the order that it reads them."""
        order = list(self._pairs)
        if self._seed is not None:
            random.Random(seed_of(self._seed, "parts", self._epoch)).shuffle(order)
        return order[number::of]

    def _samples(self, pair: Pair) -> Iterator[tuple[TileRecord, Sample]]:
        for tile, samples in joined(self._folder, pair):
            for sample in samples:
                if (self._split is None or sample.split == self._split) and (self._keep is None or self._keep(sample)):
                    yield _light(tile, sample), sample

    def _splits(self, pair: Pair) -> Iterator[str]:
        assert pair.samples is not None
        for row in read_rows(self._folder / pair.samples.path, SAMPLES, ["split"]):
            if self._split is None or row["split"] == self._split:
                yield row["split"]


def decoded(tile: TileRecord, sample: Sample) -> Item:
    """A sample with its pixels."""
    shown = [(entry.frame, str(entry.modality)) for entry in sample.frames]
    images = [_pixels(_record(tile, *entry)) for entry in shown]
    shape = (tile.height, tile.width)
    masks = [mask.to_array() for mask in sample.masks]
    return Item(
        sample_id=sample.sample_id,
        tile_id=sample.tile_id,
        tier=sample.tier,
        task=sample.task,
        split=sample.split,
        question=sample.question,
        options=list(sample.options) if sample.options is not None else None,
        chain=sample.chain,
        answer=sample.answer,
        frames=shown,
        images=torch.from_numpy(np.stack(images) if images else np.empty((0, 3, *shape), np.uint8)),
        masks=torch.from_numpy(np.stack(masks) if masks else np.empty((0, *shape), np.bool_)),
        mask_image=torch.tensor([_image_of(mask.frame, shown) for mask in sample.masks], dtype=torch.int64),
        labels=[mask.label for mask in sample.masks],
        evidence=[asdict(item) for item in sample.evidence],
        gsd_m=tile.gsd_m,
    )


def collate(items: list[Item]) -> dict[str, list[Any]]:
    """A batch: each field as a list, tensors unpadded, since images and masks of samples differ in number and size."""
    return {key: [item[key] for item in items] for key in Item.__annotations__}  # type: ignore[literal-required]


def _image_of(frame: str, shown: list[tuple[str, str]]) -> int:
    places = [number for number, (name, _) in enumerate(shown) if name == frame]
    optical = [number for number in places if shown[number][1] == "optical"]
    return (optical or places or [-1])[0]


def _light(tile: TileRecord, sample: Sample) -> TileRecord:
    """The tile without what the sample does not show: a buffer of samples holds few images."""
    wanted = {(entry.frame, entry.modality) for entry in sample.frames}
    return replace(tile, frames=tuple(f for f in tile.frames if (f.frame, f.modality) in wanted), label=None)


def _record(tile: TileRecord, frame: str, modality: str) -> FrameRecord:
    for record in tile.frames:
        if (record.frame, record.modality) == (frame, modality):
            return record
    raise DataError("a sample shows a frame that its tile does not have", row=tile.tile_id, got=f"{frame} {modality}")


def _pixels(record: FrameRecord) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """uint8 (3, H, W)."""
    with Image.open(BytesIO(record.image)) as image:
        return np.ascontiguousarray(np.moveaxis(np.asarray(image.convert("RGB")), -1, 0))


def _shuffled(
    stream: Iterator[tuple[TileRecord, Sample]], size: int, rng: random.Random
) -> Iterator[tuple[TileRecord, Sample]]:
    """The stream in another order: each comes out in exchange for a later one."""
    held: list[tuple[TileRecord, Sample]] = []
    for entry in stream:
        if len(held) < size:
            held.append(entry)
            continue
        place = rng.randrange(size)
        yield held[place]
        held[place] = entry
    rng.shuffle(held)
    yield from held
