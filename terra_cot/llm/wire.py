"""One request over the network: a whole reply of the OpenAI protocol, or the one reason why there is none.

The `openai` package does connections, time-outs and retries with back-off (429, 5xx, 408, 409; Retry-After is obeyed).
On top of it: a body that breaks off or is no reply is asked again, a body without end is given up, spending is booked,
and the key is taken out of whatever comes back.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from terra_cot.errors import ConfigError, TerraError, shorten
from terra_cot.llm.ledger import Ledger, Usage
from terra_cot.llm.options import Endpoint
from terra_cot.llm.pace import LONGEST_PAUSE_S, Pace, retry_after_s

if TYPE_CHECKING:
    from openai import OpenAI

MAX_BODY = 8 * 2**20
"""Bytes of a reply that are read."""
_MIN_SECRET = 8
"""Servers of one's own want any key, such as "none": words that short are no secret, and may stand in an answer."""
_STREAM_ROUNDS = 30
"""A stream may last so many times the time-out, which for it bounds the silence between two pieces."""


class AskFailed(TerraError):  # noqa: N818 - reads as what happened
    """No reply. `kind` is a stable word to count by, `problem` one line without the key."""

    def __init__(self, kind: str, problem: str) -> None:
        self.kind, self.problem = kind, problem
        super().__init__(kind, problem)

    def __str__(self) -> str:
        return self.problem


class _Broken(Exception):  # noqa: N818 - never leaves this file
    """What came is no whole reply."""


class _Later(Exception):  # noqa: N818 - never leaves this file
    """The server asks to wait longer than the package would."""


def api_key(options: Endpoint) -> str | None:
    """The key, from the environment.

    Raises:
        ConfigError: the variable is not set. Its name is not repeated: somebody may have put the key there.
    """
    if options.api_key_env is None:
        return None
    key = os.environ.get(options.api_key_env, "")
    if not key:
        name = options.told("api_key_env")
        raise ConfigError(
            f"{name}: the environment variable that it names is not set; export the key under that name, "
            f"or leave {name.rpartition('.')[2]} out where the endpoint needs none"
        )
    return key


class Wire:
    """The connection to one endpoint; threads may share it."""

    def __init__(self, options: Endpoint, ledger: Ledger, pace: Pace | None = None) -> None:
        self._options = options
        self._ledger = ledger
        self._pace = pace or Pace()

    def send(self, body: dict[str, Any], worst: Usage) -> dict[str, str]:
        """The reply to a request for a chat completion: `content`, `finish`, and `refusal` where there is one.

        Args:
            body: the JSON to send; with `"stream": true` the reply may come in pieces.
            worst: what it may cost at most.

        Raises:
            AskFailed: no reply after all retries. BudgetSpent: the request could go over the budget.
        """
        why = ""
        for trial in range(self._options.max_retries + 1):
            note = self._ledger.reserve(worst)
            spent = _Spent()
            try:
                reply, spent.usage = self._exchange(body, worst, spent)
                spent.answered = True
                return {name: self.clean(text) for name, text in reply.items()}
            except _Broken as broken:
                why = str(broken)
            except _Later as later:
                why = str(later)
                continue
            finally:
                self._ledger.settle(note, spent.usage, spent.answered)
            time.sleep(min(0.5 * 2**trial, 8.0))  # half an answer: as if the connection had been cut
        raise AskFailed("bad_reply", self._clean_line(why))

    def _exchange(self, body: dict[str, Any], worst: Usage, spent: _Spent) -> tuple[dict[str, str], Usage]:
        import openai

        try:
            with self._openai.chat.completions.with_streaming_response.create(**_arguments(body)) as response:
                spent.usage = worst  # whatever it holds, it was paid for
                content = self._read(response, bool(body.get("stream")))
            return read_reply(content, worst)
        except openai.APITimeoutError:
            spent.usage = worst  # the server may have gone on writing
            raise self._silent() from None
        except openai.APIConnectionError as error:
            raise AskFailed("connection", self._clean_line(f"{error} ({error.__cause__})")) from None
        except openai.APIStatusError as error:
            # The package gives up at once on a long Retry-After; the pace waits for it, if it is not too long.
            pause = retry_after_s(error.response.headers)
            if error.status_code == 429 and pause is not None and _PACKAGE_PAUSE_S < pause <= LONGEST_PAUSE_S:
                raise _Later(str(error)) from None
            raise AskFailed(kind_of(error.status_code), self._clean_line(str(error))) from None

    def _read(self, response: Any, stream: bool) -> bytes:
        """The body, as far as it may go in bytes and time."""
        limit_s = self._options.timeout_s * (_STREAM_ROUNDS if stream else 1)
        until = time.monotonic() + limit_s
        content = bytearray()
        try:
            for piece in response.iter_bytes():
                content += piece
                if len(content) > MAX_BODY:
                    raise AskFailed("too_long", f"the reply has more than {MAX_BODY:,} bytes")
                if time.monotonic() > until:
                    raise AskFailed("timeout", f"the reply is not whole after {limit_s:g} s")
                if stream and b"data: [DONE]" in content[-(len(piece) + 16) :]:
                    break
        except _network_errors() as error:
            if "Timeout" in type(error).__name__:
                raise self._silent() from None
            raise _Broken(f"the reply broke off ({type(error).__name__}: {error})") from None
        return bytes(content)

    def _silent(self) -> AskFailed:
        return AskFailed("timeout", f"no answer within {self._options.timeout_s:g} s")

    @cached_property
    def _key(self) -> str | None:
        return api_key(self._options)

    @cached_property
    def _openai(self) -> OpenAI:
        import openai

        hooks: dict[str, list[Any]] = {"request": [self._pace.before], "response": [self._pace.after]}
        return openai.OpenAI(
            base_url=self._options.base_url,
            api_key=self._key or "none",
            max_retries=self._options.max_retries,
            timeout=self._options.timeout_s,
            http_client=openai.DefaultHttpxClient(timeout=self._options.timeout_s, event_hooks=hooks),
        )

    def clean(self, text: str) -> str:
        """Text without the key: some servers repeat it in what they answer."""
        return text.replace(self._key, "***") if self._key and len(self._key) >= _MIN_SECRET else text

    def _clean_line(self, text: str) -> str:
        return shorten(self.clean(text), 300)


