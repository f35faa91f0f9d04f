"""The registry: one line a solver. A solver takes riddles and says the number of an option of each, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from terrascope_bench.blind.class_prior import class_prior
from terrascope_bench.blind.learned import learned
from terrascope_bench.blind.letters import longest_option, majority
from terrascope_bench.blind.riddle import Riddle
from terrascope_bench.blind.round_ratio import round_ratio
from terrascope_bench.blind.values import kth_smallest, middle_value


@dataclass(frozen=True, slots=True)
class Solver:
    """A way to answer without the image. `solve` depends on the riddles alone: equal riddles, equal answers."""

    about: str
    solve: Callable[[Sequence[Riddle]], list[int | None]]


SOLVERS: dict[str, Solver] = {
    "majority": Solver("the letter that is right most often in the task", majority),
    "longest-option": Solver("the longest option", longest_option),
    "middle-value": Solver("the number nearest to the mean", middle_value),
    "k-th-smallest": Solver("the rank that is right most often in the task", kth_smallest),
    "round-ratio": Solver("the number that the others are round multiples of", round_ratio),
    "class-prior": Solver("what is usually true of the classes named", class_prior),
    "learned": Solver("boosted trees on features of the texts", learned),
}
