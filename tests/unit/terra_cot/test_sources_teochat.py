"""TEOChatlas gives series of images, in order of time where it tells one; nothing is guessed of what it does not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives.teochat import row, teochat
from geofactory import cli_here
from PIL import Image

from terra_cot.errors import ConfigError, DataError
from terra_cot.scene import Drop, Scene
from terra_cot.sources import scan
from terra_cot.sources import teochat as module


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teochat(tmp_path_factory.mktemp("teo") / "teo")


@pytest.fixture
def archive(_whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    shutil.copytree(_whole, tmp_path / "teo")
    return tmp_path / "teo"


def listed(root: Path, **options: Any) -> tuple[list[Scene], list[tuple[str, str]]]:
    items = list(scan("teochat", root, {"gsd_m": {"xBD": 0.5}, **options}))
    return [x for x in items if isinstance(x, Scene)], [(x.item, x.reason) for x in items if isinstance(x, Drop)]


def rows(root: Path, *records: Any) -> None:
    (root / "train" / "instruct.json").write_text(json.dumps(records))


def test_a_whole_archive(archive: Path) -> None:
    scenes, drops = listed(archive)
    assert not drops
    assert [(scene.split, [frame.assets[0].path for frame in scene.frames]) for scene in scenes] == [
        ("test", ["eval/xBD/2_pre.png", "eval/xBD/2_post.png"]),
        ("train", ["train/xBD/0_pre.png", "train/xBD/0_post.png"]),
        ("train", ["train/xBD/1_pre.png", "train/xBD/1_post.png"]),
    ]
    assert [frame.datetime for frame in scenes[1].frames] == ["2023-05-01T00:00:00Z", "2023-06-01T00:00:00Z"]
    assert [frame.datetime for frame in scenes[2].frames] == [None, None]
    assert {(scene.grid.gsd_m, scene.grid.crs, scene.label) for scene in scenes} == {(0.5, None, None)}


def test_rows_are_read_in_pieces(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = listed(archive)
    monkeypatch.setattr(module, "_CHUNK", 7)
    assert listed(archive) == expected


def test_no_pixel_size_is_made_up(archive: Path) -> None:
    scenes, drops = listed(archive, gsd_m={"fMoW": 0.3})
    assert not scenes
    assert {reason for _, reason in drops} == {"no_gsd"}
    with pytest.raises(ConfigError, match="gsd_m"):
        list(scan("teochat", archive, {}))


def differ(root: Path) -> None:
    Image.new("RGB", (128, 128)).save(root / "train/xBD/0_pre.png")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda root: (root / "train/xBD/0_pre.png").unlink(), "missing_file"),
        (lambda root: (root / "train/xBD/0_pre.png").write_bytes(b"\x89PNG\r\n\x1a\n"), "unreadable"),
        (lambda root: Image.new("L", (256, 256)).save(root / "train/xBD/0_pre.png"), "wrong_bands"),
        (differ, "wrong_size"),
        (lambda root: rows(root, row(["../xBD/0_pre.png"])), "missing_file"),
        (lambda root: rows(root, row(["xBD/0_pre.png"], ["May"])), "no_date"),
        (lambda root: rows(root, row(["xBD/2_pre.png", "xBD/2_post.png"])), "two_splits"),
        (lambda root: rows(root, {"video": []}), "bad_record"),
        (lambda root: rows(root, "text"), "bad_record"),
    ],
)
def test_a_broken_series_is_dropped(archive: Path, damage: Callable[[Path], Any], reason: str) -> None:
    damage(archive)
    scenes, drops = listed(archive)
    assert [found for _, found in drops] == [reason]
    assert scenes[0].split == "test"


@pytest.mark.parametrize(
    ("text", "problem"),
    [("{}", "not a list of rows"), ("[{]", "not JSON"), ('[{"video": ["a.png"]}', "without its end"), ("", "its end")],
)
def test_broken_json_is_one_error(archive: Path, text: str, problem: str) -> None:
    (archive / "train" / "instruct.json").write_text(text)
    with pytest.raises(DataError, match=problem):
        listed(archive)


def test_other_folders_are_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a TEOChatlas archive"):
        listed(tmp_path)


def test_tiles_by_the_command_line(archive: Path, tmp_path: Path) -> None:
    done = cli_here(
        "scan", "teochat", archive, "--set", "source.gsd_m.xBD=0.5", "-o", tmp_path / "scenes.parquet", "--json"
    )
    assert (done.returncode, json.loads(done.stdout)["scenes"]) == (0, 3), done.stderr
    done = cli_here("tile", tmp_path / "scenes.parquet", "-o", tmp_path / "out", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    checked = cli_here("verify", tmp_path / "out", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["tiles"]) == (0, 3)