_PACKAGE_PAUSE_S = 60.0
"""What every version of the package waits for; newer ones wait for up to 120 s."""


def kind_of(status: int) -> str:
    """What an HTTP status says about a request."""
    if status in (401, 404):
        return "unknown"  # the key, the model or the address: no request will fare better
    if status in (402, 403):
        return "forbidden"
    if status == 429:
        return "rate_limited"
    return "server_error" if status >= 500 or status in (408, 409) else "refused"


@dataclass(slots=True)
class _Spent:
    """What a trial has cost; None: nothing. Not `answered`: the worst case."""

    usage: Usage | None = None
    answered: bool = False


def _arguments(body: dict[str, Any]) -> dict[str, Any]:
    """A body as arguments of the package; what is not of the protocol travels beside."""
    named = ("model", "messages", "stream")
    return {**{name: body[name] for name in named if name in body}, "extra_body": {
        name: value for name, value in body.items() if name not in named
    }}  # fmt: skip


def _network_errors() -> tuple[type[Exception], ...]:
    """Errors of the HTTP library below `openai`, which is httpx or its successor, by version."""
    return tuple(sys.modules[name].HTTPError for name in ("httpx2", "httpx") if name in sys.modules)


def read_reply(content: bytes, worst: Usage) -> tuple[dict[str, str], Usage]:
    """Reply and usage (the worst case where the server tells none) of a body, in one piece or as a stream of events.

    Raises:
        _Broken: it is not what the protocol says, or its end is missing.
    """
    try:
        body = _joined(content) if content.lstrip().startswith((b"data:", b":", b"event:")) else orjson.loads(content)
        choice = body["choices"][0]
        message = choice["message"]
        text, refusal, finish = message["content"], message.get("refusal"), choice.get("finish_reason")
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        told = _told_error(content)
        raise _Broken(told or "answers that are no JSON of the OpenAI protocol") from None
    reply = {"content": text if isinstance(text, str) else "", "finish": str(finish)}
    if isinstance(refusal, str) and refusal:
        reply["refusal"] = refusal
    return reply, _usage(body.get("usage")) or worst


def _usage(told: object) -> Usage | None:
    if not isinstance(told, dict):
        return None
    prompt, written = told.get("prompt_tokens"), told.get("completion_tokens")
    if isinstance(prompt, int) and isinstance(written, int) and prompt >= 0 and written >= 0:
        return Usage(prompt, written)
    return None


def _joined(content: bytes) -> dict[str, Any]:
    """The events of a stream as one body.

    Raises:
        _Broken: no event says that the reply is finished.
    """
    parts: dict[str, list[str]] = {"content": [], "refusal": []}
    finish, usage = None, None
    for line in content.splitlines():
        if not line.startswith(b"data:") or line[5:].strip() in (b"[DONE]", b""):
            continue
        event = orjson.loads(line[5:])
        if "error" in event:
            raise _Broken(_told_error(line[5:]) or "the stream ends in an error")
        usage = event.get("usage") or usage
        for choice in event.get("choices", ()):
            if choice.get("index", 0) == 0:
                for name, texts in parts.items():
                    texts.append((choice.get("delta") or {}).get(name) or "")
                finish = choice.get("finish_reason") or finish
    if finish is None:
        raise _Broken("the stream broke off before its end")
    message = {"content": "".join(parts["content"]), "refusal": "".join(parts["refusal"]) or None}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def _told_error(content: bytes) -> str | None:
    """The message of an error that came with status 200."""
    try:
        error = orjson.loads(content)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return None
