"""One question to an OpenAI-compatible endpoint, one reply: from the cache, or over the network within the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from terra_cot.errors import RunStopped, shorten
from terra_cot.llm.cache import Cache
from terra_cot.llm.ledger import Ledger, Usage
from terra_cot.llm.options import LlmOptions
from terra_cot.llm.wire import AskFailed, Wire, api_key

_FORMATS = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, strictest first; a server that refuses one is asked by the next."""


class LlmUnavailable(RunStopped):
    """The endpoint gave no answer, however often it was asked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote and why it stopped; `finish` "refused": the server would not take the request."""

    content: str
    finish: str


class Client:
    """Asks `options.model`; threads may share it."""

    def __init__(self, options: LlmOptions, cache: Cache, ledger: Ledger) -> None:
        self._options = options
        self._cache = cache
        self._wire = Wire(options, ledger)
        self._first = 0  # the strictest format that the server is known to take

    def ask(self, messages: list[dict[str, str]], schema: dict[str, Any]) -> Reply:
        """The reply to a conversation, as JSON of `schema` as far as the server can be held to it.

        Raises:
            LlmUnavailable: no answer after all retries; or a key or model that the server does not know.
            BudgetSpent: the request could go over the budget.
        """
        requests = [self._request(messages, schema, name) for name in _FORMATS]
        entries = [self._cache.get(request) for request in requests]
        for entry in entries:
            if entry is not None and "reply" in entry:
                return _reply(entry)
        why = ""
        for number, (request, known) in enumerate(zip(requests, entries, strict=True)):
            if known is None and number >= self._first:
                known = self._cache.put(request, self._send(request))
                if "reply" in known:
                    self._first = max(self._first, number)
                    return _reply(known)
            why = why or str((known or {}).get("refused", ""))
        return Reply(why, "refused")

    def _request(self, messages: list[dict[str, str]], schema: dict[str, Any], name: str) -> dict[str, Any]:
        """All that the reply depends on: address and body."""
        body: dict[str, Any] = {
            "model": self._options.model,
            "messages": messages,
            "max_tokens": self._options.max_tokens,
        }
        if self._options.temperature is not None:
            body["temperature"] = self._options.temperature
        if name == "json_schema":
            shape = {"name": "sample", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": shape}
        elif name == "json_object":
            body["response_format"] = {"type": "json_object"}
        return {"url": f"{self._options.base_url}/chat/completions", "body": body}

    def _send(self, request: dict[str, Any]) -> dict[str, Any]:
        """The outcome of a request over the network: {"reply": ...} or {"refused": why}."""
        body = request["body"]
        try:
            return {"reply": self._wire.send(body, Usage(len(orjson.dumps(body)) + 64, self._options.max_tokens))}
        except AskFailed as failed:
            if failed.kind == "refused":
                return {"refused": failed.problem}
            fix = "; check llm.base_url, llm.model and the key" if failed.kind in ("unknown", "forbidden") else ""
            raise LlmUnavailable(
                f"{self._options.base_url}: {shorten(failed.problem, 300)}{fix} (tried again up to llm.max_retries "
                "times); finished parts and all replies are kept: run the same command again, it goes on from there"
            ) from None


def _reply(entry: dict[str, Any]) -> Reply:
    return Reply(entry["reply"]["content"], entry["reply"]["finish"])


__all__ = ["Client", "LlmUnavailable", "Reply", "api_key"]
