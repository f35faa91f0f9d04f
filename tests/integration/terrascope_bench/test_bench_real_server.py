"""A real language model on a real server, without eyes: asked in texts it is a blind baseline from run to score."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import llamaserver
import pytest

from terrascope_bench.build import build_benchmark
from terrascope_bench.score import score

pytestmark = pytest.mark.skipif(llamaserver.missing() is not None, reason=str(llamaserver.missing()))
Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of the server, started once."""
    server = subprocess.Popen(
        [sys.executable, llamaserver.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    assert address.startswith("http://127.0.0.1:"), "the server starts"
    yield f"{address}/v1"
    server.communicate(timeout=300)


@pytest.fixture(scope="module")
def three(make_dataset: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three questions of building change: the server is slow."""
    folder = tmp_path_factory.mktemp("three")
    build_benchmark([make_dataset(folder / "dataset", 0, 20, seed=3)], folder / "bench", per_task=3)
    return folder / "bench"


@pytest.mark.timeout(1500)  # ten tokens a second where cores are shared
@pytest.mark.parametrize("stream", [False, True])
def test_a_blind_language_model_from_run_to_score(
    stream: bool, url: str, three: Path, tmp_path: Path, cli: Cli
) -> None:
    out, cache = tmp_path / "p.jsonl", tmp_path / "cache"
    # Greedy and grammar-bound: a small model would rarely find the protocol by itself.
    grammar = 'root ::= "<confidence>0." [0-9] "</confidence><answer>" [AB] "</answer>"'
    arguments = ("--bench", three, "--base-url", url, "--no-images", "--confidence", "--max-tokens", "60", "-c", "2",
                 "--cache", cache, "--timeout", "600", "--option", f"grammar={json.dumps(grammar)}",
                 *(["--stream"] if stream else []))  # fmt: skip
    done = cli("run", "openai:smollm2", "-o", out, *arguments, timeout=1200)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 3
    assert all(set(row) == {"question_id", "response", "confidence"} for row in rows)
    assert {row["response"][-11:] for row in rows} <= {
        f"{letter}</answer>"[-11:] for letter in ("<answer>A", "<answer>B")
    }
    spent = json.loads((tmp_path / "p.jsonl.cache" / "spent.json").read_text())
    assert spent["requests"] == 3
    assert 3 * 100 < spent["prompt_tokens"] < 3 * 1000, "as the server counted them"
    assert 3 * 10 < spent["reply_tokens"] <= 3 * 60
    assert cli("validate", out, "--bench", three).returncode == 0
    card = score(out, three).card
    assert all(task["correct"] + task["wrong"] == task["n"] for task in card["tasks"].values())

    again = cli("run", "openai:smollm2", "-o", tmp_path / "again.jsonl", *arguments)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.jsonl").read_bytes() == out.read_bytes()
    assert "spent" not in again.stdout, "the cache alone"


@pytest.mark.timeout(600)
def test_a_model_without_eyes_says_so(url: str, three: Path, tmp_path: Path, cli: Cli) -> None:
    """Each question that shows images is an error with the server's own words; none counts as answered."""
    out = tmp_path / "p.jsonl"
    done = cli(
        "run", "openai:smollm2", "-o", out, "-b", three, "--base-url", url, "--max-retries", "0", "--timeout", "110"
    )
    assert done.returncode == 1
    assert "3 rows without an answer" in done.stderr
    assert all("image" in json.loads(line)["error"] for line in out.read_text().splitlines())
