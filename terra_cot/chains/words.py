"""Words around a class: its noun with the verb forms that agree, its place in the image, the marker of its mask.

Templates are plain strings with fields: `{a.The} {a.is_} here: {seg}` is right for every class, because whatever must
agree with the noun is a field of it. Running text says "the": that reads well for mass nouns (water), plurals
(pastures) and single things (developed area) alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from terra_cot.chains.draft import Target
from terra_cot.draw import draw
from terra_cot.facts import location
from terra_cot.legend import LandClass
from terra_cot.sample import SEG

_COMPASS = (("north-west", "north", "north-east"), ("west", "centre", "east"), ("south-west", "south", "south-east"))
_IMAGE = (
    ("upper left", "upper middle", "upper right"),
    ("middle left", "centre", "middle right"),
    ("lower left", "lower middle", "lower right"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """The forms of one noun; `s` ends a verb that agrees with it ("take{a.s} up")."""

    noun: str
    the: str
    The: str
    is_: str
    does: str
    Does: str
    has: str
    s: str
    it: str
    It: str
    them: str
    its: str


@cache
def words(entry: LandClass) -> Words:
    """The forms of a class's noun."""
    the = f"the {entry.noun}"
    if entry.plural:
        return Words(entry.noun, the, capital(the), "are", "do", "Do", "have", "", "they", "They", "them", "their")
    return Words(entry.noun, the, capital(the), "is", "does", "Does", "has", "s", "it", "It", "it", "its")


def phrase(templates: Sequence[str], seed: int, part: str, /, **fields: object) -> str:
    """One of the templates, drawn by the seed for this part of a text, with its fields filled in."""
    return templates[draw(len(templates), seed, part)].format(**fields)


def seg(target: Target, dated: bool) -> str:
    """The mask marker; where several dates are shown it says which one it segments."""
    return f"Image: {target.frame} {SEG}" if dated else SEG


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def verb(entry: LandClass, singular: str, plural: str) -> str:
    return plural if entry.plural else singular


def place(row: float, column: float, compass: bool) -> str:
    """Where a centroid lies: "north-west" where north is known, else "upper left"; the middle third is "centre"."""
    down, across = location(row, column)
    return (_COMPASS if compass else _IMAGE)[down][across]


def listing(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def sentences(*parts: str) -> str:
    """Parts joined by a space, empty ones left out."""
    return " ".join(part for part in parts if part)


def none_of(noun: Words) -> str:
    """The answer where the class asked for is absent."""
    return f"There {noun.is_} no {noun.noun} in this image."
