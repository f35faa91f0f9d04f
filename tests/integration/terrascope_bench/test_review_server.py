"""The review server as a real process: who may ask, what is blind to whom, and that a kill loses no answer."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from gate import LONG_S
from reviewserver import Client, Server, enter, serving, start

from terra_cot.errors import ConfigError
from terrascope_bench.review import open_ledger
from terrascope_bench.review.guard import host_name, place_of
from terrascope_bench.review.items import open_items
from terrascope_bench.review.serve import known_hosts

PEOPLE = ("--reviewer", "Ana", "--reviewer", "Ben")
HIGH = {"grades": dict.fromkeys(("mask", "answer", "distractors", "clarity"), "high"), "comment": "", "masks": None}


@pytest.fixture
def folder(bench: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bench, tmp_path / "bench"))


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    with serving(folder, *PEOPLE) as running:
        yield running


def test_a_kill_between_answers_loses_none(folder: Path) -> None:
    """Two experts answer without a pause, the process is killed, again and again; what was acknowledged is there."""
    acknowledged: dict[tuple[str, str], str] = {}
    turns: list[tuple[str, int]] = []  # name and run of each answer that was acknowledged
    early: list[Exception] = []
    for run in range(4):
        server = start(folder, *(PEOPLE if run == 0 else ()))
        stop = threading.Event()

        def answer(name: str, server: Server = server, stop: threading.Event = stop, run: int = run) -> None:
            client = enter(server, name)
            try:
                for turn in range(10_000):
                    number = turn % len(client.told["rows"])
                    word = f"{name} {run} {turn}"
                    client.review(number, comment=word)
                    acknowledged[client.told["rows"][number][2], name] = word
                    turns.append((name, run))
            except (OSError, HTTPException, AssertionError) as error:  # the server is killed under it
                if not stop.is_set():
                    early.append(error)

        threads = [threading.Thread(target=answer, args=(name,)) for name in ("Ana", "Ben")]
        for thread in threads:
            thread.start()
        until = time.monotonic() + LONG_S
        while not {("Ana", run), ("Ben", run)} <= set(turns) and early == [] and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.3 + 0.17 * run)
        stop.set()
        server.kill()
        for thread in threads:
            thread.join()
        assert early == []
        assert {("Ana", run), ("Ben", run)} <= set(turns)
        items = open_items(folder)
        with open_ledger(folder, items.benchmark.sha256, create=False) as ledger:
            kept = {(answer.question, answer.reviewer): answer.review.comment for answer in ledger.answers()}
        for key, word in acknowledged.items():
            # An answer that was written and not yet acknowledged may stand in the place of an earlier one.
            mine, theirs = word.split(), kept[key].split()
            assert tuple(map(int, theirs[1:])) >= tuple(map(int, mine[1:])), (key, word, kept[key])
        with sqlite3.connect(folder / "review" / "review.sqlite") as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_journal_is_synced_before_an_answer(folder: Path) -> None:
    items = open_items(folder)
    with open_ledger(folder, items.benchmark.sha256) as ledger:
        assert ledger._run("PRAGMA synchronous") == [(2,)]
        assert ledger._run("PRAGMA journal_mode") == [("wal",)]


def test_experts_are_blind_until_both_are_done(server: Server) -> None:
    ana, ben = enter(server, "Ana"), enter(server, "Ben")
    ana.review(0, comment="secret", grade="medium")
    for path in ("/api/question/0", "/api/start", "/api/states?since=0"):
        answer, data = ben.ask("GET", path)
        assert answer.status == 200
        assert b"secret" not in data
    assert ben.json("GET", "/api/question/0")["others"] == []
    assert ben.json("GET", "/api/question/0")["state"] == 0
    assert ana.json("GET", "/api/question/0")["state"] == 2
    ben.json("POST", "/api/draft/0", HIGH)
    assert ben.json("GET", "/api/question/0")["others"] == []
    assert ben.review(0)["states"] == {"0": 3}
    (other,) = ben.json("GET", "/api/question/0")["others"]
    assert (other["reviewer"], other["comment"]) == ("Ana", "secret")
    assert ana.json("GET", f"/api/states?since={ana.told['since']}")["states"] == {"0": 3}
    ana.review(0)
    assert ben.json("GET", "/api/question/0")["state"] == 4


def test_only_one_s_own_questions_can_be_seen(folder: Path) -> None:
    with serving(folder, *PEOPLE, "--reviewer", "Chen", "--per-question", "2") as server:
        ana = enter(server, "Ana")
        own = {row[0] for row in ana.told["rows"]}
        other = next(number for number in range(len(open_items(folder).heads)) if number not in own)
        for method, path in [
            ("GET", f"/api/question/{other}"),
            ("GET", f"/picture/{other}/0"),
            ("GET", "/api/question/999999"),
        ]:
            assert ana.ask(method, path)[0].status == 404
        assert ana.ask("POST", f"/api/review/{other}", HIGH)[0].status == 404


def test_strangers_get_nothing(server: Server) -> None:
    stranger = Client(server.links["Ana"], place=f"/of/{place_of('Ana')}")
    for path in (
        "/",
        f"{stranger.place}/",
        "/of/0/",
        "/of/0/api/start",
        "/api/start",
        "/api/question/0",
        "/picture/0/0",
        "/api/states?since=0",
    ):
        assert stranger.ask("GET", path)[0].status in (401, 403), path
    for token in ("", "x", "é", "a" * 5000):
        answer, data = stranger.ask("GET", "/?" + urlencode({"token": token}))
        assert answer.status == 403
        assert answer.headers["set-cookie"] is None
        assert b"links" not in data
    assert stranger.ask("GET", "/api/start", Cookie=f"terra_cot_review_{stranger.address.port}=forged")[0].status == 401
    assert stranger.ask("GET", "/page/..%2Fweb.py")[0].status == 404
    assert stranger.ask("GET", "/page/index.html")[0].status == 404


def test_the_cookie_and_the_page_are_locked_down(server: Server) -> None:
    ana = Client(server.links["Ana"])
    answer, data = ana.ask("GET", f"/?{ana.address.query}")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    token = ana.address.query.partition("=")[2]
    assert token not in answer.headers["set-cookie"]
    assert token.encode() not in data
    ana.enter()
    for path in ("/", f"{ana.place}/", "/api/start", "/page/main.js", "/picture/0/0", "/none"):
        policy = ana.ask("GET", path)[0].headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
    assert "no-store" in ana.ask("GET", "/api/start")[0].headers["cache-control"]
    assert ana.ask("GET", "/picture/0/0")[0].headers["content-type"] == "image/png"


def test_a_cookie_is_good_in_the_place_of_its_expert_only(server: Server) -> None:
    ana, ben = enter(server, "Ana"), enter(server, "Ben")
    assert ana.place != ben.place
    answer, _ = ana.ask("GET", f"/?{ana.address.query}")
    assert f"path={ana.place}/" in answer.headers["set-cookie"].lower()
    for path in ("/", "/api/start", "/api/key", "/api/question/0", "/picture/0/0"):
        assert ana.ask("GET", ben.place + path)[0].status in (401, 403), path
    assert ana.ask("POST", f"{ben.place}/api/draft/0", HIGH)[0].status == 401
    assert ana.json("GET", "/api/key")["token"] == ana.headers["X-Review-Token"]


def test_a_word_that_stands_on_an_older_one_is_not_kept(server: Server) -> None:
    ana = enter(server, "Ana")
    seen = ana.json("GET", "/api/question/0")["stamp"]
    low = {**HIGH, "grades": {**HIGH["grades"], "mask": "low"}}

    def send(kind: str, body: Any, stamp: str) -> tuple[int, Any]:
        answer, data = ana.ask("POST", f"/api/{kind}/0", body, X_Review_Seen=stamp)
        return answer.status, json.loads(data)

    status, told = send("draft", low, seen)
    assert status == 200
    for kind, body in (("draft", HIGH), ("draft", None), ("review", HIGH)):
        status, refused = send(kind, b"null" if body is None else body, seen)
        assert status == 409
        assert refused["now"]["stamp"] == told["stamp"]
        assert refused["now"]["draft"]["grades"]["mask"] == "low"
    status, told = send("review", HIGH, told["stamp"])
    assert status == 200
    assert send("draft", low, seen)[0] == 409
    assert ana.json("GET", "/api/question/0")["draft"] is None
    assert send("draft", low, told["stamp"])[0] == 200


def test_a_server_comes_back_at_its_address_and_takes_new_names_only_when_told(cot: Any, folder: Path) -> None:
    with serving(folder, *PEOPLE) as first:
        links = dict(first.links)
    with serving(folder) as again:
        assert {link.partition("?")[0] for link in again.links.values()} == {links["Ana"].partition("?")[0]}
        with serving(folder) as beside:  # the port is taken
            assert beside.links["Ana"].partition("?")[0] != links["Ana"].partition("?")[0]
            assert any("is taken" in line for line in beside.said)
    done = cot("review", folder, "--reviewer", "Anna")
    assert done.returncode == 2
    assert "did you mean Ana? A new expert needs --add" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "its experts are Ana, Ben" in cot("review", folder, "--reviewer", "Cleo").stderr
    with serving(folder, "--reviewer", "Cleo", "--add") as more:
        assert set(more.links) == {"Ana", "Ben", "Cleo"}


def test_a_foreign_page_changes_nothing(server: Server) -> None:
    ana = enter(server, "Ana")
    origin, token = ana.headers["Origin"], ana.headers["X-Review-Token"]
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": origin + ".evil.example"},
        {"Origin": origin.replace(str(ana.address.port), "1")},
        {"X_Review_Token": None},
        {"X_Review_Token": token[:-1]},
        {"X_Review_Token": "\u00e9"},
    ):
        for kind in ("review", "draft"):
            answer, _ = ana.ask("POST", f"/api/{kind}/0", HIGH, **headers)
            assert answer.status == 403, headers
    assert ana.json("GET", "/api/question/0")["review"] is None
    assert ana.ask("GET", "/api/review/0")[0].status == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "", "127.0.0.1.evil.example:{port}", "[::2]"])
def test_another_host_name_gets_nothing(server: Server, host: str) -> None:
    """DNS rebinding: the browser says the attacker's name, which resolves here."""
    ana = enter(server, "Ana")
    name = host.format(port=ana.address.port)
    answer, data = ana.ask("GET", "/api/start", Host=name)
    assert answer.status in (400, 421)
    assert ana.told["token"].encode() not in data
    answer, _ = ana.ask("POST", "/api/review/0", HIGH, Host=name, Origin=f"http://{name}")
    assert answer.status in (400, 421)


