"""`terra-cot review` as a real process, and a client that behaves as the page does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gate import LONG_S

ROOT = Path(__file__).parents[1]


@dataclass
class Server:
    """A running server and the links that it printed."""

    process: subprocess.Popen[str]
    links: dict[str, str]
    said: list[str] = field(default_factory=list)

    def kill(self) -> None:
        """SIGKILL: no handler, no cleaning up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def start(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Server:
    code = "from pipelines.terra_cot import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "review", str(folder), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
    )
    assert process.stdout is not None
    links: dict[str, str] = {}
    said: list[str] = []
    for line in process.stdout:
        said.append(line)
        found = re.match(r"(.+?)\s+(http://\S+)$", line)
        if found:
            links[found[1]] = found[2]
            if len(links) == _expected(folder):
                return Server(process, links, said)
    assert process.stderr is not None
    raise AssertionError(process.stderr.read())


def _expected(folder: Path) -> int:
    import sqlite3

    with sqlite3.connect(folder / "review" / "review.sqlite") as database:
        return int(database.execute("SELECT COUNT(*) FROM reviewer").fetchone()[0])


@contextmanager
def serving(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    server = start(folder, *arguments, env=env)
    try:
        yield server
    finally:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(LONG_S) == 0


@dataclass
class Client:
    """A browser of one expert, as far as HTTP goes."""

    link: str
    headers: dict[str, str] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    place: str = ""
    """Where the expert's page stands, such as `/of/0123456789abcdef`; what is asked for is under it."""

    def __post_init__(self) -> None:
        self.address = urlsplit(self.link)
        assert self.address.hostname is not None
        self.connection = HTTPConnection(self.address.hostname, self.address.port, timeout=LONG_S)

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> tuple[HTTPResponse, bytes]:
        """One request; `headers` are added to the page's own, None takes one away (`_` stands for `-`)."""
        whole: dict[str, str | None] = {**self.headers, **{name.replace("_", "-"): v for name, v in headers.items()}}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if path.startswith(("/api/", "/picture/")):
            path = self.place + path
        self.connection.putrequest(method, path, skip_host="Host" in whole)
        if data is not None:
            self.connection.putheader("Content-Length", str(len(data)))
        for name, value in whole.items():
            if value is not None:
                self.connection.putheader(name, value)
        self.connection.endheaders(data)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def enter(self) -> Client:
        answer, page = self.ask("GET", f"/?{self.address.query}")
        found = re.search(rb"url=(/of/[0-9a-f]+)/", page)
        assert found is not None, page
        self.place = found[1].decode()
        cookie = answer.headers["set-cookie"]
        self.headers = {"Cookie": cookie.partition(";")[0], "Origin": f"http://{self.address.netloc}"}
        self.told = self.json("GET", "/api/start")
        self.headers["X-Review-Token"] = self.told["token"]
        return self

    def json(self, method: str, path: str, body: Any = None) -> Any:
        answer, data = self.ask(method, path, body)
        assert answer.status == 200, (answer.status, data)
        return json.loads(data)

    def review(self, number: int, grade: str = "high", **more: Any) -> Any:
        grades = dict.fromkeys(self.told["checks"], grade)
        return self.json("POST", f"/api/review/{number}", {"grades": grades, "comment": "", "masks": None, **more})


def enter(server: Server, name: str) -> Client:
    return Client(server.links[name]).enter()
