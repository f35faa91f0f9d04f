"""DeepGlobe roads: a mask becomes two codes by the publisher's threshold, and other pictures are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives.deepglobe_road import deepglobe_road, road_mask
from PIL import Image

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.errors import DataError
from terra_cot.generate import GenerateOptions, samples_of
from terra_cot.sample import Sample
from terra_cot.scene import Drop, Scene
from terra_cot.sources import scan
from terra_cot.tile import TileRecord

EVERY = {"splits": ["train", "validation", "test"]}


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deepglobe_road(tmp_path_factory.mktemp("road") / "road")


@pytest.fixture
def archive(_whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    shutil.copytree(_whole, tmp_path / "road")
    return tmp_path / "road"


def listed(root: Path, **options: Any) -> tuple[list[Scene], list[tuple[str, str, str]]]:
    items = list(scan("deepglobe-road", root, options))
    drops = [(x.level, x.item, x.reason) for x in items if isinstance(x, Drop)]
    return [x for x in items if isinstance(x, Scene)], drops


def tile_of(root: Path) -> TileRecord | Drop:
    return next(item for item in cut_scene(listed(root)[0][0], TileOptions()) if item.__class__ in (TileRecord, Drop))


def test_a_whole_archive(archive: Path) -> None:
    scenes, drops = listed(archive)
    assert [scene.scene_id for scene in scenes] == ["104", "7391"]
    assert drops == [("scene", "20", "split_not_asked"), ("scene", "31", "split_not_asked")]
    scenes, drops = listed(archive, **EVERY)
    assert not drops
    assert [(scene.scene_id, scene.split, scene.label is None) for scene in scenes] == [
        ("104", "train", False), ("7391", "train", False), ("20", "validation", True), ("31", "test", True),
    ]  # fmt: skip
    assert (scenes[0].grid.gsd_m, scenes[0].grid.crs, scenes[0].frames[0].datetime) == (0.5, None, None)


def test_masks_are_cut_at_the_published_threshold(archive: Path) -> None:
    soft = road_mask(0)
    assert set(np.unique(soft)) - {0, 255}, "the fixture has soft edges, as the publisher warns"
    tile = tile_of(archive)
    assert isinstance(tile, TileRecord)
    np.testing.assert_array_equal(tile.label_array(), soft >= 128)
    Image.fromarray(soft).save(archive / "train" / "104_mask.png")
    grey = tile_of(archive)
    assert isinstance(grey, TileRecord)
    np.testing.assert_array_equal(grey.label_array(), tile.label_array())


def test_only_roads_are_asked_about(archive: Path) -> None:
    tile = tile_of(archive)
    assert isinstance(tile, TileRecord)
    samples = list(samples_of(tile, GenerateOptions(res=5, l1_min=6, l1_max=6), seed=0))
    assert all(isinstance(sample, Sample) for sample in samples)
    assert {(sample.tier, sample.task) for sample in samples if isinstance(sample, Sample)} == {
        ("res", "referring"), ("l1", "area"),
    }  # fmt: skip
    shares = [item for x in samples if isinstance(x, Sample) for item in x.evidence if item.fact == "valid_pixels"]
    assert {mask.label for x in samples if isinstance(x, Sample) for mask in x.masks} == {"road"}
    assert all(item.value == 256 * 256 for item in shares), "the background counts as the rest of the image"


def test_a_place_without_roads_has_nothing_to_say(archive: Path) -> None:
    Image.new("L", (256, 256)).save(archive / "train" / "104_mask.png")
    tile = tile_of(archive)
    assert isinstance(tile, TileRecord)
    (drop,) = samples_of(tile, GenerateOptions(), seed=0)
    assert isinstance(drop, Drop)
    assert drop.reason == "nothing_to_say"


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda train: (train / "104_mask.png").unlink(), "missing_mask"),
        (lambda train: (train / "104_sat.jpg").unlink(), "missing_image"),
        (lambda train: truncate(train / "104_mask.png"), "unreadable"),
        (lambda train: (train / "104_sat.jpg").write_bytes(b"\xff\xd8"), "unreadable"),
        (lambda train: Image.new("L", (512, 512)).save(train / "104_mask.png"), "wrong_size"),
        (lambda train: Image.new("L", (256, 256)).save(train / "104_sat.jpg"), "wrong_bands"),
    ],
)
def test_a_broken_pair_is_dropped(archive: Path, damage: Callable[[Path], Any], reason: str) -> None:
    damage(archive / "train")
    scenes, drops = listed(archive)
    assert [scene.scene_id for scene in scenes] == ["7391"]
    assert drops[0] == ("scene", "104", reason)


def test_a_mask_in_colours_is_refused(archive: Path) -> None:
    """DeepGlobe's land-cover set has the same file names."""
    Image.new("RGB", (256, 256), (0, 255, 255)).save(archive / "train" / "104_mask.png")
    drop = tile_of(archive)
    assert isinstance(drop, Drop)
    assert (drop.item, drop.reason) == ("104", "bad_label_map")


def test_a_jpeg_that_was_cut_off_drops_its_frame(archive: Path) -> None:
    truncate(archive / "train" / "104_sat.jpg")
    drop = tile_of(archive)
    assert isinstance(drop, Drop)
    assert (drop.level, drop.item, drop.reason) == ("frame", "104/t0/optical", "unreadable")


def test_other_folders_are_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a DeepGlobe road archive"):
        listed(tmp_path)
