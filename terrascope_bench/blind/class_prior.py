"""`class-prior` knows the Earth: which class is usually larger, whether two usually touch, what is usually much.

What it knows is what riddles of other tiles taught it about the same classes; where they taught nothing convincing,
general knowledge. Of two options without numbers: among land-cover classes the one that covers most of the Earth's land
as mapped (tree, grass, crop, bare land, water, ...); among Yes and No, Yes, because neighbours are the rule in a mosaic
of land. Of numbers about one class: the second largest for a common class, the second smallest for a rare one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from terrascope_bench.blind.folds import habit
from terrascope_bench.blind.riddle import Riddle

_COMMON = (
    *("tree", "forest", "grass", "pasture", "crop", "arable", "bare", "water", "shrub", "heath", "wood"),
    *("developed", "built", "urban", "wetland", "snow", "moss", "mangrove"),
)
_RARE_FROM = _COMMON.index("shrub")


def class_prior(riddles: Sequence[Riddle]) -> list[int | None]:
    """What is usually true of the classes that a riddle names."""
    learned = habit(riddles, lambda r: (*r.kind, classes_in(f"{r.question} {' '.join(r.options)}")), _truth)
    return [
        by_knowledge(riddle) if found is None else _option(riddle, found)
        for riddle, found in zip(riddles, learned, strict=True)
    ]


def _truth(riddle: Riddle) -> str:
    """What is true, whatever the order of the options: a rank among numbers, else a text."""
    return riddle.options[riddle.answer] if riddle.values is None else str(riddle.ranks().index(riddle.answer))


def _option(riddle: Riddle, truth: str) -> int | None:
    if riddle.values is not None:
        return riddle.ranks()[int(truth)]
    return riddle.options.index(truth) if truth in riddle.options else None


def by_knowledge(riddle: Riddle) -> int | None:
    """What someone says who knows the Earth and not the image; None where that says nothing."""
    if riddle.values is None:
        return by_words(riddle.options)
    named = classes_in(riddle.question)
    if len(riddle.values) < 3 or len(named) != 1:
        return None
    return riddle.ranks()[1 if _rank(next(iter(named))) >= _RARE_FROM else -2]


def by_words(options: Sequence[str]) -> int | None:
    """Yes, or the class that covers most of the Earth's land; None where no option says anything of the kind."""
    plain = [option.casefold() for option in options]
    if "yes" in plain:
        return plain.index("yes")
    ranks = [_rank(option) for option in plain]
    return None if min(ranks) == max(ranks) else ranks.index(min(ranks))


def _rank(text: str) -> int:
    return next((i for i, word in enumerate(_COMMON) if word in text), len(_COMMON))


@cache
def classes_in(text: str) -> frozenset[str]:
    """Land-cover classes that a text names, the longest names first: `mixed forest` is not also `forest`."""
    return frozenset(_pattern().findall(text.casefold()))


@cache
def _pattern() -> re.Pattern[str]:
    from terra_cot.legend import LEGENDS

    words = set(_COMMON)
    for entry in LEGENDS.values():
        for land_class in (*entry.native, *entry.display):
            words |= {land_class.name.casefold(), land_class.noun.casefold()}
    return re.compile("|".join(rf"\b{re.escape(word)}" for word in sorted(words, key=lambda word: (-len(word), word))))
