"""The blind solver reads the question and its options, never the image: what it gets right needs no sight.

Four options that hold numbers:
1. The published leak. If all other options are multiples of one option by a published triple, {0.7, 1.2, 1.4},
   {0.1, 0.5, 2} or {0.7, 1.3, 1.5}, within 0.5 %, that option is taken (right on every example that the paper prints).
2. Else the option that makes the others the roundest multiples: each ratio other / option is compared with the nearest
   multiple of 0.1 (above 10: of 1), and the option with the least mean relative error is taken; the first of equals.

Two or more options without numbers: general knowledge. Among land-cover classes the one that covers most of the Earth's
land as mapped (tree, grass, crop, bare land, water, shrub, developed area, wetland, ...); among Yes and No, Yes,
because neighbours are the rule in a mosaic of land. Else the first letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from terrascope_bench.models.baselines import reply
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

PUBLISHED = ((0.7, 1.2, 1.4), (0.1, 0.5, 2.0), (0.7, 1.3, 1.5))
TOLERANCE = 0.005
_COMMON = (
    *("tree", "forest", "grass", "pasture", "crop", "arable", "bare", "water", "shrub", "heath", "wood"),
    *("developed", "built", "urban", "wetland", "snow", "moss", "mangrove"),
)
_NUMBER = re.compile(r"\d[\d,]*\.?\d*(?:e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Blind:
    """Knows texts only: the choice is a function of the options."""

    def answer(self, question: Question) -> Prediction:
        return reply(question, question.letters[guess(question.options)])


def guess(options: Sequence[str]) -> int:
    """Index of the option that a reader without the image would take."""
    values = [_number(option) for option in options]
    numbers = [value for value in values if value is not None and 1e-100 < value < 1e100]
    if len(numbers) == len(options) > 2:
        published = _published(numbers)
        return published if published is not None else _roundest(numbers)
    return _by_knowledge(options)


def _number(text: str) -> float | None:
    found = _NUMBER.search(text)
    return float(found[0].replace(",", "")) if found else None


def _ratios(values: Sequence[float], k: int) -> list[float]:
    return sorted(value / values[k] for i, value in enumerate(values) if i != k)


def _published(values: Sequence[float]) -> int | None:
    for k in range(len(values)):
        ratios = _ratios(values, k)
        for triple in PUBLISHED:
            if len(triple) == len(ratios) and all(
                abs(ratio - factor) <= TOLERANCE * factor for ratio, factor in zip(ratios, triple, strict=True)
            ):
                return k
    return None


def _roundest(values: Sequence[float]) -> int:
    def error(k: int) -> float:
        total = 0.0
        for ratio in _ratios(values, k):
            unit = 1.0 if ratio > 10 else 0.1
            total += abs(ratio / unit - max(1, round(ratio / unit))) / (ratio / unit)
        return round(total, 9)

    return min(range(len(values)), key=lambda k: (error(k), k))


def _by_knowledge(options: Sequence[str]) -> int:
    plain = [option.casefold() for option in options]
    if "yes" in plain:
        return plain.index("yes")

    def rank(k: int) -> int:
        return next((i for i, word in enumerate(_COMMON) if word in plain[k]), len(_COMMON))

    return min(range(len(options)), key=lambda k: (rank(k), k))
