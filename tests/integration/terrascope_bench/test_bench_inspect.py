"""The real inspect-ai, in an environment of its own, asks over a real socket; its log gives our scorecard's digits.

TERRA_COT_INSPECT names that environment (a venv with this project's wheel and its extra `inspect`).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from benchserver import planned, scripted
from llmserver import serving

from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.score import score

HOME = os.environ.get("TERRA_COT_INSPECT")
pytestmark = pytest.mark.skipif(HOME is None, reason="TERRA_COT_INSPECT names no environment with inspect-ai")


def run(program: str, *arguments: object, folder: Path, **variables: str) -> str:
    """Run a program of that environment, away from the checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INSPECT_"))}
    done = subprocess.run(
        [str(Path(str(HOME)) / "bin" / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**kept, **variables},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@dataclass(frozen=True)
class Evaluated:
    """What `inspect eval` left: its log as JSON, and the submission that `from-log` makes of it."""

    log: dict[str, Any]
    predictions: Path
    told: str


@pytest.fixture(scope="module")
def evaluated(bench: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    folder = tmp_path_factory.mktemp("inspect")
    with serving(scripted(bench)) as server:
        run(
            *("inspect", "eval", "terrascope_bench/terrascope_bench", "-T", f"bench={bench}", "-T", "masks=rle"),
            *("--model", "openai-api/local/scripted", "--max-retries", 0, "--display", "plain"),
            *("--log-dir", folder / "logs"),
            folder=folder,
            LOCAL_API_KEY="none",
            LOCAL_BASE_URL=server.url,
        )
    (log,) = (folder / "logs").iterdir()
    told = run("terrascope-bench", "from-log", log, "-o", "predictions.jsonl", folder=folder)
    return Evaluated(json.loads(run("inspect", "log", "dump", log, folder=folder)), folder / "predictions.jsonl", told)


def test_the_log_and_the_scorecard_say_the_same(bench: Path, evaluated: Evaluated) -> None:
    run("terrascope-bench", "validate", evaluated.predictions, "--bench", bench, folder=evaluated.predictions.parent)
    card = score(evaluated.predictions, bench).card
    counts = Counter[str]()
    for entry in card["tasks"].values():
        counts.update({name: entry[name] for name in ("n", "correct", "unparsed", "error", "missing")})
    assert f"{counts['n']} predictions, {counts['error']} of them errors" in evaluated.told
    assert counts["missing"] == 0
    assert counts["error"] > 0
    assert card["overall"]["macro"]["grounded_accuracy"]["value"] > 0
    (result,) = evaluated.log["results"]["scores"]
    measured = {name: entry["value"] for name, entry in result["metrics"].items()}
    del measured["stderr"]
    overall = card["overall"]
    assert measured == {
        "macro": overall["macro"]["accuracy"]["value"],
        "micro": overall["micro"]["accuracy"]["value"],
        **{code: entry["accuracy"]["value"] for code, entry in card["tasks"].items()},
        "giou": overall["macro"]["giou"]["value"],
        "grounded": overall["macro"]["grounded_accuracy"]["value"],
        "unparsed": counts["unparsed"],
        "error": counts["error"],
    }
    assert evaluated.log["eval"]["metadata"]["benchmark_sha256"] == card["benchmark"]["sha256"]


def test_a_sample_holds_letter_outcome_and_why_and_the_whole_reply(bench: Path, evaluated: Evaluated) -> None:
    samples = {sample["id"]: sample for sample in evaluated.log["samples"]}
    questions = list(open_benchmark(bench).questions(images=False))
    assert len(samples) == len(questions)
    lines = {row["question_id"]: row for row in map(json.loads, evaluated.predictions.read_text().splitlines())}
    assert list(lines) == sorted(lines)
    for number, question in enumerate(questions):
        text = planned(question, number, masks=True)
        given = samples[question.question_id]["scores"]["replies"]
        kind = ["correct", "correct", "correct", "wrong", "unparsed", "error"][number % 6]
        assert given["value"] == {"correct": "C", "wrong": "I"}.get(kind, "N")
        assert given["metadata"]["outcome"] == kind
        assert given["explanation"]
        assert (given.get("answer") == question.answer) == (kind == "correct")
        line = lines[question.question_id]
        if text is None:
            assert "the picture upset the model" in line["error"]
            assert "response" not in line
        else:
            assert "".join(line["response"].split()) == "".join(text.split())  # inspect strips around <think>


def test_a_part_of_the_questions_can_be_asked(bench: Path, tmp_path: Path) -> None:
    code = """
import sys
from terrascope_bench.adapters.inspect_task import terrascope_bench as task
print(len(task(sys.argv[1], variant="opt").dataset), len(task(sys.argv[1], tasks=["CR", "DM"]).dataset))
try:
    task(sys.argv[1], variant="sar")
except Exception as error:
    print(error)
"""
    told = run("python", "-c", code, bench, folder=tmp_path)
    tasks = Counter(question.task for question in open_benchmark(bench).questions(images=False))
    assert told.splitlines()[0] == f"{tasks.total() - tasks['BCE']} {tasks['CR'] + tasks['DM']}"
    assert "no question has variant sar" in told
