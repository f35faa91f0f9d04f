"""What the adapters record is what the scorer says; the real harnesses are met in test_bench_inspect and by hand."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from benchserver import planned
from PIL import Image

from terra_cot.errors import ConfigError, DataError
from terrascope_bench.adapters.asking import failure, make_style, read
from terrascope_bench.adapters.lmms_eval import task as lmms
from terrascope_bench.adapters.logs import write_submission
from terrascope_bench.adapters.verdict import check_extractor, shares, verdict
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question
from terrascope_bench.score import score

Cli = Callable[..., subprocess.CompletedProcess[str]]
FAILED = "[LMMS_EVAL_REQUEST_FAILED after 5 retries] Error code: 400 - A bad request"


@pytest.fixture(scope="module")
def questions(bench: Path) -> list[Question]:
    return list(open_benchmark(bench).questions())


@pytest.fixture(scope="module")
def replies(questions: list[Question]) -> dict[str, str | None]:
    return {question.question_id: planned(question, number, masks=True) for number, question in enumerate(questions)}


@pytest.fixture
def loaded(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lmms.VARIABLE, str(bench))
    monkeypatch.setenv(lmms.MASKS_VARIABLE, "rle")
    for cached in (lmms._benchmark, lmms._questions, lmms._places, lmms._group):
        cached.cache_clear()


@pytest.mark.parametrize("extractor", list(EXTRACTORS))
def test_shares_of_verdicts_are_the_scorecard(
    extractor: str, bench: Path, questions: list[Question], replies: dict[str, str | None], tmp_path: Path
) -> None:
    rows = []
    for question in questions:
        text = replies[question.question_id]
        made = failure(question, "it broke") if text is None else read(question, [], make_style("rle"), text, "stop")
        rows.append(verdict(question, made, extractor))
    path = tmp_path / "predictions.jsonl"
    path.write_text("".join(json.dumps(row["prediction"]) + "\n" for row in rows))
    card = score(path, bench, extractor=extractor).card
    accuracy = shares((row["task"], float(row["outcome"] == "correct")) for row in rows)
    assert accuracy == {
        "macro": card["overall"]["macro"]["accuracy"]["value"],
        "micro": card["overall"]["micro"]["accuracy"]["value"],
        **{code: entry["accuracy"]["value"] for code, entry in card["tasks"].items()},
    }
    for metric, field in (("giou", "iou"), ("grounded_accuracy", "grounded")):
        means = shares((row["task"], row[field]) for row in rows)
        assert means["macro"] == card["overall"]["macro"][metric]["value"]
        assert means["CR"] == card["tasks"]["CR"][metric]["value"]
    counts = Counter(row["outcome"] for row in rows)
    for outcome in ("correct", "wrong", "unparsed", "error"):
        assert counts[outcome] == sum(entry[outcome] for entry in card["tasks"].values()), outcome


def test_a_verdict_says_why(questions: list[Question]) -> None:
    question = questions[0]
    name = question.question_id
    said = {
        "reads": verdict(question, Prediction(name, f"<answer>{question.answer}</answer>", None)),
        "no letter": verdict(question, Prediction(name, "who knows", None)),
        "no reply: it broke": verdict(question, Prediction(name, None, None, error="it broke")),
    }
    for words, row in said.items():
        assert words in row["why"]
        assert "\n" not in row["why"]
    assert shares([]) == shares([("CA", None)]) == {}
    with pytest.raises(ConfigError, match=r'did you mean "strict"'):
        check_extractor("strickt")


def test_lmms_eval_sees_the_questions_of_the_folder(bench: Path, questions: list[Question], loaded: None) -> None:
    import pyarrow.parquet as pq

    assert list(lmms.PARTS) == [str(path) for path in sorted((bench / "questions").resolve().iterdir())]
    docs = [row for part in lmms.PARTS for row in pq.read_table(part, columns=lmms.COLUMNS).to_pylist()]
    assert [doc["question_id"] for doc in docs] == [question.question_id for question in questions]
    for doc, question in zip(docs, questions, strict=True):
        shown = lmms.doc_to_visual(doc)
        assert [image.tobytes() for image in shown] == [
            Image.open(BytesIO(frame.image)).convert("RGB").tobytes() for frame in question.frames
        ]
        asked = lmms.doc_to_messages(doc)[1]["content"]
        assert [part["type"] for part in asked] == ["text", "image"] * len(shown) + ["text"]
        text = lmms.doc_to_text(doc)
        for words in (question.question, *question.options, *(part["text"] for part in asked if "text" in part)):
            assert words in text


def test_lmms_eval_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch, loaded: None) -> None:
    assert lmms.METADATA["masks"] == "rle"
    assert lmms.METADATA["benchmark_sha256"] == open_benchmark(Path(os.environ[lmms.VARIABLE])).sha256
    monkeypatch.delenv(lmms.VARIABLE)
    lmms._benchmark.cache_clear()
    with pytest.raises(ConfigError, match="TERRASCOPE_BENCH"):
        _ = lmms.PARTS
    monkeypatch.setenv(lmms.MASKS_VARIABLE, "boxs")
    with pytest.raises(ConfigError, match='did you mean "boxes"'):
        lmms._style()
    with pytest.raises(AttributeError):
        _ = lmms.NOTHING


def test_lmms_eval_metrics_and_log_give_the_scorecard(
    bench: Path, questions: list[Question], replies: dict[str, str | None], loaded: None, tmp_path: Path, cli: Cli
) -> None:
    samples: list[dict[str, Any]] = []
    for question in questions:
        doc = {"question_id": question.question_id}
        samples.append({"doc": doc, **lmms.process_results(doc, [replies[question.question_id] or FAILED])})
    items: dict[str, list[Any]] = defaultdict(list)
    for sample in samples:
        for name, value in sample.items():
            items[name].append(value)
    log = tmp_path / "now_samples_terrascope_bench.jsonl"
    log.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    out = tmp_path / "predictions.jsonl"
    done = cli("from-log", log, "-o", out)
    assert done.returncode == 0, done.stderr
    assert f"{len(questions)} predictions, {sum(items['error'])} of them errors" in done.stdout
    assert cli("validate", out, "--bench", bench).returncode == 0
    card = score(out, bench).card
    assert lmms.macro(items["macro"]) == card["overall"]["macro"]["accuracy"]["value"]
    assert sum(items["micro"]) / len(questions) == pytest.approx(
        card["overall"]["micro"]["accuracy"]["value"], abs=1e-6
    )
    for code, entry in card["tasks"].items():
        assert len(items[code]) == entry["n"]
        assert sum(items[code]) == entry["correct"]
    assert 0 < lmms.macro(items["grounded"]) == card["overall"]["macro"]["grounded_accuracy"]["value"]
    assert lmms.macro(items["giou"]) == card["overall"]["macro"]["giou"]["value"]
    assert lmms.total(items["error"]) == sum(entry["error"] for entry in card["tasks"].values()) > 0
    assert cli("from-log", log, "-o", out).returncode == 2


def test_a_file_that_is_no_log_is_told_in_one_line(tmp_path: Path, cli: Cli) -> None:
    row = {"verdict": {"prediction": {"question_id": "a", "response": "A"}}}
    cases = {
        "not JSON": "{",
        "not a sample of the task": json.dumps({"verdict": {"prediction": {"response": "A"}}}),
        "asked several times": f"{json.dumps(row)}\n{json.dumps(row)}",
        "holds no sample": "",
    }
    for problem, text in cases.items():
        (tmp_path / "log.jsonl").write_text(text)
        with pytest.raises(DataError, match=problem):
            write_submission(tmp_path / "log.jsonl", tmp_path / "out.jsonl")
        assert not (tmp_path / "out.jsonl").exists()
    done = cli("from-log", tmp_path / "none.eval", "-o", tmp_path / "out.jsonl")
    assert done.returncode == 2
    assert "no such file" in done.stderr
