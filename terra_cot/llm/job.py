"""What crosses to a worker that lets a model write: options and places, never a key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from terra_cot.llm.cache import Cache
from terra_cot.llm.client import Client, api_key
from terra_cot.llm.ledger import Ledger
from terra_cot.llm.options import LlmOptions


@dataclass(frozen=True, slots=True)
class LlmJob:
    """The options, where replies and spending are kept, and how many requests this worker may have under way."""

    options: LlmOptions
    cache: Path
    ledger: Path
    threads: int

    @classmethod
    def start(cls, options: LlmOptions, hidden: Path, threads: int) -> LlmJob:
        """The job of each worker of a run that keeps its notes in `hidden`.

        Raises:
            ConfigError: the key is not there.
        """
        api_key(options)
        job = cls(
            options, Path(options.cache) if options.cache else hidden / "llm", hidden / "llm" / "spent.json", threads
        )
        Ledger(job.ledger, options).settle_killed()
        return job

    def client(self) -> Client:
        return Client(self.options, Cache(self.cache), Ledger(self.ledger, self.options))
