"""Over real sockets: every way in which an endpoint can fail ends in a reply, a refusal or one clear line."""

from __future__ import annotations

import json
import pickle
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gate import LONG_S
from llmserver import Answer, Body, Endpoint, completion, error, says, serving

from terra_cot.errors import ConfigError
from terra_cot.llm.cache import Cache
from terra_cot.llm.client import Client, LlmUnavailable, api_key
from terra_cot.llm.ledger import BudgetSpent, Ledger, Usage
from terra_cot.llm.options import LlmOptions
from terra_cot.recipe import make_recipe

KEY = "sk-secretsecretsecret0123456789"
ASK = [{"role": "user", "content": "Describe a lake."}]
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": True}


@contextmanager
def asking(
    answer: Callable[[Body, int], Answer], tmp_path: Path, **settings: Any
) -> Iterator[tuple[Client, Endpoint, Ledger]]:
    with serving(answer) as endpoint:
        options = LlmOptions(base_url=endpoint.url, model="m", **{"max_retries": 3, "timeout_s": 120, **settings})
        ledger = Ledger(tmp_path / "spent.json", options)
        ledger.settle_killed()
        yield Client(options, Cache(tmp_path / "cache"), ledger), endpoint, ledger


def after(failures: list[Answer]) -> Callable[[Body, int], Answer]:
    """The failures in turn, then an answer."""
    return lambda body, number: failures[number] if number < len(failures) else Answer(completion("fine", body))


@pytest.mark.parametrize(
    "failure",
    [
        error(429, "slow down", Retry_After="0.3"),
        error(500, "broken"),
        error(503, "overloaded"),
        Answer(b'{"choices": [{"message": {"content": "half', headers={}),
        Answer(b"<html>a proxy</html>"),
        Answer(b'{"choices": []}'),
        Answer(b'{"id": 1, "choices": "none"}'),
        Answer(completion("whole", {"model": "m", "messages": []}), cut=40),
        Answer(b"", cut=0),
    ],
    ids=["429", "500", "503", "truncated JSON", "HTML", "no choice", "strange choice", "cut body", "no body"],
)
def test_what_passes_is_tried_again(failure: Answer, tmp_path: Path) -> None:
    with asking(after([failure, failure]), tmp_path) as (client, endpoint, ledger):
        assert client.ask(ASK, SCHEMA).content == "fine"
        assert len(endpoint.seen) == 3
        assert ledger.spent()["open"] == {}


def test_retry_after_is_obeyed(tmp_path: Path) -> None:
    with asking(after([error(429, "wait", Retry_After="1.5")]), tmp_path) as (client, endpoint, _):
        client.ask(ASK, SCHEMA)
        assert endpoint.times[1] - endpoint.times[0] >= 1.5


