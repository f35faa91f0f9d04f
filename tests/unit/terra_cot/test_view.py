"""What a site is written from: the samples chosen, data as scripts, colours for any label."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from exportfactory import changed, contents, every_sample, small_dataset

from terra_cot.errors import ConflictError, DataError
from terra_cot.legend import legend
from terra_cot.palette import class_color
from terra_cot.schema import check
from terra_cot.store.join import pairs
from terra_cot.store.manifest import read_manifest
from terra_cot.view import write_site
from terra_cot.view.choose import Choice, choose
from terra_cot.view.chunks import Chunks, script


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_dataset(tmp_path_factory.mktemp("view"))


def chosen(dataset: Path, limit: int | None, sample: int = 10_000) -> tuple[Choice, list[str]]:
    parts = pairs(read_manifest(dataset, "dataset"))
    found = choose(dataset, parts, limit=limit, sample=sample)
    names = list(every_sample(dataset))
    picked, offset = [], 0
    for pair in parts:
        rows = pair.samples.rows if pair.samples else 0
        picked += [names[offset + row] for row in found.rows.get(pair.name, ())]
        offset += rows
    return found, picked


def test_all_the_first_or_those_of_drawn_tiles(dataset: Path) -> None:
    samples = every_sample(dataset)
    names = list(samples)
    whole, picked = chosen(dataset, None)
    assert (whole.total, whole.shown, whole.how) == (len(names), len(names), "all samples")
    assert picked == names
    first, picked = chosen(dataset, 20)
    assert picked == names[:20]
    assert first.how == f"the first 20 of {len(names)} samples"
    drawn, picked = chosen(dataset, None, 20)
    assert len(picked) == drawn.shown == 20
    assert picked != names[:20]
    assert chosen(dataset, None, 20)[1] == picked
    tiles = Counter(samples[name][1].tile_id for name in picked)
    every = Counter(sample.tile_id for _, sample in samples.values())
    assert sum(tiles[name] != every[name] for name in tiles) <= 1, "whole tiles, but for the last"
    assert f"{len(tiles)} tiles" in drawn.how
    assert set(chosen(dataset, None, 12)[1]) <= set(picked), "more samples are more of the same"


def test_the_data_of_a_site_are_those_samples(dataset: Path, tmp_path: Path) -> None:
    note = write_site(dataset, tmp_path / "a", sample=20)
    check(note, "view", tmp_path)
    write_site(dataset, tmp_path / "b", sample=20)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    listed = [row[0] for row in _values(tmp_path / "a" / "data" / "list-00000.js")[1]]
    assert sorted(listed) == sorted(chosen(dataset, None, 20)[1])
    shown = _values(tmp_path / "a" / "data" / "shown-00000.js")[1]
    for name, entry in zip(listed, shown, strict=True):
        tile, sample = every_sample(dataset)[name]
        assert [mask["counts"] for mask in entry["masks"]] == [mask.counts for mask in sample.masks]
        for frame, own in zip(entry["frames"], sample.frames, strict=True):
            record = next(one for one in tile.frames if (one.frame, one.modality) == (own.frame, own.modality))
            assert (tmp_path / "a" / frame["picture"]).read_bytes() == record.image
    assert note["images"] == len(list((tmp_path / "a" / "images").rglob("*.png")))
    size = sum(path.stat().st_size for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert note["bytes"] == size - (tmp_path / "a" / "view.json").stat().st_size


def _values(path: Path) -> list[object]:
    text = path.read_text(encoding="utf-8")
    return json.loads("[" + text.partition("(")[2].removesuffix(");\n") + "]")  # type: ignore[no-any-return]


def test_data_files_hold_so_many_entries(tmp_path: Path) -> None:
    chunks = Chunks(tmp_path, "list", "listed", 2)
    for number in range(5):
        chunks.add({"n": number})
    chunks.close()
    assert chunks.files == 3
    assert (tmp_path / "list-00002.js").read_bytes() == b'terraCot.listed(2, [{"n":4}]);\n'
    assert script("index", "\u2028é") == 'terraCot.index("\u2028é");\n'.encode()


def test_a_site_is_replaced_only_when_asked_and_nothing_else_ever(dataset: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(dataset, site, limit=3)
    with pytest.raises(ConflictError, match="--force"):
        write_site(dataset, site)
    assert json.loads((site / "view.json").read_bytes())["samples"]["shown"] == 3
    write_site(dataset, site, force=True)
    assert json.loads((site / "view.json").read_bytes())["samples"]["shown"] > 3
    with pytest.raises(ConflictError, match="no view"):
        write_site(dataset, dataset, force=True)


def test_a_dataset_without_samples_or_with_strange_ones_is_told(dataset: Path, tmp_path: Path) -> None:
    changed(dataset, tmp_path / "none", lambda tile, _: (tile, ()))
    with pytest.raises(DataError, match="no samples to show"):
        write_site(tmp_path / "none", tmp_path / "site")
    steps: list[tuple[int, int]] = []
    write_site(dataset, tmp_path / "site", on_step=lambda done, total: steps.append((done, total)))
    total = len(every_sample(dataset))
    assert steps == [(number, total) for number in range(1, total + 1)]


def test_every_label_has_a_color() -> None:
    assert class_color("worldcover", "water") == legend("worldcover").find("water").color
    assert class_color("worldcover", "new building") == class_color(None, "new building")
    assert class_color("a legend of later", "water") == class_color(None, "water")
    assert len({class_color(None, f"class {number}") for number in range(40)}) > 4
