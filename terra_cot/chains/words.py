"""Words around a class: its noun with the right verb form, its place in the image, and the marker of its mask."""

from __future__ import annotations

from terra_cot.chains.draft import Target
from terra_cot.facts import location
from terra_cot.legend import LandClass
from terra_cot.sample import SEG

_COMPASS = (("north-west", "north", "north-east"), ("west", "centre", "east"), ("south-west", "south", "south-east"))
_IMAGE = (
    ("upper left", "upper middle", "upper right"),
    ("middle left", "centre", "middle right"),
    ("lower left", "lower middle", "lower right"),
)


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


def listing(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
