"""`terra-cot export` through the command line: what it says, its exit codes, and that a kill leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from exportfactory import contents, small_dataset
from gate import killed_at
from geofactory import SCRIPT, cli, cli_here

from terra_cot.export import TARGETS
from terra_cot.schema import check


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_dataset(tmp_path_factory.mktemp("export"), scenes=3, side=192)


def one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr


def test_it_says_what_was_read_written_and_dropped(dataset: Path, tmp_path: Path) -> None:
    done = cli("export", dataset, "--to", "terrascope", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    note = json.loads((tmp_path / "out" / "export.json").read_bytes())
    count = note["counts"]["samples"]
    why = ", ".join(f"{number} {reason}" for reason, number in count["dropped"].items())
    assert done.stdout.splitlines() == [
        f"samples: {count['read']} read, {count['written']} written, dropped {why}", f"done: {tmp_path / 'out'}",
    ]  # fmt: skip
    assert done.stderr.splitlines()[-1].startswith("export terrascope: 27/27 tiles")  # a slow machine tells it before


@pytest.mark.parametrize("to", TARGETS)
def test_every_target_prints_its_note_as_json(to: str, dataset: Path, tmp_path: Path) -> None:
    done = cli_here("export", dataset, "--to", to, "-o", tmp_path / "out", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    note = json.loads(done.stdout)
    check(note, "export", to)
    assert note == json.loads((tmp_path / "out" / "export.json").read_bytes())
    assert all(count["read"] for count in note["counts"].values())


def test_bad_input_is_one_line_and_exit_code_2(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    one_line(cli("export", dataset, "--to", "cocoo", "-o", out, "-q"), 'did you mean "coco"', "terrascope")
    one_line(cli_here("export", dataset, "--to", "coco", "-o", out, "-q", "--split", "trian"), 'did you mean "train"')
    one_line(cli_here("export", tmp_path, "--to", "coco", "-o", out, "-q"), "not a finished dataset")
    one_line(cli_here("export", dataset, "--to", "croissant", "-o", out, "-q", "--split", "train"), "--split")
    assert not out.exists()
    assert cli_here("export", dataset, "--to", "conversations", "-o", out, "-q").returncode == 0
    one_line(cli_here("export", dataset, "--to", "conversations", "-o", out, "-q"), "is there already", "--force")
    before = contents(out)
    assert cli_here("export", dataset, "--to", "conversations", "-o", out, "-q", "--force").returncode == 0
    assert contents(out) == before
    one_line(cli_here("export", dataset, "--to", "coco", "-o", dataset, "-q", "--force"), "no export")


# Before all is in place; and, where files are many, between two of its parts.
@pytest.mark.parametrize(("to", "moment"), [("coco", "*/out"), ("geo", "*/out"), ("geo", "*/part-*.parquet")])
def test_killed_it_leaves_nothing_to_read_and_runs_again(to: str, moment: str, dataset: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    assert cli_here("export", dataset, "--to", to, "-o", whole, "-q").returncode == 0
    command = [str(SCRIPT), "export", str(dataset), "--to", to, "-o", str(out), "-q"]
    killed_at(tmp_path / "gate", moment, command)
    assert not out.exists()
    assert len(list(tmp_path.glob(".out.*.tmp/**/*.*"))) > 20
    assert cli_here("export", dataset, "--to", to, "-o", out, "-q", "--force").returncode == 0
    assert contents(out) == contents(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate", "out", "whole"]
