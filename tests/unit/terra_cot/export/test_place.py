"""An export is there whole or not at all, never over something else, and the same however often it is made."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from exportfactory import contents

from terra_cot.errors import ConfigError, ConflictError, DataError
from terra_cot.export import TARGETS, Job, Target, export, target
from terra_cot.schema import check


@pytest.mark.parametrize("to", TARGETS)
def test_the_same_dataset_gives_the_same_bytes(to: str, small: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    export(small, to, tmp_path / "one", on_step=lambda done, total: steps.append((done, total)))
    note = export(small, to, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert steps[0] == (0, 8)
    assert steps[-1] == (8, 8)
    check(note, "export", "x")
    check(json.loads((tmp_path / "one" / "export.json").read_bytes()), "export", "x")
    for count in note["counts"].values():
        assert count["read"] == count["written"] + sum(count["dropped"].values())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("to", ["terrascope", "coco", "conversations"])
def test_only_a_split_that_is_asked_for(to: str, world: Path, tmp_path: Path) -> None:
    note = export(world, to, tmp_path / "out", splits=("test",))
    [count] = note["counts"].values()
    assert count["dropped"]["other_split"] > 0
    names = [name for name in contents(tmp_path / "out") if not name.startswith("images/")]
    assert not [name for name in names if "train" in name]


def test_it_is_not_replaced_without_force_and_nothing_else_ever(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(small, "conversations", out)
    before = contents(out)
    with pytest.raises(ConflictError, match="--force"):
        export(small, "conversations", out)
    with pytest.raises(ConflictError, match="--force"):
        export(small, "coco", out)
    assert contents(out) == before
    export(small, "terrascope", out, force=True)
    assert not (out / "meta.json").exists()
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "thesis.tex").write_text("years of work")
    for force in (False, True):
        with pytest.raises(ConflictError, match="no export"):
            export(small, "coco", thesis, force=force)
    assert contents(thesis) == {"thesis.tex": b"years of work"}
    with pytest.raises(ConflictError, match="is a file"):
        export(small, "coco", thesis / "thesis.tex", force=True)


def test_a_failure_leaves_nothing_and_keeps_what_was_there(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export(small, "conversations", out)
    before = contents(out)
    chosen = target("conversations")

    def failing(job: Job) -> None:
        chosen.write(job)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("terra_cot.export.conversations.TARGET", Target("conversations", failing))
    with pytest.raises(OSError, match="No space"):
        export(small, "conversations", out, force=True)
    assert contents(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_killed_exports_left_is_removed_and_what_living_ones_write_is_not(small: Path, tmp_path: Path) -> None:
    dead, alive = tmp_path / ".out.999999999.tmp", tmp_path / f".out.{os.getppid()}.tmp"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "half.json").write_text("[")
    export(small, "conversations", tmp_path / "out")
    assert not dead.exists()
    assert alive.exists()


def test_what_is_no_target_split_or_dataset_is_said(small: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='did you mean "coco"'):
        export(small, "cocoo", tmp_path / "out")
    with pytest.raises(ConfigError, match='did you mean "train"'):
        export(small, "coco", tmp_path / "out", splits=("trian",))
    with pytest.raises(DataError, match="not a finished dataset"):
        export(tmp_path, "coco", tmp_path / "out")


@pytest.mark.parametrize("to", TARGETS)
def test_a_missing_part_is_an_error(to: str, small: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(small, tmp_path / "copy")
    (tmp_path / "copy" / "tiles" / "part-00001.parquet").unlink()
    with pytest.raises((DataError, FileNotFoundError)):
        export(tmp_path / "copy", to, tmp_path / "out")
    assert not (tmp_path / "out").exists()
