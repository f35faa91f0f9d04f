"""`reproduce`: the same bytes, or exactly what differs; changed inputs are named before anything is scored."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cardfactory import change, scorecard, submit

from terra_cot.errors import DataError
from terra_cot.store.atomic import sha256_file
from terrascope_bench.reproduce import reproduce
from terrascope_bench.verdicts import read_verdicts, write_verdicts

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def card(bench: Path, tmp_path: Path) -> Path:
    """A folder with benchmark, predictions and scorecard, as a reviewer gets it."""
    shutil.copytree(bench, tmp_path / "all" / "bench")
    predictions = submit(tmp_path / "all" / "bench", tmp_path / "all" / "predictions" / "mine.jsonl", skill=0.6)
    path = tmp_path / "all" / "cards" / "mine.json"
    return scorecard(tmp_path / "all" / "bench", predictions, path, extractor="paper", seed=7, model="My model")


def test_the_same_inputs_give_the_same_bytes(card: Path, tmp_path: Path, cli: Cli) -> None:
    done = cli("reproduce", card)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{card}: reproduced, bit for bit (124 rows)"]
    moved = tmp_path / "elsewhere"
    (tmp_path / "all").rename(moved)
    again = cli("reproduce", "cards/mine.json", cwd=moved)
    assert again.returncode == 0, again.stderr
    (moved / "bench").rename(tmp_path / "b")
    (moved / "predictions" / "mine.jsonl").rename(tmp_path / "p.jsonl")
    lost = cli("reproduce", "cards/mine.json", cwd=moved)
    assert lost.returncode == 2
    assert "no such folder" in lost.stderr
    given = cli(
        "reproduce", "cards/mine.json", "--bench", tmp_path / "b", "--predictions", tmp_path / "p.jsonl", cwd=moved
    )
    assert given.returncode == 0, given.stderr


def test_one_digit_is_told_by_its_path(card: Path, cli: Cli) -> None:
    value = json.loads(card.read_text())["tasks"]["CA"]["giou"]["low"]
    change(card, "tasks", "CA", "giou", "low", to=round(value + 0.000001, 6))
    change(card, "overall", "macro", "ciou", to=None)
    done = cli("reproduce", card)
    assert done.returncode == 1
    lines = done.stderr.splitlines()[-2:]
    assert lines[1] == f"{card}: tasks.CA.giou.low: recorded {round(value + 0.000001, 6)}, found {value}"
    assert lines[0].startswith(f"{card}: overall.macro.ciou: recorded null, found {{")
    found = json.loads(cli("reproduce", card, "--json").stdout)
    assert [entry["path"] for entry in found["differences"]] == ["overall.macro.ciou", "tasks.CA.giou.low"]


def test_a_scorecard_of_another_name_follows_as_well(card: Path) -> None:
    other = card.with_name("mine (1).json")
    other.write_bytes(card.read_bytes())
    assert reproduce(other).differences == ()
    change(other, "tasks", "CA", "correct", to=json.loads(card.read_text())["tasks"]["CA"]["correct"] + 1)
    assert [difference.path for difference in reproduce(other).differences] == ["tasks.CA.correct"]
    change(other, "verdicts", "path", to="theirs.verdicts.parquet")
    assert ("theirs.verdicts.parquet", "no such file") in {
        (found.path, found.got) for found in reproduce(other).differences
    }


def test_one_byte_is_a_difference(card: Path) -> None:
    body = json.loads(card.read_text())
    card.write_text(json.dumps(body))
    (difference,) = reproduce(card).differences
    assert difference.path == "the file"


def test_verdicts_are_compared_row_by_row(card: Path) -> None:
    beside = card.with_name("mine.verdicts.parquet")
    table = read_verdicts(beside)
    rows = table.to_pylist()
    rows[5]["iou"] = (rows[5]["iou"] or 0) + 1
    write_verdicts(beside, type(table).from_pylist(rows, schema=table.schema))
    paths = [difference.path for difference in reproduce(card).differences]
    assert paths == [
        "mine.verdicts.parquet: sha256 of the file",
        f"mine.verdicts.parquet: {rows[5]['question_id']}: iou",
    ]
    change(card, "verdicts", "sha256", to=sha256_file(beside))
    assert [difference.path for difference in reproduce(card).differences] == ["verdicts.sha256", paths[1]]
    beside.unlink()
    assert [difference.got for difference in reproduce(card).differences][-1] == "no such file"


def test_the_same_verdicts_of_another_writer_are_said_and_accepted(card: Path) -> None:
    beside = card.with_name("mine.verdicts.parquet")
    data = beside.read_bytes()
    pq.write_table(pq.read_table(beside), beside, compression="snappy")
    change(card, "verdicts", "sha256", to=sha256_file(beside))
    assert [difference.path for difference in reproduce(card).differences] == ["verdicts.sha256"]
    ours = str(pq.read_metadata(beside).created_by)
    beside.write_bytes(data.replace(ours.encode(), ours.replace("parquet-cpp-arrow", "parquet-old-arrow").encode()))
    change(card, "verdicts", "sha256", to=sha256_file(beside))
    found = reproduce(card)
    assert (found.differences, len(found.notes)) == ((), 1)
    assert "parquet-old-arrow" in found.notes[0]


def test_another_version_is_said_and_still_compared(card: Path, cli: Cli) -> None:
    change(card, "code_version", to="0.0.9")
    done = cli("reproduce", card)
    assert done.returncode == 0, done.stderr
    assert "scored by version 0.0.9" in done.stdout
    change(card, "overall", "micro", "accuracy", "value", to=0.123)
    done = cli("reproduce", card)
    assert done.returncode == 1
    assert "overall.micro.accuracy.value" in done.stderr


@pytest.mark.parametrize("name", ["bench/questions/part-00000.parquet", "bench/places.parquet", "bench/manifest.json"])
def test_a_changed_benchmark_is_named(name: str, card: Path, cli: Cli) -> None:
    file = card.parents[1] / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1 if name.endswith("parquet") else 0
    file.write_bytes(bytes(data) if name.endswith("parquet") else bytes(data) + b"\n")
    done = cli("reproduce", card, "--quiet")
    assert done.returncode == 2, done.stderr
    assert name in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_changed_predictions_are_named(card: Path) -> None:
    file = card.parents[1] / "predictions" / "mine.jsonl"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(DataError, match="not the predictions that were scored"):
        reproduce(card)
    file.unlink()
    with pytest.raises(DataError, match="no such file"):
        reproduce(card)
