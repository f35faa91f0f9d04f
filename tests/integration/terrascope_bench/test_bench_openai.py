"""`run openai:NAME` over real sockets: what a server does wrong is one question's error, and nothing is paid twice."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from gate import LONG_S
from jsonschema import Draft202012Validator
from llmserver import Answer, Body, Endpoint, completion, error, serving
from PIL import Image

from terra_cot.errors import ConfigError, ConflictError, RunStopped
from terra_cot.llm.ledger import Ledger, Usage
from terra_cot.llm.pace import Pace
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.build import build_benchmark
from terrascope_bench.models.options import ChatOptions
from terrascope_bench.run import RunReport, run_model
from terrascope_bench.score import score

Cli = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[3]
KEY = "sk-secretsecretsecret0123456789"
FAST = {"max_retries": 1, "timeout_s": 120.0}


@pytest.fixture(scope="module")
def small(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 questions, those of BCE on two dates."""
    out = tmp_path_factory.mktemp("small") / "bench"
    build_benchmark([dataset], out, per_task=4)
    return out


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def asked(body: Body) -> str:
    """The question of a request."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    return str(re.search(r"Question: (.*)", text, re.DOTALL)[1])  # type: ignore[index]


def images(body: Body) -> list[bytes]:
    content = body["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in content if part["type"] == "image_url"]
    assert all(url.startswith("data:image/png;base64,") for url in urls)
    return [base64.b64decode(url.partition(",")[2]) for url in urls]


def reply(body: Body) -> str:
    """A letter that follows from all that was sent."""
    letter = "AB"[sha256(json.dumps(body["messages"]).encode()).digest()[0] % 2]
    return f"<think>I look.</think><answer>{letter}</answer>"


def well(body: Body, number: int) -> Answer:
    return Answer(completion(reply(body), body))


def run(endpoint: Endpoint, bench: Path, out: Path, concurrency: int = 4, **given: Any) -> RunReport:
    rest = {name: given.pop(name) for name in ("seed", "retry_errors", "force") if name in given}
    settings = {"base_url": endpoint.url, **FAST, **given}
    return run_model("openai:m", bench, out, given=settings, concurrency=concurrency, **rest)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_from_the_command_line_to_a_score(small: Path, tmp_path: Path, cli: Cli) -> None:
    """Images, order, protocol and request; the predictions validate and score; the record fits its schema."""
    out = tmp_path / "p.jsonl"
    with serving(well) as endpoint:
        done = cli("run", "openai:m", "--bench", small, "-o", out, "--base-url", endpoint.url, "-c", "3", "--seed", "7",
                   "--option", "top_p=0.5", "--option", "temperature=null", "--max-tokens", "99")  # fmt: skip
        seen = list(endpoint.seen)
        assert endpoint.most <= 3
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("openai:m: ") for line in done.stderr.splitlines()), done.stderr
    assert "24 of 24 rows answered" in done.stdout
    assert "spent so far: 24 requests" in done.stdout
    questions = {q.question_id: q for q in open_benchmark(small).questions()}
    assert [row["question_id"] for row in rows(out)] == list(questions)
    assert all(set(row) == {"question_id", "response"} for row in rows(out))
    by_text = {f"{q.question}\n" + "\n".join(f"{a}) {b}" for a, b in zip(q.letters, q.options, strict=True)): []
               for q in questions.values()}  # fmt: skip
    for q in questions.values():
        by_text[f"{q.question}\n" + "\n".join(f"{a}) {b}" for a, b in zip(q.letters, q.options, strict=True))].append(q)
    for headers, body in seen:
        assert headers["path"] == "/v1/chat/completions"
        assert (body["model"], body["seed"], body["top_p"], body["max_tokens"]) == ("m", 7, 0.5, 99)
        assert "temperature" not in body
        question = next(q for q in by_text[asked(body)] if [f.image for f in q.frames] == images(body))
        told = [part["text"] for part in body["messages"][-1]["content"] if part["type"] == "text"]
        for frame, line in zip(question.frames, told, strict=False):
            assert line == (
                f"Frame {frame.frame}, optical image, 2024-05-01, {question.width} x {question.height} pixels, "
                f"{question.gsd_m:g} m a pixel:"
            )
    record = json.loads(out.with_name("p.jsonl.run.json").read_text())
    Draft202012Validator(json.loads((ROOT / "schemas" / "run.schema.json").read_text())).validate(record)
    assert (record["model"], record["seed"], record["asked"]["option"]["top_p"]) == ("openai:m", 7, 0.5)
    checked = cli("validate", out, "--bench", small)
    assert checked.returncode == 0, checked.stderr
    card = score(out, small).card
    assert all(task["correct"] + task["wrong"] == task["n"] for task in card["tasks"].values())


def test_the_same_bytes_at_any_concurrency_and_from_the_cache_alone(small: Path, tmp_path: Path) -> None:
    with serving(well) as endpoint:
        run(endpoint, small, tmp_path / "one.jsonl", concurrency=1)
        one = (tmp_path / "one.jsonl").read_bytes()

        def jumbled(body: Body, number: int) -> Answer:
            return Answer(completion(reply(body), body), wait_s=0.02 * (7 - number % 8))

        endpoint.answer = jumbled
        run(endpoint, small, tmp_path / "eight.jsonl", concurrency=8, cache=tmp_path / "cache")
        assert (tmp_path / "eight.jsonl").read_bytes() == one
        assert len(endpoint.seen) == 48
        url = endpoint
    run(url, small, tmp_path / "again.jsonl", cache=tmp_path / "cache")
    assert (tmp_path / "again.jsonl").read_bytes() == one, "nobody listens any more"
    spent = json.loads((tmp_path / "again.jsonl.cache" / "spent.json").read_bytes())
    assert spent["requests"] == 0
    cached = list((tmp_path / "cache").rglob("*.json"))
    assert len(cached) == 24
    assert max(path.stat().st_size for path in cached) < 8_000, "images stand there by their hash"


def test_killed_and_resumed_it_asks_nothing_twice(small: Path, tmp_path: Path, cli: Cli) -> None:
    """Of each run that is killed six requests are answered, and the rest is held: it cannot end before."""
    out, most, killed = tmp_path / "p.jsonl", [24], threading.Event()

    def answer(body: Body, number: int) -> Answer:
        if number >= most[0]:
            killed.wait(LONG_S)
        return Answer(completion(reply(body), body), wait_s=0.05)

    with serving(answer) as endpoint:
        run(endpoint, small, tmp_path / "whole.jsonl", concurrency=1)
        endpoint.seen.clear()
        for _ in range(3):
            before = len(endpoint.seen)
            most[0] = before + 6
            killed.clear()
            command = [sys.executable, "-c", "from pipelines.terrascope_bench import main; main()", "run", "openai:m",
                       "-b", str(small), "-o", str(out), "--base-url", endpoint.url, "-c", "4"]  # fmt: skip
            process = subprocess.Popen(
                command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            until = time.monotonic() + LONG_S
            while len(endpoint.seen) < before + 6 and time.monotonic() < until:
                time.sleep(0.005)
            assert process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed.set()
            answered = {row["question_id"] for row in rows_whole(out)}
            assert len(answered) >= len(endpoint.seen) - before - 4, "all but those under way"
            assert len(answered) < 24
        done = cli("run", "openai:m", "-b", small, "-o", out, "--base-url", endpoint.url, "-c", "4")
        assert done.returncode == 0, done.stderr
        assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
        assert len(endpoint.seen) <= 24 + 4 * 3, "only what was under way is asked again"
        total = len(endpoint.seen)
        assert cli("run", "openai:m", "-b", small, "-o", out, "--base-url", endpoint.url).returncode == 0
        assert len(endpoint.seen) == total


def rows_whole(path: Path) -> list[dict[str, Any]]:
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def events(*pieces: str, end: bool = True) -> bytes:
    lines = [{"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    if end:
        lines.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        lines.append({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
    return b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines) + (
        b"data: [DONE]\n\n" if end else b""
    )


PASSING = {
    "429": error(429, "slow down", Retry_After="0.2"),
    "500": error(500, "broken"),
    "reset": Answer(b"", cut=0),
    "cut body": Answer(completion("<answer>A</answer>", {"model": "m", "messages": []}), cut=40),
    "truncated JSON": Answer(b'{"choices": [{"message": {"content": "<answer>A'),
    "truncated stream": Answer(events("<answer>", "A", end=False), headers={"Content-Type": "text/event-stream"}),
    "HTML": Answer(b"<html><body>502 from a proxy</body></html>", headers={"Content-Type": "text/html"}),
    "wrong JSON": Answer(b'{"result": [1, 2]}'),
    "error with status 200": Answer(b'{"error": {"message": "overloaded"}}'),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_asked_again_and_no_question_suffers(name: str, small: Path, tmp_path: Path) -> None:
    """Every fifth request fails; every question is answered."""

    def answer(body: Body, number: int) -> Answer:
        return PASSING[name] if number % 5 == 0 else Answer(completion("<answer>A</answer>", body))

    with serving(answer) as endpoint:
        report = run(endpoint, small, tmp_path / "p.jsonl", concurrency=1, max_retries=3)
        assert report.errors == {}
        assert len(endpoint.seen) >= 29


STAYING = {
    "429": (error(429, f"quota of {KEY} is gone"), "rate_limited", 2),
    "500": (error(500, f"broken {KEY}"), "server_error", 2),
    "reset": (Answer(b"", cut=0), "bad_reply", 2),
    "truncated JSON": (Answer(b'{"choices": [{"message": {"content": "<answer>A'), "bad_reply", 2),
    "truncated stream": (Answer(events("<answer>A</answer>", end=False)), "bad_reply", 2),
    "HTML": (Answer(b"<html>hello</html>"), "bad_reply", 2),
    "wrong JSON": (Answer(b'{"choices": "none"}'), "bad_reply", 2),
    "refused request": (error(400, f"content policy, {KEY}"), "refused", 1),
    "silence": (Answer(b"{}", wait_s=600), "timeout", 2),
    "huge": (Answer(b'{"choices": [{"message": {"content": "' + b"x" * (9 << 20) + b'"}}]}'), "too_long", 1),
    "null": (Answer(b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}'), "empty", 1),
    "filtered": (
        Answer(b'{"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}'), "content_filter", 1
    ),
    "refusal": (
        Answer(b'{"choices": [{"message": {"content": null, "refusal": "I will not."}, "finish_reason": "stop"}]}'),
        "refused", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STAYING)
def test_what_stays_is_the_error_of_its_question(
    name: str, small: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question of 24 fails whatever is tried; the others are answered, exit 1 says how many, and how to go on."""
    failure, kind, times = STAYING[name]
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    bad: list[str] = []

    def answer(body: Body, number: int) -> Answer:
        text = json.dumps(body["messages"])
        if number == 0:
            bad.append(text)
        return failure if text in bad else Answer(completion(reply(body), body))

    out = tmp_path / "p.jsonl"
    with serving(answer) as endpoint:
        arguments = ("run", "openai:m", "-b", small, "-o", out, "--base-url", endpoint.url, "-c", "4",
                     "--max-retries", "1", "--timeout", "8" if name == "silence" else "120")  # fmt: skip
        done = cli(*arguments)
        assert done.returncode == 1, done.stderr
        assert f"{kind}: 1 row without an answer" in done.stderr
        assert "--retry-errors" in done.stderr
        assert KEY not in done.stdout + done.stderr
        assert len(endpoint.seen) == 23 + times
        assert endpoint.seen[0][0]["authorization"] == f"Bearer {KEY}"
        failed = [row for row in rows(out) if "error" in row]
        assert len(failed) == 1
        assert failed[0]["error"].startswith(f"{kind}: ")
        assert set(failed[0]) == {"question_id", "error"}
        assert sum(task["error"] for task in score(out, small).card["tasks"].values()) == 1
        assert [row["question_id"] for row in rows(out)] == list(open_benchmark(small).question_ids())

        again = run(endpoint, small, out)
        assert (again.answered, again.found_errors) == (0, 1), "an error stands until asked for"
        assert len(endpoint.seen) == 23 + times
        bad.clear()
        bad.append("nothing")
        mended = run(endpoint, small, out, retry_errors=True)
        assert (mended.answered, mended.errors, mended.found_errors) == (1, {}, 0)
        assert len(endpoint.seen) == 24 + times
        run(endpoint, small, tmp_path / "whole.jsonl")
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []


