"""The torch dataset: every sample exactly once whatever the workers, in an order that its seed decides.

Needs torch, which the test tools leave out (`pip install 'terra-cot[model]'`).
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exportfactory import changed, every_sample, showing, small_dataset
from PIL import Image

from terra_cot.errors import ConfigError
from terra_cot.export.pictures import shown_record

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'terra-cot[model]'")
from torch.utils.data import DataLoader  # noqa: E402

from terra_cot.torch_dataset import TerraCotDataset, collate  # noqa: E402


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight tiles in three parts."""
    return small_dataset(tmp_path_factory.mktemp("torch"))


def loaded(dataset: Any, workers: int) -> list[str]:
    loader = DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=collate)
    return [name for batch in loader for name in batch["sample_id"]]


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
@pytest.mark.parametrize("seed", [None, 7])
def test_each_sample_comes_once(dataset: Path, workers: int, seed: int | None) -> None:
    found = loaded(TerraCotDataset(dataset, seed=seed, buffer=8), workers)
    assert sorted(found) == sorted(every_sample(dataset))
    assert len(TerraCotDataset(dataset)) == len(found)


def test_without_a_seed_the_order_is_that_of_the_dataset(dataset: Path) -> None:
    assert [item["sample_id"] for item in TerraCotDataset(dataset)] == list(every_sample(dataset))


def test_the_seed_and_the_epoch_decide_the_order(dataset: Path) -> None:
    stream = TerraCotDataset(dataset, seed=1, buffer=16)
    first = loaded(stream, 2)
    assert loaded(TerraCotDataset(dataset, seed=1, buffer=16), 2) == first
    stream.set_epoch(1)
    assert loaded(stream, 2) != first
    assert loaded(TerraCotDataset(dataset, seed=2, buffer=16), 2) != first
    assert first != list(every_sample(dataset))


def test_ranks_share_the_samples(dataset: Path) -> None:
    found: list[str] = []
    for rank in range(2):
        stream = TerraCotDataset(dataset, seed=3, rank=rank, world_size=2)
        names = loaded(stream, 2)
        assert len(stream) == len(names)
        found += names
    assert sorted(found) == sorted(every_sample(dataset))


def test_items_hold_the_pixels_of_the_sample(dataset: Path) -> None:
    samples = every_sample(dataset)
    several = 0
    for item in TerraCotDataset(dataset):
        tile, sample = samples[item["sample_id"]]
        assert (item["question"], item["chain"], item["answer"]) == (sample.question, sample.chain, sample.answer)
        assert item["images"].shape == (len(sample.frames), 3, tile.height, tile.width)
        assert item["images"].dtype == torch.uint8
        for pixels, shown in zip(item["images"], sample.frames, strict=True):
            record = shown_record(tile, shown.frame, shown.modality)
            assert record is not None
            with Image.open(BytesIO(record.image)) as image:
                assert np.array_equal(np.moveaxis(np.asarray(image), -1, 0), pixels.numpy())
        assert item["masks"].shape == (len(sample.masks), tile.height, tile.width)
        for decoded, mask in zip(item["masks"], sample.masks, strict=True):
            assert np.array_equal(decoded.numpy(), mask.to_array())
        assert item["labels"] == [mask.label for mask in sample.masks]
        for place, mask in zip(item["mask_image"].tolist(), sample.masks, strict=True):
            assert item["frames"][place][0] == mask.frame
        if len(sample.frames) == 2:
            several += 1
            assert {item["frames"][place][1] for place in item["mask_image"].tolist()} <= {"optical"}
    assert several


def test_a_mask_of_a_date_that_is_not_shown_lies_on_no_image(dataset: Path, tmp_path: Path) -> None:
    other = changed(dataset, tmp_path / "other", showing(("t1", "optical")))
    item = next(item for item in TerraCotDataset(other) if item["labels"])
    assert set(item["mask_image"].tolist()) == {-1}


def test_a_split_and_what_is_wrong_with_one(dataset: Path) -> None:
    assert len(loaded(TerraCotDataset(dataset, "train"), 0)) == len(every_sample(dataset))
    with pytest.raises(ConfigError, match='did you mean "train"'):
        TerraCotDataset(dataset, "trian")
    with pytest.raises(ConfigError, match="rank 2 of 2"):
        TerraCotDataset(dataset, rank=2, world_size=2)
    with pytest.raises(ConfigError, match="buffer"):
        TerraCotDataset(dataset, buffer=0)


def test_what_is_not_kept_or_was_passed_is_never_decoded(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from terra_cot import torch_dataset

    decoded: list[str] = []
    real = torch_dataset.decoded

    def counted(tile: Any, sample: Any) -> Any:
        decoded.append(sample.sample_id)
        return real(tile, sample)

    monkeypatch.setattr(torch_dataset, "decoded", counted)
    stream = TerraCotDataset(dataset, seed=3, buffer=8, keep=lambda sample: sample.tier == "res")
    whole = [item["sample_id"] for item in stream]
    assert decoded == whole
    assert 0 < len(whole) < len(list(every_sample(dataset)))
    decoded.clear()
    stream.set_epoch(0, passed=3)
    assert [item["sample_id"] for item in stream] == whole[3:] == decoded
