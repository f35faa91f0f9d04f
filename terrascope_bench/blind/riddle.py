"""A riddle is a question without its image: all that a blind solver may look at.

Variants of a question whose texts are the same are one riddle. Riddles of one tile (of one image where no tile is
known) are one group: their answers stand or fall together, so a solver that learns never learns from its own group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from terrascope_bench.question import Question

_UNITS = {"km": 1e3, "km²": 1e6, "km2": 1e6, "ha": 1e4}
_NUMBER = re.compile(r"(\d[\d,]*\.?\d*(?:e[+-]?\d+)?)\s*(km²|km2|km|ha)?(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Riddle:
    """Texts, and for solvers that learn the truth of the others. `answer` is the number of the right option.

    `values` are the numbers that the options name, in metres or square metres where they name a unit; None where an
    option names none.
    """

    stem: str
    group: str
    task: str
    question: str
    options: tuple[str, ...]
    answer: int
    gsd_m: float | None
    values: tuple[float, ...] | None

    @property
    def chance(self) -> float:
        """Share that guessing gets right."""
        return 1 / len(self.options)

    @property
    def kind(self) -> tuple[str, int]:
        """Riddles that are learned from together: the task and the number of options."""
        return self.task, len(self.options)

    def ranks(self) -> list[int]:
        """Option numbers, the smallest value first; of equal values the first option."""
        assert self.values is not None
        return sorted(range(len(self.values)), key=self.values.__getitem__)


def riddle(question: Question) -> Riddle:
    """What is left of a question without its image."""
    stem = question.stem
    return Riddle(
        stem=stem,
        group=question.tile_id or question.source_id or stem,
        task=question.task,
        question=question.question,
        options=question.options,
        answer=question.letters.index(question.answer),
        gsd_m=question.gsd_m,
        values=numbers(question.options),
    )


def riddles(questions: Iterable[Question]) -> tuple[list[Riddle], list[int]]:
    """The different riddles in the order of the questions, and for each question the number of its riddle."""
    numbered: dict[Riddle, int] = {}
    places = [numbered.setdefault(riddle(question), len(numbered)) for question in questions]
    return list(numbered), places


def numbers(options: Iterable[str]) -> tuple[float, ...] | None:
    """The first number of every option; None where one has none, or one that no quantity of this planet has."""
    out = []
    for option in options:
        found = _NUMBER.search(option)
        if found is None:
            return None
        value = float(found[1].replace(",", "")) * _UNITS.get((found[2] or "").casefold(), 1.0)
        if not isfinite(value) or value > 1e100 or 0 < value < 1e-100:
            return None
        out.append(value)
    return tuple(out)
