"""`openai:NAME`: one question, one request, one reply, which is paid for once.

The request is named by its address and body, each image in it by its hash; its first reply is kept under that name.
An error is the question's own, and the next question is asked. The run stops where no question can fare better: nobody
listens at the address when it begins, key or model unknown, budget spent, or so many errors of the server in a row that
it must be down.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from math import ceil
from typing import Any

import orjson

from terra_cot.errors import RunStopped
from terra_cot.llm.cache import Cache
from terra_cot.llm.ledger import Ledger, Usage
from terra_cot.llm.pace import Pace
from terra_cot.llm.reach import nobody_at
from terra_cot.llm.wire import AskFailed, Wire, api_key
from terrascope_bench.models.model import Job
from terrascope_bench.models.options import ChatOptions
from terrascope_bench.models.pictures import Picture, pictures
from terrascope_bench.models.prompt import system, user
from terrascope_bench.models.reply import read_prediction
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

_DOWN = ("timeout", "connection", "rate_limited", "server_error", "bad_reply", "forbidden")
_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
_KEPT = "all answers are kept: run the same command again, it goes on from there"


def make_ledger(options: ChatOptions, job: Job) -> Ledger:
    """The account of the run; the file appears with the first request.

    Raises:
        ConfigError: the key is not there.
    """
    api_key(options)
    return Ledger(job.room / "spent.json", options)


class Chat:
    """Asks a model behind an endpoint; threads may share it."""

    def __init__(self, options: ChatOptions, ledger: Ledger, job: Job, seed: int) -> None:
        ledger.settle_killed()
        self._options = options
        self._style = options.style()
        self._cache = Cache(options.cache or job.room / "replies")
        self._wire = Wire(options, ledger, Pace(options.requests_per_minute))
        self._retry_errors = job.retry_errors
        self._seed = seed
        self._lock = threading.Lock()
        self._failed = 0
        self._reached = False

    def answer(self, question: Question) -> Prediction:
        """Raises AskFailed (this question has no answer) or RunStopped (no question can be asked)."""
        shown = list(pictures(question, self._options.image_px)) if self._style.images else []
        parts = list(user(question, shown, self._style))
        request = {"url": f"{self._options.base_url}/chat/completions", "body": self._body(parts, sent=False)}
        known = self._cache.get(request)
        if known is not None and "reply" in known:
            try:
                return self._read(question, shown, known["reply"])
            except AskFailed:
                if not self._retry_errors:
                    raise
        reply = self._ask(parts)
        return self._read(
            question, shown, self._cache.put(request, {"reply": reply}, replace=known is not None)["reply"]
        )

    def _read(self, question: Question, shown: Sequence[Picture], reply: dict[str, str]) -> Prediction:
        return read_prediction(question, shown, self._style, reply["content"], reply["finish"], reply.get("refusal"))

    def _ask(self, parts: Sequence[str | Picture]) -> dict[str, str]:
        self._reach()
        body = self._body(parts, sent=True)
        try:
            reply = self._wire.send(body, self._worst(parts, body))
        except AskFailed as failed:
            if failed.kind == "unknown":
                raise RunStopped(
                    f"{self._options.base_url}: {failed}; check --base-url, the model's name and the key; {_KEPT}"
                ) from None
            self._count(failed)
            raise
        with self._lock:
            self._failed = 0
        return reply

    def _reach(self) -> None:
        """Before the first request. Raises RunStopped where it cannot arrive: no question is to blame."""
        with self._lock:
            if not self._reached and (why := nobody_at(self._options.base_url)):
                raise RunStopped(
                    f"{self._options.base_url}: {why}, so nothing was asked; start the server or check --base-url, and "
                    "run the same command again"
                )
            self._reached = True

    def _count(self, failed: AskFailed) -> None:
        """Errors in a row, by time."""
        if failed.kind not in _DOWN:
            return
        with self._lock:
            self._failed += 1
            down = 0 < self._options.give_up_after <= self._failed
        if down:
            raise RunStopped(
                f"{self._options.base_url}: {self._failed} questions in a row have no answer, the last: {failed.kind}: "
                f"{failed}; all answers are kept: run the same command again with --retry-errors, it asks those again "
                "and goes on from there (--give-up-after 0 never stops)"
            )

    def _body(self, parts: Sequence[str | Picture], *, sent: bool) -> dict[str, Any]:
        """The JSON of a request; as it is named (not `sent`) an image stands as its hash."""
        body: dict[str, Any] = {
            "model": self._options.model,
            "messages": [
                {"role": "system", "content": system(self._style)},
                {"role": "user", "content": _content(parts, sent)},
            ],
            "max_tokens": self._options.max_tokens,
            "temperature": self._options.temperature,
            "seed": self._seed,
            **self._options.option,
            **(_STREAM if sent and self._options.stream else {}),
        }
        return {name: value for name, value in body.items() if value is not None}

    def _worst(self, parts: Sequence[str | Picture], body: dict[str, Any]) -> Usage:
        text = [part for part in parts if isinstance(part, str)]
        prompt = len(orjson.dumps([system(self._style), text])) + 64
        prompt += sum(_image_tokens(part) for part in parts if isinstance(part, Picture))
        written = max((body.get(name) or 0 for name in ("max_tokens", "max_completion_tokens")), default=0)
        return Usage(prompt, int(written) or self._options.max_tokens)


def _content(parts: Sequence[str | Picture], sent: bool) -> Any:
    """A text where there is no picture (servers without eyes take nothing else), else texts and pictures in turn."""
    if all(isinstance(part, str) for part in parts):
        return "\n".join(str(part) for part in parts)
    content: list[dict[str, Any]] = []
    for part in parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
        else:
            content.append({"type": "image_url", "image_url": {"url": part.url() if sent else part.name()}})
    return content


def _image_tokens(picture: Picture) -> int:
    """What an image may cost at most, by the dearest published rule (gpt-4o-mini: 2,833, and 5,667 a 512 px square)."""
    return 3000 + 6000 * ceil(picture.width / 512) * ceil(picture.height / 512)
