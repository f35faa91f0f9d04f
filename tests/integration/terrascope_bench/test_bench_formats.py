"""The same predictions in every format are valid and score the same, by the command line."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.run import run_model

Cli = Callable[..., subprocess.CompletedProcess[str]]
NAMES = ("p.jsonl", "p.jsonl.gz", "p.parquet", "p.json", "q.json")


@pytest.fixture(scope="module")
def rows(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    out = tmp_path_factory.mktemp("gold") / "gold.jsonl"
    run_model("gold", bench, out)
    own = [json.loads(line) for line in out.read_text().splitlines()]
    for number, row in enumerate(own):
        row["confidence"] = number / len(own)
        if number % 3 == 0:
            row["response"] = "unsure"
    return own


@pytest.fixture(scope="module")
def files(bench: Path, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("formats")
    lines = "\n".join(map(json.dumps, rows)).encode()
    (folder / "p.jsonl").write_bytes(lines)
    (folder / "p.jsonl.gz").write_bytes(gzip.compress(lines))
    pq.write_table(pa.Table.from_pylist(rows), folder / "p.parquet", compression="zstd")
    questions = {question.question_id: question for question in open_benchmark(bench).questions(images=False)}
    for name, by_id in (("p.json", False), ("q.json", True)):
        results = []
        for row in rows:
            question = questions[row["question_id"]]
            result = {
                "image": f"images/{question.source_id}.png",
                "question": question.question,
                "predicted_answer": row.get("answer"),
                "gt_answer": question.answer,
                "task_type": question.task,
                **{field: value for field, value in row.items() if field not in ("question_id", "answer")},
            }
            if by_id:
                result |= {"question_id": row["question_id"], "image": None}
            results.append(result)
        (folder / name).write_text(json.dumps({"results": results}, indent=2))
    return folder


def test_every_format_scores_the_same(files: Path, bench: Path, cli: Cli) -> None:
    cards = {}
    for name in NAMES:
        done = cli("score", files / name, "--bench", bench, "--json", "--model", "x")
        assert done.returncode == 0, done.stderr
        cards[name] = json.loads(done.stdout)
        del cards[name]["predictions"]["sha256"]
    assert all(card == cards["p.jsonl"] for card in cards.values())
    assert 0.6 < cards["p.jsonl"]["overall"]["micro"]["accuracy"]["value"] < 0.7


@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_valid_and_counted(
    name: str, files: Path, rows: list[dict[str, Any]], bench: Path, cli: Cli
) -> None:
    done = cli("validate", files / name, "--bench", bench, "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["questions"] == {"n": len(rows), "missing": 0}
    assert (told["n"], told["by_kind"], told["defects"]) == (0, {}, [])
    assert told["lines"]["with_masks"] == told["lines"]["confidences"] == told["lines"]["sound"] == len(rows)
    assert told["lines"]["masks"] == sum(len(row["masks"]) for row in rows)


def test_a_defect_is_told_by_its_place_and_counted_by_its_kind(
    files: Path, bench: Path, cli: Cli, tmp_path: Path
) -> None:
    value = json.loads((files / "p.json").read_text())
    value["results"][4]["gt_answer"] = "Z"
    value["results"][7]["question"] = "What is it?\x1b[2J"
    path = tmp_path / "p.json"
    path.write_text(json.dumps(value))
    done = cli("validate", path, "--bench", bench)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    progress = [line for line in lines if line.startswith("validate: ")]  # every few seconds, so one at least
    told = lines[len(progress) :]
    assert progress
    assert [line.removeprefix(f"{path}: ").split(":")[0] for line in told] == ["result 5", "result 8"]
    assert "\x1b" not in done.stderr + done.stdout
    assert "2 defects" in done.stdout
    assert "other_benchmark" in done.stdout
    refused = cli("score", path, "--bench", bench, "--quiet")
    assert refused.returncode == 2
    assert "2 defects, so there is no score; first: result 5: gt_answer" in refused.stderr