def test_a_key_that_comes_back_is_written_nowhere(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with serving(lambda body, number: Answer(completion(f"{KEY} <answer>A</answer>", body))) as endpoint:
        run(endpoint, small, tmp_path / "p.jsonl", api_key_env="MY_KEY")
        assert all(headers["authorization"] == f"Bearer {KEY}" for headers, _ in endpoint.seen)
    assert rows(tmp_path / "p.jsonl")[0]["response"] == "*** <answer>A</answer>"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
    assert b"MY_KEY" not in (tmp_path / "p.jsonl.run.json").read_bytes(), "somebody may have put the key there"


def test_streams_are_read_and_paid_by_what_they_tell(small: Path, tmp_path: Path) -> None:
    def answer(body: Body, number: int) -> Answer:
        assert body["stream"] is True
        head = {"Content-Type": "text/event-stream"}
        return Answer(b": keep-alive\n\n" + events("<think>É</think>", "<answer>", "B</answer>"), headers=head)

    with serving(answer) as endpoint:
        report = run(endpoint, small, tmp_path / "p.jsonl", stream=True)
    assert {row["response"] for row in rows(tmp_path / "p.jsonl")} == {"<think>É</think><answer>B</answer>"}
    assert report.spent is not None
    assert (report.spent["prompt_tokens"], report.spent["reply_tokens"]) == (24 * 5, 24 * 3)


def test_a_reply_that_is_cut_off_is_kept_and_noted(small: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "p.jsonl"
    with serving(lambda body, number: Answer(completion("<think>and so on", body, "length"))) as endpoint:
        done = cli("run", "openai:m", "-b", small, "-o", out, "--base-url", endpoint.url)
    assert done.returncode == 0
    assert "24 replies cut off" in done.stdout
    assert rows(out)[0]["notes"] == {"finish": "length"}
    assert cli("validate", out, "--bench", small).returncode == 0
    assert sum(task["unparsed"] for task in score(out, small).card["tasks"].values()) == 24


def test_a_server_that_is_down_ends_the_run(small: Path, tmp_path: Path, cli: Cli) -> None:
    """After so many errors in a row; what was answered is kept, and the same command goes on."""

    def answer(body: Body, number: int) -> Answer:
        return well(body, number) if number < 10 else error(503, "down")

    out = tmp_path / "p.jsonl"
    with serving(answer) as endpoint:
        arguments = ("run", "openai:m", "-b", small, "-o", out, "--base-url", endpoint.url, "-c", "2",
                     "--max-retries", "0", "--give-up-after", "5")  # fmt: skip
        done = cli(*arguments)
        assert done.returncode == 1
        told = done.stderr.splitlines()[-1]
        assert "5 questions in a row have no answer" in told
        assert "run the same command again with --retry-errors" in told
        assert sum("response" in row for row in rows(out)) == 10
        endpoint.answer = well
        assert cli(*arguments, "--retry-errors").returncode == 0
        run(endpoint, small, tmp_path / "whole.jsonl")
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:{port}/v1", "nothing listens there (Connection refused), so nothing was asked; start the"),
        ("http://no-such-host.invalid/v1", "nobody knows the name no-such-host.invalid ("),
    ],
)
def test_where_nobody_listens_it_stops_at_once(url: str, told: str, small: Path, tmp_path: Path, cli: Cli) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = url.format(port=free.getsockname()[1])
        done = cli("run", "openai:m", "-b", small, "-o", tmp_path / "p.jsonl", "--base-url", url, "--quiet")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert told in done.stderr
    assert not (tmp_path / "p.jsonl").exists(), "no question is to blame"


