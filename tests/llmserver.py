"""A real HTTP server that speaks the OpenAI protocol on a real socket, well or badly as a test tells it."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
_PHRASE = re.compile(r"^\{(\w+)\} \((\w+)(?:, of \{c(\d+)\})?[^)]*\): (.*)$", re.MULTILINE)
_ANSWER = re.compile(r'The answer is exactly: "(.*)"\.$', re.DOTALL)


@dataclass(frozen=True)
class Phrase:
    name: str
    kind: str
    owner: int | None
    text: str


def phrases(body: Body) -> list[Phrase]:
    """The phrases that a request offers."""
    user = next(message["content"] for message in body["messages"] if message["role"] == "user")
    return [
        Phrase(name, kind, int(owner) if owner else None, text) for name, kind, owner, text in _PHRASE.findall(user)
    ]


def well(body: Body) -> dict[str, str]:
    """What a model that follows the rules writes."""
    offered = phrases(body)
    names = {phrase.name for phrase in offered}
    marks = [phrase.name[1:] for phrase in offered if phrase.kind == "mark"]
    steps = ["Look at the scene."]
    for mask in marks:
        steps.append(
            f"First, {{m{mask}}} is here." if "plural" not in _line(body, mask) else f"Next, find {{m{mask}}}."
        )
        own = [phrase for phrase in offered if phrase.owner == int(mask) and phrase.kind in ("quantity", "place")]
        steps += [f"{{c{mask}}}: {{{phrase.name}}}." for phrase in own]
    steps += [f"{{{phrase.name}}}." for phrase in offered if phrase.kind == "clause"]
    fixed = _ANSWER.search(body["messages"][0]["content"])
    if fixed:
        return {
            "question": "Study the masks first. {ask}",
            "chain": " ".join([*steps, "{conclusion}"]),
            "answer": fixed[1],
        }
    listed = ", ".join(f"{{s{mask}}}" for mask in marks if f"s{mask}" in names)
    return {
        "question": "describe this image step by step.",
        "chain": " ".join(steps),
        "answer": f"An image of {listed}.",
    }


def _line(body: Body, mask: str) -> str:
    user = next(message["content"] for message in body["messages"] if message["role"] == "user")
    return next(line for line in user.splitlines() if line.startswith(f"{{m{mask}}}"))


def completion(content: str, body: Body, finish: str = "stop") -> bytes:
    prompt = sum(len(str(message["content"]).split()) for message in body["messages"])
    written = len(content.split())
    usage = {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"]}
    return json.dumps({**head, "choices": [choice], "usage": usage}).encode()


@dataclass
class Answer:
    """What goes over the wire. `cut`: the connection is reset after so many bytes of the body."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    cut: int | None = None


def error(status: int, message: str, **headers: str) -> Answer:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Answer(json.dumps({"error": {"message": message, "type": "error"}}).encode(), status, named)


def says(writer: Callable[[Body], Any]) -> Callable[[Body, int], Answer]:
    """Answers with what `writer` makes of the request: an object as JSON, a text as it is."""

    def answer(body: Body, number: int) -> Answer:
        content = writer(body)
        return Answer(completion(content if isinstance(content, str) else json.dumps(content), body))

    return answer


class Endpoint:
    """A running server: `url` to give as base_url, `seen` the requests that came, `most` how many at once."""

    def __init__(self, answer: Callable[[Body, int], Answer], port: int = 0) -> None:
        self.answer = answer
        self.seen: list[tuple[dict[str, str], Body]] = []
        self.times: list[float] = []
        self.most = self.now = 0
        self._lock = threading.Lock()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with endpoint._lock:
                    number = len(endpoint.seen)
                    headers = {key.lower(): value for key, value in self.headers.items()}
                    endpoint.seen.append(({**headers, "path": self.path}, body))
                    endpoint.times.append(time.monotonic())
                    endpoint.now += 1
                    endpoint.most = max(endpoint.most, endpoint.now)
                try:
                    answer = endpoint.answer(body, number)
                    time.sleep(answer.wait_s)
                finally:
                    with endpoint._lock:
                        endpoint.now -= 1  # before it is sent: whoever has an answer may ask again at once
                self._send(answer)

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for key, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if answer.cut is None:
                    self.wfile.write(answer.body)
                    return
                self.wfile.write(answer.body[: answer.cut])
                self.wfile.flush()
                # Reset, not closed: as when a cable is pulled.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True

            def handle(self) -> None:
                with suppress(OSError):  # the client went away: what time-outs and kills are about
                    super().handle()

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(answer: Callable[[Body, int], Answer], port: int = 0) -> Iterator[Endpoint]:
    endpoint = Endpoint(answer, port)
    try:
        yield endpoint
    finally:
        endpoint.close()
