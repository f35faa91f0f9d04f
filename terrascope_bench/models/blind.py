"""The model `blind` reads the question and its options, never the image: what it gets right needs no sight.

It says what two of the blind solvers say without having seen any answer: among numbers the one that the others are
round multiples of (`round-ratio`), else what is usually true on Earth (`class-prior`), else the first letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from terrascope_bench.blind.class_prior import by_words
from terrascope_bench.blind.riddle import numbers
from terrascope_bench.blind.round_ratio import by_ratio
from terrascope_bench.models.baselines import reply
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question


@dataclass(frozen=True, slots=True)
class Blind:
    """Knows texts only: the choice is a function of the options."""

    def answer(self, question: Question) -> Prediction:
        return reply(question, question.letters[guess(question.options)])


def guess(options: Sequence[str]) -> int:
    """Index of the option that a reader without the image would take."""
    by_number = by_ratio(numbers(options))
    return by_number if by_number is not None else by_words(options) or 0