def test_bad_bodies_are_told_and_not_kept(server: Server) -> None:
    ana = enter(server, "Ana")
    bodies: list[Any] = [b"", b"{", b"\xff\xfe", [], 1, {"grades": {"mask": "great"}}, {"grades": {"mask": "high"}}]
    bodies += [{**HIGH, "masks": ["~" * 50]}, {**HIGH, "masks": [None] * 999}, {**HIGH, "comment": "x" * 5000}]
    bodies += [b"[" * 100_000]
    for body in bodies:
        answer, data = ana.ask("POST", "/api/review/0", body)
        assert answer.status == 400, body
        assert json.loads(data)["error"]
    try:
        answer, _ = ana.ask("POST", "/api/review/0", b"x" * (9 << 20))
        assert answer.status == 413
    except OSError:  # it hung up before all was sent
        pass
    ana.connection.close()
    assert ana.json("GET", "/api/question/0")["review"] is None


def test_a_password_stands_before_an_open_host(folder: Path) -> None:
    arguments = ("--host", "0.0.0.0", "--name", "127.0.0.1", "--password-env", "REVIEW_WORD")
    with serving(folder, *PEOPLE, *arguments, env={"REVIEW_WORD": "long enough"}) as server:
        ana = Client(server.links["Ana"])
        answer, data = ana.ask("GET", f"/?{ana.address.query}")
        assert answer.headers["set-cookie"] is None
        assert b"Password" in data
        token, origin = ana.address.query.partition("=")[2], f"http://{ana.address.netloc}"

        def login(password: str, link: str = token, **headers: str | None) -> Any:
            form = urlencode({"token": link, "password": password}).encode()
            return ana.ask("POST", "/login", form, **{"Origin": origin, **headers})[0]

        for wrong in (login("wrong"), login("long enough", "x"), login("long enough", Origin="http://evil.example")):
            assert wrong.status == 403
            assert wrong.headers["set-cookie"] is None
        right = login("long enough")
        assert right.status == 303
        cookie = right.headers["set-cookie"].partition(";")[0]
        ana.place = right.headers["location"].rstrip("/")
        assert ana.ask("GET", "/api/start", Cookie=cookie)[0].status == 200


