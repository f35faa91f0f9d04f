"""Croissant: mlcroissant validates the metadata and loads both record sets, which are the rows of the tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import pytest
from exportfactory import every_sample, every_tile

from terra_cot.errors import ConfigError
from terra_cot.export import export
from terra_cot.store.croissant import croissant_text
from terra_cot.store.manifest import read_manifest
from terra_cot.store.shards import SAMPLES, TILES
from terra_cot.verify import verify


@pytest.fixture(scope="module", params=["dataset", "export"])
def folder(request: pytest.FixtureRequest, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset itself, and its export: the same to a reader."""
    if request.param == "dataset":
        return small
    out = tmp_path_factory.mktemp("croissant") / "out"
    export(small, "croissant", out)
    return out


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    return [{key.removeprefix(f"{name}/"): value for key, value in row.items()} for row in dataset.records(name)]


def text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def test_mlcroissant_finds_no_fault(folder: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    warned = " ".join(dataset.metadata.ctx.issues.warnings)
    assert warned.count("is recommended") == len(dataset.metadata.ctx.issues.warnings), warned
    assert json.loads((folder / "croissant.json").read_bytes())["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    for table in (TILES, SAMPLES):
        fields = next(entry for entry in dataset.metadata.record_sets if entry.id == table.name).fields
        assert [field.id for field in fields] == [f"{table.name}/{name}" for name in table.schema.names]


def test_its_samples_are_the_samples(folder: Path, small: Path) -> None:
    rows, samples = records(folder, "samples"), every_sample(small)
    assert [text(row["sample_id"]) for row in rows] == list(samples)
    for row in rows:
        _, sample = samples[text(row["sample_id"])]
        for name in ("question", "chain", "answer", "tier", "split"):
            assert text(row[name]) == getattr(sample, name)
        masks = row["masks"] or []
        assert [text(mask["samples/masks/counts"]) for mask in masks] == [mask.counts for mask in sample.masks]
        assert [tuple(mask["samples/masks/size"]) for mask in masks] == [mask.size for mask in sample.masks]
        values = [entry["samples/evidence/value"] for entry in row["evidence"] or []]
        assert values == [item.value for item in sample.evidence]


def test_its_tiles_are_the_tiles(folder: Path, small: Path) -> None:
    rows, tiles = records(folder, "tiles"), every_tile(small)
    assert [text(row["tile_id"]) for row in rows] == list(tiles)
    for row in rows:
        tile = tiles[text(row["tile_id"])]
        assert np.array_equal(np.asarray(row["label"]), tile.label_array())
        assert (row["width"], row["height"], row["gsd_m"]) == (tile.width, tile.height, tile.gsd_m)
        for frame, record in zip(row["frames"], tile.frames, strict=True):
            assert text(frame["tiles/frames/frame"]) == record.frame
            assert frame["tiles/frames/image"].size == (tile.width, tile.height)
            assert frame["tiles/frames/raster"] == record.raster
            assert [text(band) for band in frame["tiles/frames/bands"]] == list(record.bands)


def test_an_altered_file_shows(small: Path, tmp_path: Path) -> None:
    export(small, "croissant", tmp_path / "out")
    assert verify(tmp_path / "out").problems == []
    path = tmp_path / "out" / "croissant.json"
    changed = path.read_bytes().replace(b"Chain-of-thought", b"Chain of thought")
    path.unlink()  # it may be a link into the dataset
    path.write_bytes(changed)
    assert {(problem.file, problem.field) for problem in verify(tmp_path / "out").problems} == {
        ("croissant.json", ""), ("croissant.json", "sha256"),
    }  # fmt: skip
    assert croissant_text(read_manifest(small, "dataset")) == (small / "croissant.json").read_bytes()


def test_a_split_cannot_be_cut_out_of_parts(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--split"):
        export(small, "croissant", tmp_path / "out", splits=("train",))
    assert list(tmp_path.iterdir()) == []
