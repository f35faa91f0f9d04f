"""A model answers one question at a time, and sees no more of it than it is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from terrascope_bench.benchmark import Benchmark
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question


class Model(Protocol):
    """What `run` needs of a model. `answer` is a function of the question and the seed, never of an order."""

    def answer(self, question: Question) -> Prediction: ...


class Batched(ABC):
    """A model that is faster on several questions at once; the answers may depend on which those are."""

    @abstractmethod
    def answers(self, questions: Sequence[Question]) -> list[Prediction]:
        """One prediction a question, in their order."""

    def answer(self, question: Question) -> Prediction:
        return self.answers([question])[0]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that can be run: what it is, whether it looks at pixels, and how it is made for a benchmark and a seed.

    `batch` questions are given together, `concurrency` of these at once where the user says no other number
    (`shareable` False: never more than one). `asked` is all else that answers follow from: a run goes on only where it
    agrees. `spent` tells what was paid so far.
    """

    about: str
    needs_images: bool
    make: Callable[[Benchmark, int], Model]
    batch: int = 1
    concurrency: int = 1
    shareable: bool = True
    asked: Mapping[str, Any] = field(default_factory=dict)
    spent: Callable[[], Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What an entry is made for. `room` is a folder that it may keep things in, from one run to the next.

    `retry_errors`: a stored reply that is an error is asked for again.
    """

    room: Path
    retry_errors: bool = False


@dataclass(frozen=True, slots=True)
class Scheme:
    """Models called `SCHEME:ARGUMENT`, or SCHEME alone where `argument` is None; they take options.

    `open` gets the argument (an empty text where there is none), the options that were given, and the job. It raises
    ConfigError for options that it does not know.
    """

    about: str
    argument: str | None
    open: Callable[[str, Mapping[str, Any], Job], Entry]