def test_a_server_that_is_there_again_is_asked_without_a_flag(small: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # taken, but nobody listens
        given = {"base_url": f"http://127.0.0.1:{free.getsockname()[1]}/v1"}
        with pytest.raises(RunStopped, match="nothing listens"):
            run_model("openai:m", small, tmp_path / "p.jsonl", given=given)
    with serving(well) as endpoint:
        assert run(endpoint, small, tmp_path / "p.jsonl").errors == {}


@pytest.mark.parametrize("status", [401, 404])
def test_a_wrong_key_or_model_is_asked_once(status: int, small: Path, tmp_path: Path) -> None:
    with serving(lambda body, number: error(status, "no such thing")) as endpoint:
        with pytest.raises(RunStopped, match="check --base-url"):
            run(endpoint, small, tmp_path / "p.jsonl", concurrency=1)
        assert len(endpoint.seen) == 1
    assert not (tmp_path / "p.jsonl").exists(), "no question is to blame"


def test_a_rate_holds_for_all_threads(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The k-th request comes no earlier than k gaps after the first was asked for, however late any of them comes."""
    asked_at: list[float] = []
    before = Pace.before

    def noted(self: Pace, request: Any = None) -> None:
        asked_at.append(time.monotonic())
        before(self, request)

    monkeypatch.setattr(Pace, "before", noted)
    with serving(well) as endpoint:
        run(endpoint, small, tmp_path / "p.jsonl", concurrency=8, requests_per_minute=300)
    assert len(endpoint.times) == 24
    start = min(asked_at)
    assert all(at - start >= 0.2 * turn - 1e-6 for turn, at in enumerate(endpoint.times))


def test_a_pause_holds_for_all_threads(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks on meanwhile, but those that had their turn before the pause was known: one a thread at most."""
    known, after = threading.Event(), Pace.after

    def told(self: Pace, response: Any) -> None:
        after(self, response)
        if response.status_code == 429:
            known.set()

    monkeypatch.setattr(Pace, "after", told)

    def once(body: Body, number: int) -> Answer:
        if number > 8:
            known.wait(LONG_S)
        return error(429, "wait", Retry_After="2") if number == 8 else well(body, number)

    with serving(once) as endpoint:
        run(endpoint, small, tmp_path / "p.jsonl", concurrency=4)
    assert len(endpoint.times) == 25
    assert sum(at < endpoint.times[8] + 2 for at in endpoint.times[9:]) <= 3


def test_the_budget_holds_and_the_run_goes_on_with_more(small: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "p.jsonl"

    def dear(body: Body, number: int) -> Answer:
        """24 of these go over the budget, however few of them are under way at once."""
        told = json.loads(well(body, number).body)
        told["usage"] = {"prompt_tokens": 4000, "completion_tokens": 50, "total_tokens": 4050}
        return Answer(json.dumps(told).encode())

    with serving(dear) as endpoint:
        arguments = ("run", "openai:m", "-b", small, "-o", out, "--base-url", endpoint.url, "--max-tokens", "50")
        done = cli(*arguments, "--budget-tokens", "50000")
        assert done.returncode == 1
        assert "raise it with --budget-tokens" in done.stderr
        first = len(endpoint.seen)
        spent = json.loads((tmp_path / "p.jsonl.cache" / "spent.json").read_bytes())
        assert 0 < first <= 50_000 // 4050
        assert spent["prompt_tokens"] + spent["reply_tokens"] <= 50_000
        assert cli(*arguments, "--budget-tokens", "10000000").returncode == 0
        assert len(endpoint.seen) == 24
        wrong = cli("run", "openai:m", "-b", small, "-o", tmp_path / "q.jsonl", "--base-url", endpoint.url,
                    "--budget-usd", "1")  # fmt: skip
        assert wrong.returncode == 2
        assert "usd_per_million_input" in wrong.stderr


def test_masks_and_confidence_are_read_from_replies(small: Path, tmp_path: Path) -> None:
    """A model that writes the truth as text gets its masks back: RLE exactly, boxes as boxes."""
    questions = list(open_benchmark(small).questions())
    by_image = {(*(f.image for f in q.frames), q.question): q for q in questions}

    def truth(body: Body, number: int) -> Answer:
        question = next(q for key, q in by_image.items() if list(key[:-1]) == images(body) and key[-1] in asked(body))
        told = [
            {"frame": m.frame, "label": m.label, "size": list(m.size), "counts": m.counts} for m in question.masks or ()
        ]
        text = f"<think>t</think><masks>```json\n{json.dumps(told)}\n```</masks><confidence>0.75</confidence>"
        return Answer(completion(f"{text}<answer>{question.answer}</answer>", body))

    with serving(truth) as endpoint:
        run(endpoint, small, tmp_path / "rle.jsonl", masks="rle", confidence=True)
        assert "Masks have size [" in asked(endpoint.seen[0][1])
    card = score(tmp_path / "rle.jsonl", small).card
    assert card["overall"]["micro"]["giou"]["value"] == card["overall"]["micro"]["accuracy"]["value"] == 1.0
    assert {row["confidence"] for row in rows(tmp_path / "rle.jsonl")} == {0.75}

    def boxes(body: Body, number: int) -> Answer:
        sizes = [Image.open(BytesIO(data)).size for data in images(body)]
        assert {max(size) for size in sizes} == {320}
        width, height = sizes[0]
        told = [
            {"frame": "t0", "label": "a", "boxes": [[0, 0, width / 2, height]]},
            {"frame": "t9", "boxes": [[0, 0, 1, 1]]},
        ]
        return Answer(completion(f"<masks>{json.dumps(told)}</masks><answer>A</answer>", body))

    with serving(boxes) as endpoint:
        report = run(endpoint, small, tmp_path / "boxes.jsonl", masks="boxes", image_px=320)
    assert report.notes == {"masks_unread": 24}
    for row, question in zip(rows(tmp_path / "boxes.jsonl"), questions, strict=True):
        from terra_cot.mask import decode

        (mask,) = row["masks"]
        drawn = decode(mask["size"], mask["counts"])
        assert mask["size"] == [question.height, question.width]
        assert drawn[:, : question.width // 2].all()
        assert not drawn[:, question.width // 2 :].any()
        assert row["notes"]["masks_unread"][0].startswith("masks[1]: frame t9 is none of t0")


def test_without_images_a_text_is_sent(small: Path, tmp_path: Path) -> None:
    with serving(well) as endpoint:
        run(endpoint, small, tmp_path / "p.jsonl", images=False)
        contents = [body["messages"][-1]["content"] for _, body in endpoint.seen]
    assert all(isinstance(content, str) and "not shown" in content for content in contents)


def test_a_run_goes_on_only_where_it_agrees(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    with serving(well) as endpoint:
        run(endpoint, small, out)
        run(endpoint, small, out, concurrency=1, timeout_s=9.0, max_retries=2)  # how, not what
        for change in ({"masks": "boxes"}, {"temperature": 1.0}, {"option": {"top_p": 0.1}}, {"max_tokens": 70}):
            with pytest.raises(ConflictError, match=r"is of another run \(asked: "):
                run(endpoint, small, out, **change)
        with pytest.raises(ConflictError, match="seed was 0, is 1"):
            run(endpoint, small, out, seed=1)
        assert len(endpoint.seen) == 24


def test_two_runs_on_one_file_refuse_each_other(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    held, go = threading.Event(), threading.Event()

    def answer(body: Body, number: int) -> Answer:
        held.set()
        go.wait(LONG_S)
        return well(body, number)

    with serving(answer) as endpoint:
        first = threading.Thread(target=run, args=(endpoint, small, out))
        first.start()
        assert held.wait(LONG_S)
        with pytest.raises(ConflictError, match="another run is writing it"):
            run(endpoint, small, out)
        go.set()
        first.join(LONG_S)
    assert len(rows(out)) == 24


@pytest.mark.parametrize(
    ("model", "given", "problem"),
    [
        ("openai", {}, "write it as openai:NAME"),
        ("openai:", {}, "write it as openai:NAME"),
        ("opnai:gpt", {}, 'did you mean "openai:"'),
        ("gpt-4o", {}, "known: random, majority, blind, gold, openai:NAME, hf:PATH"),
        ("openai:m", {}, "OPENAI_API_KEY is not set"),
        ("openai:m", {"api_key_env": "sk-this-is-a-key"}, "the environment variable that it names is not set"),
        ("openai:m", {"base_url": "http://u:secretpw@h/v1"}, "--base-url: a URL with a password"),
        ("openai:m", {"base_url": "h"}, "--base-url: write it as"),
        ("openai:m", {"base_url": "http://h/v1", "masks": "circles"}, "--masks: Input should be 'none', 'rle'"),
        ("openai:m", {"base_url": "http://h/v1", "batch_size": 2}, "--batch-size: openai:NAME does not take it"),
        ("openai:m", {"base_url": "http://h/v1", "option": {"messages": []}}, "--option: messages is not yours to set"),
        ("openai:m", {"base_url": "http://h/v1", "images": False, "masks": "rle"}, "leave --no-images out"),
        ("random", {"base_url": "http://h/v1"}, "--base-url: random takes no options"),
    ],
)
def test_wrong_names_and_options_are_one_line(
    model: str, given: dict[str, Any], problem: str, small: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        run_model(model, small, tmp_path / "p.jsonl", given=given)
    assert problem in str(caught.value)
    assert "secretpw" not in str(caught.value)
    assert "sk-this" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_was_under_way_at_a_kill_is_told_as_such(small: Path, tmp_path: Path, cli: Cli) -> None:
    options = ChatOptions(base_url="http://localhost/v1", model="m")
    cache = tmp_path / "p.jsonl.cache"
    cache.mkdir()
    for _ in range(4):
        Ledger(cache / "spent.json", options).reserve(Usage(9000, 2048))
    with serving(well) as endpoint:
        done = cli("run", "openai:m", "-b", small, "-o", tmp_path / "p.jsonl", "--base-url", endpoint.url)
    spent = json.loads((cache / "spent.json").read_bytes())
    assert (spent["requests"], spent["unanswered"]) == (28, 4)
    told = next(line for line in done.stdout.splitlines() if line.startswith("spent so far: 28 requests"))
    assert f"{spent['prompt_tokens']:,} input + {spent['reply_tokens']:,} output tokens" in told
    assert told.endswith("; 4 unanswered counted at their maximum")


@pytest.fixture
def interrupted(small: Path, tmp_path: Path) -> Iterator[tuple[Endpoint, Path]]:
    with serving(lambda body, number: Answer(b"{}", wait_s=600)) as endpoint:
        yield endpoint, tmp_path / "p.jsonl"


def test_ctrl_c_ends_at_once(interrupted: tuple[Endpoint, Path], small: Path) -> None:
    """Also while requests are under way to a server that is silent."""
    endpoint, out = interrupted
    command = [sys.executable, "-c", "from pipelines.terrascope_bench import main; main()", "run", "openai:m",
               "-b", str(small), "-o", str(out), "--base-url", endpoint.url]  # fmt: skip
    process = subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not endpoint.seen:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=LONG_S)
    assert process.returncode == 130
    assert "Traceback" not in stderr
