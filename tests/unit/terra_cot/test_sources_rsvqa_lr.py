"""RSVQA-LR gives images with their splits and no masks; what is broken in it is dropped with a reason of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives.rsvqa_lr import rsvqa_lr
from geofactory import cli_here, north_up, write_tiff

from terra_cot.errors import DataError
from terra_cot.scene import Drop, Scene
from terra_cot.sources import scan

ZERO = "rsvqa-lr_0"


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rsvqa_lr(tmp_path_factory.mktemp("lr") / "lr")


@pytest.fixture
def archive(_whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    shutil.copytree(_whole, tmp_path / "lr")
    return tmp_path / "lr"


def listed(root: Path, **options: Any) -> tuple[list[Scene], list[tuple[str, str, str]]]:
    items = list(scan("rsvqa-lr", root, options))
    drops = [(x.level, x.item, x.reason) for x in items if isinstance(x, Drop)]
    return [x for x in items if isinstance(x, Scene)], drops


def images(root: Path, split: str, records: Any) -> None:
    (root / f"LR_split_{split}_images.json").write_text(json.dumps({"images": records}))


def test_a_whole_archive(archive: Path) -> None:
    scenes, drops = listed(archive)
    assert not drops
    assert [(scene.scene_id, scene.split) for scene in scenes] == [
        ("rsvqa-lr_0", "train"), ("rsvqa-lr_1", "validation"), ("rsvqa-lr_10", "test"),
    ]  # fmt: skip
    assert {(scene.grid.gsd_m, scene.grid.crs, scene.label) for scene in scenes} == {(10.0, None, None)}
    _, drops = listed(archive, splits=["test"])
    assert [reason for *_, reason in drops] == ["split_not_asked"] * 2


def test_a_place_in_the_file_is_used(archive: Path) -> None:
    pixels = np.full((3, 256, 256), 50, np.uint8)
    write_tiff(archive / "Images_LR" / "0.tif", pixels, north_up(600000, 5800000, 10), "EPSG:32631")
    assert listed(archive)[0][0].grid.crs == "EPSG:32631"


def truncate(root: Path) -> None:
    path = root / "Images_LR" / "0.tif"
    path.write_bytes(path.read_bytes()[:100])


def rewrite(root: Path, shape: tuple[int, int, int], dtype: type) -> None:
    write_tiff(root / "Images_LR" / "0.tif", np.ones(shape, dtype), None, None)


@pytest.mark.parametrize(
    ("damage", "drop"),
    [
        (lambda root: (root / "Images_LR" / "0.tif").unlink(), (ZERO, "missing_file")),
        (truncate, (ZERO, "unreadable")),
        (lambda root: rewrite(root, (3, 128, 256), np.uint8), (ZERO, "wrong_size")),
        (lambda root: rewrite(root, (3, 256, 256), np.uint16), (ZERO, "wrong_bands")),
        (lambda root: rewrite(root, (4, 256, 256), np.uint8), (ZERO, "wrong_bands")),
        (lambda root: images(root, "train", []), (ZERO, "not_in_metadata")),
        (lambda root: images(root, "test", [{"id": n, "active": True} for n in (0, 10)]), (ZERO, "two_splits")),
    ],
)
def test_a_broken_image_is_dropped(archive: Path, damage: Callable[[Path], Any], drop: tuple[str, str]) -> None:
    damage(archive)
    scenes, drops = listed(archive)
    assert [scene.scene_id for scene in scenes] == ["rsvqa-lr_1", "rsvqa-lr_10"]
    assert drops == [("scene", *drop)]


def test_repeated_and_unreadable_records_are_counted(archive: Path) -> None:
    images(archive, "train", [{"id": 0, "active": True}, {"id": 0, "active": True}, {"id": "x"}, 7])
    scenes, drops = listed(archive)
    assert len(scenes) == 3
    assert [reason for *_, reason in drops] == ["bad_record", "bad_record", "duplicate_scene"]


def test_other_folders_are_no_archive(archive: Path, tmp_path: Path) -> None:
    (archive / "LR_split_val_images.json").write_text("[]")
    with pytest.raises(DataError, match="not a list of images"):
        listed(archive)
    (archive / "LR_split_val_images.json").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        listed(archive)
    shutil.rmtree(archive / "Images_LR")
    with pytest.raises(DataError, match="not an RSVQA-LR archive"):
        listed(archive)


def test_tiles_by_the_command_line(archive: Path, tmp_path: Path) -> None:
    """No masks, no questions of ours: the archive gives tiles, and they verify."""
    done = cli_here("scan", "rsvqa-lr", archive, "-o", tmp_path / "scenes.parquet", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["scenes"], told["dropped"]) == (0, 3, {})
    done = cli_here("tile", tmp_path / "scenes.parquet", "-o", tmp_path / "out", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    checked = cli_here("verify", tmp_path / "out", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["tiles"]) == (0, 3)
