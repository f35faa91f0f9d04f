"""What the card tells `datasets` never gives out places of testing as training."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
from exportfactory import changed, small_dataset

from terra_cot.sample import Sample
from terra_cot.store.card import write_card
from terra_cot.store.manifest import manifest_parts, read_manifest
from terra_cot.tile import TileRecord


def dealt(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
    """Neighbours of one part in other splits."""
    split = "train" if tile.tile_id[-1] in "02468" else "test"
    return replace(tile, split=split), tuple(replace(sample, split=split) for sample in samples)


def test_another_dataset_of_the_same_name_is_read_anew(tmp_path: Path) -> None:
    """`datasets` keeps what it read of a local folder under the folder's last name."""
    rows = []
    for number, scenes in enumerate((1, 2)):
        folder = small_dataset(tmp_path / str(number), scenes=scenes)
        for table in ("samples", "tiles"):
            there = read_manifest(folder, "dataset")["counts"][table]["kept"]
            own = datasets.load_dataset(str(folder), table, split="full", cache_dir=str(tmp_path / "cache"))
            assert len(own) == there
            rows.append(there)
    assert rows[0] < rows[2]
    assert rows[1] < rows[3]


def test_a_split_is_read_alone_and_never_by_mistake(tmp_path: Path) -> None:
    whole = changed(small_dataset(tmp_path), tmp_path / "dealt", dealt)
    manifest = read_manifest(whole, "dataset")
    write_card(whole, manifest, manifest_parts(manifest))
    for table in ("samples", "tiles"):
        there = manifest["counts"][table]["by_split"]
        assert set(there) == {"train", "test"}
        for split, rows in there.items():
            own = datasets.load_dataset(
                str(whole), table, split="full", filters=[("split", "==", split)], cache_dir=str(tmp_path / "cache")
            )
            assert Counter(own["split"]) == {split: rows}
        with pytest.raises(ValueError, match="train"):
            datasets.load_dataset(str(whole), table, split="train", cache_dir=str(tmp_path / "cache"))