def test_what_opens_a_host_is_asked_for() -> None:
    assert known_hosts("127.0.0.1", (), None)[0] == "127.0.0.1"
    assert known_hosts("192.168.1.4", ("atlas",), "long enough") == ["192.168.1.4", "atlas"]
    with pytest.raises(ConfigError, match="--password-env"):
        known_hosts("0.0.0.0", ("atlas",), None)
    with pytest.raises(ConfigError, match="--name"):
        known_hosts("0.0.0.0", (), "long enough")
    with pytest.raises(ConfigError, match="shorter"):
        known_hosts("192.168.1.4", (), "short")
    names = {"a:1": "a", "A": "a", "[::1]:80": "[::1]", "[::1]": "[::1]", "a:b": "a:b", ":80": ":80"}
    assert {host: host_name(host) for host in names} == names


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--host", "0.0.0.0"), "--password-env"),
        (("--password-env", "NOT_THERE"), "no such environment variable"),
        (("--reviewer", "Ana"), "--per-question 1"),
        ((), "nobody to review"),
        (("--reviewer", "Ana", "--per-question", "1", "--host", "203.0.113.7"), "--password-env"),
    ],
)
def test_wrong_usage_is_one_line(cot: Any, folder: Path, arguments: tuple[str, ...], says: str) -> None:
    done = cot("review", folder, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_dataset_or_another_version_is_refused(cot: Any, dataset: Path, folder: Path) -> None:
    assert "expected benchmark" in cot("review", dataset, *PEOPLE).stderr
    with serving(folder, *PEOPLE):
        pass
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text() + "\n")
    done = cot("review", folder, *PEOPLE)
    assert done.returncode == 2
    assert "another version" in done.stderr