@pytest.mark.parametrize(
    ("failure", "says_so"),
    [
        (error(429, "quota is gone"), "quota is gone"),
        (error(500, "broken"), "broken"),
        (error(401, f"Incorrect API key provided: {KEY}"), "check llm.base_url, llm.model and the key"),
        (error(404, "no such model"), "no such model"),
        (Answer(b"not json"), "no JSON"),
    ],
    ids=["429", "500", "401", "404", "not JSON"],
)
def test_what_stays_is_one_line(failure: Answer, says_so: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", KEY)
    with (
        asking(lambda body, number: failure, tmp_path, max_retries=1, api_key_env="A_KEY") as (
            client,
            endpoint,
            ledger,
        ),
        pytest.raises(LlmUnavailable) as caught,
    ):
        client.ask(ASK, SCHEMA)
    text = str(caught.value)
    assert says_so in text
    assert "run the same command again" in text
    assert KEY not in text
    assert "\n" not in text
    assert str(pickle.loads(pickle.dumps(caught.value))) == text, "it crosses from worker to parent"
    assert 1 <= len(endpoint.seen) <= 2
    assert ledger.spent()["open"] == {}


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    slow = Answer(b"{}", wait_s=600)
    with asking(lambda body, number: slow, tmp_path, max_retries=1, timeout_s=0.3) as (client, endpoint, ledger):
        with pytest.raises(LlmUnavailable, match=r"no answer within 0\.3 s"):
            client.ask(ASK, SCHEMA)
        until = time.monotonic() + LONG_S
        while len(endpoint.seen) < 2 and time.monotonic() < until:  # given up, perhaps, before the server had read it
            time.sleep(0.01)
    assert len(endpoint.seen) == 2
    assert ledger.spent()["reply_tokens"] == 700, "it may have been billed: the worst case counts"
    assert ledger.spent()["unanswered"] == ledger.spent()["requests"] == 1


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # nobody else can take the port, and it is not listened on
        options = LlmOptions(base_url=f"http://127.0.0.1:{held.getsockname()[1]}/v1", model="m", max_retries=0)
        client = Client(options, Cache(tmp_path / "cache"), Ledger(tmp_path / "spent.json", options))
        with pytest.raises(LlmUnavailable, match="Connection"):
            client.ask(ASK, SCHEMA)


@pytest.mark.parametrize("status", [400, 422])
def test_a_server_without_json_schema_is_asked_by_less(status: int, tmp_path: Path) -> None:
    def answer(body: Body, number: int) -> Answer:
        kind = body.get("response_format", {}).get("type", "text")
        return Answer(completion(kind, body)) if kind == "text" else error(status, f"{kind} is not supported")

    with asking(answer, tmp_path) as (client, endpoint, _):
        assert client.ask(ASK, SCHEMA).content == "text"
        assert len(endpoint.seen) == 3
        assert client.ask([{"role": "user", "content": "another"}], SCHEMA).content == "text"
        assert len(endpoint.seen) == 4, "what it refuses is not asked again"
    fresh = Client(client._options, Cache(tmp_path / "cache"), Ledger(tmp_path / "spent.json", client._options))
    assert fresh.ask(ASK, SCHEMA).content == "text", "the server is gone, the cache knows"


def test_a_request_that_no_way_is_taken_is_refused_once(tmp_path: Path) -> None:
    with asking(lambda body, number: error(400, "context size exceeded"), tmp_path) as (client, endpoint, _):
        reply = client.ask(ASK, SCHEMA)
        assert (reply.finish, "context size exceeded" in reply.content) == ("refused", True)
        assert client.ask(ASK, SCHEMA) == reply
        assert len(endpoint.seen) == 3


def test_the_same_request_is_sent_once(tmp_path: Path) -> None:
    with asking(lambda body, number: Answer(completion(f"reply {number}", body)), tmp_path) as (client, endpoint, _):
        first = client.ask(ASK, SCHEMA)
        assert client.ask(ASK, SCHEMA) == first
        assert len(endpoint.seen) == 1
        other = client.ask(ASK, {**SCHEMA, "title": "another"})
        assert other != first, "the key is the whole request"


def test_many_at_once_agree_on_one_reply(tmp_path: Path) -> None:
    """Different replies to one request come from two workers: the first to be stored is everybody's."""
    gate = threading.Barrier(8)

    def answer(body: Body, number: int) -> Answer:
        gate.wait(LONG_S)
        return Answer(completion(f"reply {number}", body))

    with asking(answer, tmp_path) as (client, _, _), ThreadPoolExecutor(8) as pool:
        replies = {future.result() for future in [pool.submit(client.ask, ASK, SCHEMA) for _ in range(8)]}
    assert len(replies) == 1


def test_a_broken_entry_is_asked_again(tmp_path: Path) -> None:
    with asking(says(lambda body: "fine"), tmp_path) as (client, endpoint, _):
        client.ask(ASK, SCHEMA)
        (entry,) = (tmp_path / "cache").rglob("*.json")
        entry.write_text(entry.read_text()[:50])
        assert client.ask(ASK, SCHEMA).content == "fine"
        assert len(endpoint.seen) == 2
        assert json.loads(entry.read_text())["reply"]["content"] == "fine"


def test_no_key_is_ever_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the server repeats it."""
    monkeypatch.setenv("A_KEY", KEY)

    def answer(body: Body, number: int) -> Answer:
        return error(400, f"key {KEY}") if number == 0 else Answer(completion(f"your key is {KEY}", body))

    with asking(answer, tmp_path, api_key_env="A_KEY") as (client, endpoint, _):
        assert client.ask(ASK, SCHEMA).content == "your key is ***"
    assert endpoint.seen[0][0]["authorization"] == f"Bearer {KEY}"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) >= 3
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_a_key_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    with pytest.raises(ConfigError, match="not set") as caught:
        api_key(LlmOptions(base_url="http://localhost/v1", model="m", api_key_env="A_KEY"))
    assert "A_KEY" not in str(caught.value), "somebody may have put the key itself there"


def test_tokens_stay_within_the_budget(tmp_path: Path) -> None:
    with asking(says(lambda body: "a b c"), tmp_path, budget_tokens=3000, max_tokens=50) as (client, endpoint, ledger):
        asked = 0
        with pytest.raises(BudgetSpent, match=r"raise it with --set llm\.budget_tokens"):  # noqa: PT012
            for asked in range(10_000):
                client.ask([{"role": "user", "content": f"question {asked} " + "word " * 40}], SCHEMA)
        spent = ledger.spent()
        assert spent["requests"] == len(endpoint.seen) == asked
        assert asked > 10
        assert spent["prompt_tokens"] == asked * 42
        assert spent["prompt_tokens"] + spent["reply_tokens"] <= 3000
        assert client.ask([{"role": "user", "content": "question 0 " + "word " * 40}], SCHEMA).content == "a b c"


def test_money_stays_within_the_budget(tmp_path: Path) -> None:
    prices = {"usd_per_million_input": 2.0, "usd_per_million_output": 8.0}
    with (
        asking(says(lambda body: "a b c"), tmp_path, budget_usd=0.005, max_tokens=50, **prices) as (client, _, ledger),
        ThreadPoolExecutor(6) as pool,
    ):
        futures = [pool.submit(client.ask, [{"role": "user", "content": f"question {n}"}], SCHEMA) for n in range(400)]
        stopped = sum(isinstance(future.exception(), BudgetSpent) for future in futures)
    spent = ledger.spent()
    assert stopped
    assert 400 - stopped == spent["requests"]
    assert spent["usd"] == pytest.approx((2 * spent["prompt_tokens"] + 8 * spent["reply_tokens"]) / 1e6)
    assert spent["usd"] <= 0.005


def test_a_server_that_tells_no_usage_costs_the_worst_case(tmp_path: Path) -> None:
    bare = b'{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}'
    with asking(lambda body, number: Answer(bare), tmp_path, max_tokens=64) as (client, _, ledger):
        client.ask(ASK, SCHEMA)
    assert ledger.spent()["reply_tokens"] == 64
    assert ledger.spent()["prompt_tokens"] > 100


def test_what_a_killed_run_had_under_way_counts(tmp_path: Path) -> None:
    options = LlmOptions(base_url="http://localhost/v1", model="m", budget_tokens=100)
    ledger = Ledger(tmp_path / "spent.json", options)
    ledger.settle_killed()
    ledger.reserve(Usage(30, 30))
    with pytest.raises(BudgetSpent):
        Ledger(tmp_path / "spent.json", options).reserve(Usage(30, 30))
    again = Ledger(tmp_path / "spent.json", options)
    again.settle_killed()
    assert (again.spent()["prompt_tokens"], again.spent()["reply_tokens"], again.spent()["open"]) == (30, 30, {})
    assert again.spent()["unanswered"] == 1


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"base_url": "localhost:80"}, "http"),
        ({"base_url": "http://user:pw@host/v1"}, "password"),
        ({"base_url": "http://host/v1?key=abc"}, "password or query"),
        ({"budget_usd": 1}, "usd_per_million_input"),
        ({"model": ""}, "at least 1 character"),
        ({"tiers": ["res"]}, "caption"),
        ({"budget": 1}, "unknown key"),
        ({"attempts": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], problem: str) -> None:
    values = {"name": "a", "source": {"kind": "world", "root": "w"}}
    with pytest.raises(ConfigError, match=problem) as caught:
        make_recipe({**values, "llm": {"base_url": "http://host/v1", "model": "m", **settings}})
    assert "\n" not in str(caught.value)
    assert "user:pw" not in str(caught.value)


def test_how_a_model_is_asked_is_no_part_of_the_recipe() -> None:
    llm = {"base_url": "http://host/v1", "model": "m"}
    values = {"name": "a", "source": {"kind": "world", "root": "w"}, "llm": llm}
    plain = make_recipe(values)
    tuned = make_recipe({**values, "llm": {**llm, "concurrency": 32, "budget_tokens": 5, "api_key_env": "K"}})
    assert plain.body() == tuned.body()
    assert plain.sha256() != make_recipe({**values, "llm": {**llm, "model": "other"}}).sha256()
    assert make_recipe(plain.body()).body() == plain.body()
