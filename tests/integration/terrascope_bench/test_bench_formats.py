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


def test_wrong_labels_and_letters_are_warned_of_and_scored_as_they_stand(
    rows: list[dict[str, Any]], bench: Path, cli: Cli, tmp_path: Path
) -> None:
    renamed = json.loads(json.dumps(rows))
    trees = 0
    for row in renamed:
        for mask in row["masks"]:
            if mask["label"] == "tree":
                mask["label"], trees = "trees", trees + 1
    assert trees > 5
    renamed[0] = {**renamed[0], "answer": "J"}
    path = tmp_path / "p.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in renamed))
    words = f"{trees} masks have a label that their question does not ask for: 'trees' (did you mean 'tree'?)"
    done = cli("validate", path, "--bench", bench)
    assert done.returncode == 0
    assert f"{path}: warning: {words}" in done.stderr
    assert "warning: 1 answer is none of the options of the question: J" in done.stderr
    told = json.loads(cli("validate", path, "--bench", bench, "--json").stdout)
    assert [(entry["kind"], entry["n"]) for entry in told["warnings"]] == [
        ("label_not_asked", trees),
        ("answer_no_option", 1),
    ]
    scored = cli("score", path, "--bench", bench, "-o", tmp_path / "card.json")
    assert scored.returncode == 0
    assert words in scored.stderr
    assert "trees" not in (tmp_path / "card.json").read_text().replace("card.json", "").replace('"trees"', "")
    assert cli("reproduce", tmp_path / "card.json").returncode == 0
    assert cli("score", path, "--bench", bench, "--quiet").stderr == ""


def test_many_defects_of_one_kind_are_not_a_flood(
    rows: list[dict[str, Any]], bench: Path, cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "pretty.jsonl"
    path.write_text("\n".join(json.dumps(row, indent=1) for row in rows[:20]) + '\n{"question_id": "x"}')
    done = cli("validate", path, "--bench", bench)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) < 25
    assert "more defects of this kind (not_json)" in done.stderr
    assert "no such question" in done.stderr  # a kind that comes late is not lost
    one = cli("validate", path, "--bench", bench, "--limit", 1).stderr.splitlines()
    assert one[-1].startswith("... and ")
    assert len(one) == 3
    refused = cli("score", path, "--bench", bench).stderr.splitlines()
    assert len(refused[-1]) < 400


def test_a_folder_or_file_beside_the_right_one_is_named(files: Path, bench: Path, cli: Cli, tmp_path: Path) -> None:
    for wrong in (bench.parent, bench.parent / "bnech", bench / "questions"):
        done = cli("score", files / "p.jsonl", "--bench", wrong)
        assert done.returncode == 2
        assert (f"did you mean {bench}?" in done.stderr) == (wrong != bench / "questions"), done.stderr
    for command in (("compare", files / "p.jsonl", files / "p.jsonl"), ("reproduce", files / "p.jsonl")):
        done = cli(*command)
        assert done.returncode == 2
        assert "a scorecard is expected: `terrascope-bench score" in done.stderr
    table = tmp_path / "p.csv"
    table.write_text("question_id,answer\na,B\n")
    assert (
        "predictions are JSONL (one object a line, also .gz), Parquet, or"
        in cli("validate", table, "--bench", bench).stderr
    )
