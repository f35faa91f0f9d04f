"""A model answers one question at a time, and sees no more of it than it is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from terrascope_bench.benchmark import Benchmark
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question


class Model(Protocol):
    """What `run` needs of a model. `answer` is a function of the question and the seed, never of an order."""

    def answer(self, question: Question) -> Prediction: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A registered model: what it is, whether it looks at pixels, and how it is made for a benchmark and a seed."""

    about: str
    needs_images: bool
    make: Callable[[Benchmark, int], Model]
