"""One question to an OpenAI-compatible endpoint, one reply: from the cache, or over the network within the budget.

The `openai` package does connections, time-outs and retries with back-off (429, 5xx, 408, 409; Retry-After is obeyed).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from terra_cot.errors import ConfigError, RunStopped, shorten
from terra_cot.llm.cache import Cache
from terra_cot.llm.ledger import Ledger, Usage
from terra_cot.llm.options import LlmOptions

if TYPE_CHECKING:
    from openai import OpenAI

_FORMATS = ("json_schema", "json_object", "text")
"""Ways to ask for JSON, strictest first; a server that refuses one is asked by the next."""


class LlmUnavailable(RunStopped):
    """The endpoint gave no answer, however often it was asked."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote and why it stopped; `finish` "refused": the server would not take the request."""

    content: str
    finish: str


def api_key(options: LlmOptions) -> str | None:
    """The key, from the environment.

    Raises:
        ConfigError: the variable is not set. Its name is not repeated: somebody may have put the key there.
    """
    if options.api_key_env is None:
        return None
    key = os.environ.get(options.api_key_env, "")
    if not key:
        raise ConfigError(
            "llm.api_key_env: the environment variable that it names is not set; export the key under that name, "
            "or leave api_key_env out where the endpoint needs none"
        )
    return key


class Client:
    """Asks `options.model`; threads may share it."""

    def __init__(self, options: LlmOptions, cache: Cache, ledger: Ledger) -> None:
        self._options = options
        self._cache = cache
        self._ledger = ledger
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
        import openai

        worst = Usage(len(orjson.dumps(request["body"])) + 64, self._options.max_tokens)
        for trial in range(self._options.max_retries + 1):
            note = self._ledger.reserve(worst)
            used: Usage | None = None
            try:
                raw = self._openai.chat.completions.with_raw_response.create(**request["body"])
                used = worst  # whatever it holds, it was paid for
                parsed = _parsed(raw.http_response.content, worst)
                if parsed is not None:
                    reply, used = parsed
                    return {"reply": orjson.loads(self._clean(orjson.dumps(reply).decode()))}
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                return {"refused": self._clean(shorten(str(error), 300))}
            except openai.APITimeoutError:
                used = worst  # the server may have gone on writing
                raise LlmUnavailable(self._message(f"no answer within {self._options.timeout_s:g} s")) from None
            except openai.APIConnectionError as error:
                raise LlmUnavailable(self._message(f"{error} ({error.__cause__})")) from None
            except (openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError) as error:
                raise LlmUnavailable(self._message(str(error), "check llm.base_url, llm.model and the key")) from None
            except openai.APIStatusError as error:
                raise LlmUnavailable(self._message(str(error))) from None
            finally:
                self._ledger.settle(note, used)
            time.sleep(min(0.5 * 2**trial, 8.0))  # half an answer: as if the connection had been cut
        raise LlmUnavailable(self._message("answers that are no JSON of the OpenAI protocol"))

    @cached_property
    def _key(self) -> str | None:
        return api_key(self._options)

    @cached_property
    def _openai(self) -> OpenAI:
        from openai import OpenAI

        return OpenAI(
            base_url=self._options.base_url,
            api_key=self._key or "none",
            max_retries=self._options.max_retries,
            timeout=self._options.timeout_s,
        )

    def _message(self, problem: str, fix: str = "") -> str:
        text = shorten(self._clean(problem), 300)
        what = f"; {fix}" if fix else ""
        return (
            f"{self._options.base_url}: {text}{what} (tried again up to llm.max_retries times); "
            "finished parts and all replies are kept: run the same command again, it goes on from there"
        )

    def _clean(self, text: str) -> str:
        """Text without the key: some servers repeat it in what they answer."""
        return text.replace(self._key, "***") if self._key else text


def _parsed(content: bytes, worst: Usage) -> tuple[dict[str, Any], Usage] | None:
    """The reply and its usage (the worst case where the server tells none), or None: not what the protocol says."""
    try:
        body = orjson.loads(content)
        choice = body["choices"][0]
        text, finish = choice["message"]["content"], choice.get("finish_reason")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return None
    told = body.get("usage")
    usage = worst
    if isinstance(told, dict):
        prompt, written = told.get("prompt_tokens"), told.get("completion_tokens")
        if isinstance(prompt, int) and isinstance(written, int) and prompt >= 0 and written >= 0:
            usage = Usage(prompt, written)
    reply = {"content": text if isinstance(text, str) else "", "finish": str(finish)}
    return reply, usage


def _reply(entry: dict[str, Any]) -> Reply:
    return Reply(entry["reply"]["content"], entry["reply"]["finish"])