def test_repaired_masks_are_measured_and_carried_to_variants(dataset: Path, tmp_path: Path) -> None:
    from terrascope_bench.build import build_benchmark

    folder = tmp_path / "variants"
    build_benchmark([dataset], folder, per_task=4, variants=["optical", "sar"])
    items = open_items(folder)
    number = next(n for n, head in enumerate(items.heads) if head.task == "CA" and items.siblings(n))
    (sibling,) = items.siblings(number)
    mask = (items.masks(number) or ())[0]
    empty = f"{_run(mask.size[0] * mask.size[1])}"
    with serving(folder, *PEOPLE) as server:
        ana = enter(server, "Ana")
        body = {**HIGH, "masks": [empty]}
        told = ana.json("POST", f"/api/draft/{number}", body)
        assert "mask empty" in told["measured"]["problem"]
        told = ana.json("POST", f"/api/review/{number}", body)
        assert told["states"] == {str(number): 2, str(sibling): 1}
        draft = ana.json("GET", f"/api/question/{sibling}")["draft"]
        assert draft["masks"] == [empty]
        assert set(draft["grades"].values()) == {None}


def _run(length: int) -> str:
    """RLE text of one background run."""
    text = ""
    while True:
        bits, length = length & 31, length >> 5
        more = length != 0 or bits & 16
        text += chr(48 + (bits | 32 if more else bits))
        if not more:
            return text
