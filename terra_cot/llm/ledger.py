"""What was spent, over all workers and runs. A request is let through only if its worst case still fits.

The worst case is one token a byte of text, a bound for each image, and `max_tokens` of reply. What a killed run had
under way counts in full, because it may have been billed; so does a request without an answer (`unanswered`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock

from terra_cot.errors import RunStopped
from terra_cot.llm.options import Endpoint
from terra_cot.store.atomic import write_json


class BudgetSpent(RunStopped):
    """The next request could go over the budget; everything made so far is kept."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a request and of its reply."""

    prompt: int
    reply: int


class Ledger:
    """The file `path` holds what was spent and what is under way."""

    def __init__(self, path: Path, options: Endpoint) -> None:
        self.path = path
        self._options = options
        self._lock = FileLock(path.with_suffix(".lock"))

    def settle_killed(self) -> None:
        """At the start of a run, with none other going: what was under way counts as spent."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._changing() as body:
            for worst in body["open"].values():
                self._add(body, Usage(*worst), answered=False)
            body["open"] = {}

    def reserve(self, worst: Usage) -> str:
        """Note a request before it is sent; returns the name of the note.

        Raises:
            BudgetSpent: with this request the budget could be exceeded.
        """
        name = uuid.uuid4().hex
        with self._changing() as body:
            open_tokens = [Usage(*values) for values in body["open"].values()]
            tokens = body["prompt_tokens"] + body["reply_tokens"]
            ahead = sum(usage.prompt + usage.reply for usage in (*open_tokens, worst))
            limit = self._options.budget_tokens
            if limit is not None and tokens + ahead > limit:
                raise BudgetSpent(self._message("budget_tokens", f"{limit:,}: {tokens:,} are spent"))
            usd = self._options.budget_usd
            if usd is not None and body["usd"] + sum(map(self._usd, (*open_tokens, worst))) > usd:
                raise BudgetSpent(self._message("budget_usd", f"{usd:g}: {body['usd']:.4f} is spent"))
            body["open"][name] = [worst.prompt, worst.reply]
        return name

    def settle(self, name: str, usage: Usage | None, answered: bool = True) -> None:
        """Replace the note of a request by what it did use; None: nothing. Not `answered`: by its worst case."""
        with self._changing() as body:
            body["open"].pop(name, None)
            if usage is not None:
                self._add(body, usage, answered)

    def spent(self) -> dict[str, Any]:
        """Requests, tokens and US dollars so far; how many requests have no answer and count in full."""
        none = {"requests": 0, "unanswered": 0, "prompt_tokens": 0, "reply_tokens": 0, "usd": 0.0, "open": {}}
        try:
            return {**none, **orjson.loads(self.path.read_bytes())}
        except FileNotFoundError:
            return none

    def _add(self, body: dict[str, Any], usage: Usage, answered: bool) -> None:
        body["requests"] += 1
        body["unanswered"] += not answered
        body["prompt_tokens"] += usage.prompt
        body["reply_tokens"] += usage.reply
        body["usd"] += self._usd(usage)

    def _usd(self, usage: Usage) -> float:
        first, second = self._options.usd_per_million_input or 0.0, self._options.usd_per_million_output or 0.0
        return (usage.prompt * first + usage.reply * second) / 1e6

    def _message(self, setting: str, spent: str) -> str:
        return (
            f"{self._options.told(setting)} {spent}, and the next request could go over it; all that is finished and "
            f"all replies are kept: raise it with {self._options.raised(setting)} and run the same command again, "
            "it goes on from there"
        )

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with self._lock:
            body = self.spent()
            yield body
            write_json(self.path, body)
