"""The reference model from the command line: trained on a dataset, its answers checked; weights brought over."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
import terrascopefactory as factory  # skips where torch is absent
from exportfactory import small_dataset

from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.models.terrascope import TerraScopeModel, TerraScopeOptions
from terrascope_bench.prediction import Expected
from terrascope_bench.question import Question
from terrascope_bench.run import run_model
from terrascope_bench.submission import find_defects
from terrascope_bench.terrascope import store

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def questions(bench: Path) -> list[Question]:
    """The first of each task."""
    found: dict[str, Question] = {}
    for question in open_benchmark(bench).questions():
        found.setdefault(question.task, question)
    return list(found.values())


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taught")
    store.save(*factory.taught(), folder)
    return folder


def test_its_answers_are_predictions_that_pass_every_check(
    taught: Path, questions: list[Question], tmp_path: Path
) -> None:
    """Land cover shows one date, building change two; what was learnt by heart comes out, with a mask a [SEG]."""
    model = TerraScopeModel(taught, TerraScopeOptions(max_tokens=60))
    predictions = model.answers(questions)
    for question, prediction in zip(questions, predictions, strict=True):
        assert prediction.response is not None, question.task
        assert len(prediction.masks) == prediction.response.count("[SEG]") > 0
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(b"".join(orjson.dumps(entry.to_row()) + b"\n" for entry in predictions))
    assert not list(find_defects(path, {entry.question_id: Expected.of(entry) for entry in questions}))
    assert predictions[0] == model.answer(questions[0])


def test_run_resumes_and_does_not_depend_on_the_batch(taught: Path, bench: Path, tmp_path: Path) -> None:
    small = {"max_tokens": 12}
    one = run_model(f"terrascope:{taught}", bench, tmp_path / "one.jsonl", given=small)
    assert one.answered == one.questions
    assert not one.errors
    lines = (tmp_path / "one.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "one.jsonl").write_bytes(b"".join(lines[:5]) + lines[5][:9])
    again = run_model(f"terrascope:{taught}", bench, tmp_path / "one.jsonl", given={**small, "batch_size": 7})
    assert again.resumed == 5
    assert (tmp_path / "one.jsonl").read_bytes() == b"".join(lines)


def test_train_and_train_again(tmp_path: Path, cli: Cli) -> None:
    data = small_dataset(tmp_path / "data")
    start = tmp_path / "start"
    store.save(*factory.make(), start)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"name: test\nmodel: {start}\nsplit: null\n"
        "stages: [{name: res, tiers: [res], trains: [mask_decoder], lr: 0.001, batch: 1, steps: 2}]\n"
    )
    out = tmp_path / "out"
    done = cli("train", recipe, "-o", out, "--data", data)
    assert done.returncode == 0, done.stderr
    assert "2 steps; last losses" in done.stdout
    assert {path.name for path in out.iterdir()} == {"model", "log.csv", "loss.png", "train.json", "checkpoint.pt"}
    store.load(out / "model")
    again = cli("train", recipe, "-o", out, "--data", data)
    assert "went on after step 2" in again.stdout
    told = cli("train", recipe, "-o", out, "--data", data, "--json", "--quiet")
    assert (told.returncode, told.stderr) == (0, "")
    assert orjson.loads(told.stdout)["steps"] == orjson.loads(told.stdout)["resumed_at"] == 2
    other = cli("train", recipe, "-o", out, "--data", data, "--set", "seed=1")
    assert other.returncode == 2
    assert other.stderr.startswith("error: ")
    assert "another training" in other.stderr


def test_what_cannot_be_converted_is_told_in_one_line(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "config.json").write_text('{"model_type": "llava"}')
    for arguments in (("convert", tmp_path / "theirs"), ("convert", tmp_path / "nowhere")):
        done = cli(*arguments, "-o", tmp_path / "out")
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("error: ")
