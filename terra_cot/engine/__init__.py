"""Parts are worked on side by side; what a part becomes does not depend on who works on it, where, or when.

An engine is a function `work(function, tasks, workers)` that yields results as they finish, takes tasks from their
stream only as it needs them, and raises what a task raised. A task is a part (a second of work or more) and passes
references to files; the finished parts on disk are the checkpoints.

To add one: a module here with `work`, one line in ENGINES, and its tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TypeVar

from terra_cot.engine.lost import WorkerLost
from terra_cot.errors import ConfigError, did_you_mean

__all__ = ["ENGINES", "ONE", "Crew", "WorkerLost"]

Task = TypeVar("Task")
Result = TypeVar("Result")

ENGINES = {"local": "terra_cot.engine.local", "ray": "terra_cot.engine.cluster"}


@dataclass(frozen=True, slots=True)
class Crew:
    """Who works: how many workers, and by which engine."""

    workers: int = 1
    engine: str = "local"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ConfigError(
                f"no engine {self.engine}{did_you_mean(self.engine, tuple(ENGINES))} ({', '.join(ENGINES)})"
            )

    def work(self, function: Callable[[Task], Result], tasks: Iterable[Task], most: int) -> Iterator[Result]:
        """Results of `function` over `tasks`, as they finish; no more workers than `most` tasks.

        Raises:
            WorkerLost: a worker died. What other parts wrote stays.
            ConfigError: the engine is not installed.
        """
        engine = import_module(ENGINES[self.engine])
        found: Iterator[Result] = engine.work(function, tasks, max(1, min(self.workers, most)))
        return found


ONE = Crew()
"""One worker: this process."""
