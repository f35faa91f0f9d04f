"""ChatEarthNet as laid out on a disk is listed whole; what is broken in it is dropped with a reason of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives.chatearthnet import NAMES, chatearthnet
from geofactory import WORLDCOVER, mosaic, write_tiff
from PIL import Image

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.errors import ConfigError, DataError
from terra_cot.scene import Drop, Scene
from terra_cot.sources import scan
from terra_cot.tile import TileRecord

FIRST = "patch_000"


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chatearthnet(tmp_path_factory.mktemp("cen") / "cen")


@pytest.fixture
def archive(_whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    shutil.copytree(_whole, tmp_path / "cen")
    return tmp_path / "cen"


def listed(root: Path, **options: Any) -> tuple[list[Scene], list[tuple[str, str, str]]]:
    items = list(scan("chatearthnet", root, {"labels": "worldcover", **options}))
    drops = [(x.level, x.item, x.reason) for x in items if isinstance(x, Drop)]
    return [x for x in items if isinstance(x, Scene)], drops


def save(path: Path, side: int = 256, mode: str = "RGB") -> None:
    Image.fromarray(np.full((side, side), 40, np.uint8)).convert(mode).save(path)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def captions(root: Path, split: str = "train") -> Path:
    return root / "json_files" / f"ChatEarthNet_caps_35_{split}.json"


def test_a_whole_archive(archive: Path) -> None:
    scenes, drops = listed(archive)
    assert drops == [("frame", "patch_001/sar", "missing_sar")]
    assert [(scene.scene_id, scene.split) for scene in scenes] == [
        ("patch_000", "train"), ("patch_001", "validation"), ("patch_002", "test"),
    ]  # fmt: skip
    first = scenes[0]
    assert [(frame.modality, [asset.bands for asset in frame.assets]) for frame in first.frames] == [
        ("optical", [("R", "G", "B")]), ("sar", [("VV",), ("VH",)]),
    ]  # fmt: skip
    assert {frame.datetime for frame in first.frames} == {None}, "no date is published and none is made up"
    assert (first.grid.crs, first.grid.gsd_m, first.grid.shape) == (None, 10.0, (256, 256))
    assert first.label is not None
    assert (first.label.legend, first.licence, first.lon_lat) == ("worldcover", "CC-BY-4.0", None)


def test_the_tile_shows_sar_as_published(archive: Path) -> None:
    scene = listed(archive)[0][0]
    (tile,) = cut_scene(scene, TileOptions(align=False))
    assert isinstance(tile, TileRecord)
    optical, sar = tile.frames
    assert (optical.raster, optical.datetime) == (None, None), "three 8-bit bands are the picture itself"
    vv, vh = (np.asarray(Image.open(archive / f"s1_images/{band}/{NAMES[0]}")).astype(int) for band in ("vv", "vh"))
    shown = np.asarray(Image.open(BytesIO(sar.image)))
    np.testing.assert_array_equal(shown, np.stack([vv, vh, (vv + vh) // 2], axis=-1))
    np.testing.assert_array_equal(tile.label_array(), np.asarray(Image.open(archive / "worldcover" / NAMES[0])))


def test_folders_of_splits_are_read_too(archive: Path) -> None:
    shutil.rmtree(archive / "json_files")
    for name, split in zip(NAMES, ("train", "val", "test"), strict=True):
        (archive / "s2_images" / split).mkdir()
        (archive / "s2_images" / name).rename(archive / "s2_images" / split / name)
    scenes, _ = listed(archive)
    assert [scene.split for scene in scenes] == ["train", "validation", "test"]
    shutil.copy(archive / "s2_images/train" / NAMES[0], archive / "s2_images/test")
    scenes, drops = listed(archive)
    assert ("scene", FIRST, "two_splits") in drops
    assert len(scenes) == 2


def test_the_archive_as_unzipped(archive: Path) -> None:
    (archive / "s2_rgb_images").mkdir()
    (archive / "s2_images").rename(archive / "s2_rgb_images" / "s2_images")
    for band in ("vv", "vh"):
        (archive / "s1_images" / band).rename(archive / band)
    scenes, drops = listed(archive)
    assert [len(scene.frames) for scene in scenes] == [2, 1, 2]
    assert len(drops) == 1


def test_splits_sar_and_labels_can_be_left_out(archive: Path) -> None:
    scenes, drops = listed(archive, splits=["test"], sar=False, labels=None)
    assert [(scene.scene_id, len(scene.frames), scene.label) for scene in scenes] == [("patch_002", 1, None)]
    assert [reason for *_, reason in drops] == ["split_not_asked"] * 2


def two_splits(root: Path) -> None:
    captions(root, "test").write_text(json.dumps([{"image": name, "caption": ""} for name in (NAMES[0], NAMES[2])]))


@pytest.mark.parametrize(
    ("damage", "drop"),
    [
        (lambda root: (root / "s2_images" / NAMES[0]).unlink(), ("scene", FIRST, "missing_file")),
        (lambda root: truncate(root / "s2_images" / NAMES[0]), ("scene", FIRST, "unreadable")),
        (lambda root: (root / "s2_images" / NAMES[0]).write_text("no"), ("scene", FIRST, "unreadable")),
        (lambda root: save(root / "s2_images" / NAMES[0], 128), ("scene", FIRST, "wrong_size")),
        (lambda root: save(root / "s2_images" / NAMES[0], mode="RGBA"), ("scene", FIRST, "wrong_bands")),
        (lambda root: save(root / "worldcover" / NAMES[0], 512, "L"), ("scene", FIRST, "wrong_size")),
        (lambda root: truncate(root / "worldcover" / NAMES[0]), ("scene", FIRST, "unreadable")),
        (lambda root: captions(root).write_text("[]"), ("scene", FIRST, "not_in_metadata")),
        (two_splits, ("scene", FIRST, "two_splits")),
    ],
)
def test_a_broken_image_is_dropped(archive: Path, damage: Callable[[Path], Any], drop: tuple[str, str, str]) -> None:
    damage(archive)
    scenes, drops = listed(archive)
    assert [scene.scene_id for scene in scenes] == ["patch_001", "patch_002"]
    assert drop in drops
    assert len(drops) == 2


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda root: (root / "s1_images/vh" / NAMES[0]).unlink(), "missing_sar"),
        (lambda root: truncate(root / "s1_images/vv" / NAMES[0]), "unreadable"),
        (lambda root: save(root / "s1_images/vv" / NAMES[0], 128, "L"), "wrong_size"),
        (lambda root: save(root / "s1_images/vv" / NAMES[0], mode="RGB"), "wrong_bands"),
    ],
)
def test_broken_sar_leaves_the_optical_image(archive: Path, damage: Callable[[Path], Any], reason: str) -> None:
    damage(archive)
    scenes, drops = listed(archive)
    assert [len(scene.frames) for scene in scenes] == [1, 1, 2]
    assert ("frame", f"{FIRST}/sar", reason) in drops


def test_repeated_and_nameless_captions_are_counted(archive: Path) -> None:
    record = {"image": NAMES[0], "caption": ""}
    captions(archive).write_text(json.dumps([record, record, {"caption": "of nothing"}, "text"]))
    scenes, drops = listed(archive)
    assert len(scenes) == 3
    assert [drop for drop in drops if drop[0] == "scene"] == [
        ("scene", "ChatEarthNet_caps_35_train.json:2", "bad_record"),
        ("scene", "ChatEarthNet_caps_35_train.json:3", "bad_record"),
        ("scene", FIRST, "duplicate_scene"),
    ]


def test_an_image_without_a_label_map_says_so(archive: Path) -> None:
    (archive / "worldcover" / NAMES[0]).unlink()
    scenes, drops = listed(archive)
    assert [scene.label is None for scene in scenes] == [True, False, False]
    assert ("frame", f"{FIRST}/label", "missing_label") in drops


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.full((256, 256), 7, np.uint8), "unknown_label_code"),
        (mosaic(1, 256, 256)[None].repeat(3, 0), "bad_label_map"),
        (mosaic(1, 300, 300), "wrong_size"),
    ],
    ids=["codes", "colours", "size"],
)
def test_a_label_map_that_is_none(archive: Path, pixels: Any, reason: str) -> None:
    (archive / "worldcover" / NAMES[0]).unlink()
    write_tiff(archive / "worldcover" / f"{FIRST}.tif", pixels, None, None)
    items = list(scan("chatearthnet", archive, {"labels": "worldcover"}))
    items = [y for x in items for y in (cut_scene(x, TileOptions()) if isinstance(x, Scene) else [x])]
    found = [x.reason for x in items if isinstance(x, Drop) and x.item == FIRST]
    assert found == [reason]


def test_a_label_map_as_tiff(archive: Path) -> None:
    (archive / "worldcover" / NAMES[0]).unlink()
    codes = mosaic(1, 256, 256, WORLDCOVER)
    write_tiff(archive / "worldcover" / f"{FIRST}.tif", codes, None, None)
    (tile,) = cut_scene(listed(archive)[0][0], TileOptions())
    assert isinstance(tile, TileRecord)
    np.testing.assert_array_equal(tile.label_array(), codes)


def test_other_folders_are_no_archive(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="not a ChatEarthNet archive"):
        listed(tmp_path / "empty")
    with pytest.raises(DataError, match="no folder of label maps"):
        listed(archive, labels="maps")
    with pytest.raises(ConfigError, match="write it relative to"):
        listed(archive, labels="../maps")
    captions(archive).write_text("{}")
    with pytest.raises(DataError, match="not a list of captions"):
        listed(archive)
    captions(archive).write_text("[")
    with pytest.raises(DataError, match="not JSON"):
        listed(archive)
    shutil.rmtree(archive / "json_files")
    with pytest.raises(DataError, match="nothing tells the splits"):
        listed(archive)
