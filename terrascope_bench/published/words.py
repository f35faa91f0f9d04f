"""A word means a class only if a legend or the list below says so; what else stands in a question is passed over.

Phrases are looked for longest first, so that "transitional woodland-shrub" is not a shrub. A phrase may name a class of
the display legend, a class of the publisher's own nomenclature, or both; which of the two views a question speaks in
follows from all of its phrases together.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from terra_cot.legend import Legend, View, legend

_SYNONYMS: dict[str, str] = {
    "water": "water|water body|water bodies|waterbody|waterbodies|open water|permanent water|surface water|"
    "water surface",
    "developed area": "developed|developed area|developed land|developed region|built up|built up area|built up land|"
    "built up region|builtup|urban|urban area|urban land|urban region|artificial surface|artificial land",
    "bare land": "bare land|bareland|bare ground|bare soil|bare area|bare earth|barren|barren land|barren area|"
    "bare vegetation|bare sparse vegetation|bare or sparse vegetation|bare and sparse vegetation|sparse vegetation",
    "grass": "grass|grasses|grassland|grass land|grass cover|grassy area|grass area",
    "crop": "crop|cropland|crop land|crop field|cultivated land|cultivated area|farmland|farm land|"
    "agricultural land|agricultural area|agriculture land|agriculture",
    "tree": "tree|tree cover|tree covered area|trees|forest|forest cover|forested area|forest land|woodland",
    "shrub": "shrub|shrubs|shrubland|shrub land|shrub cover|scrub|scrubland|bushland",
    "wetland": "wetland|herbaceous wetland",
    "snow": "snow|snow and ice|snow or ice|snow ice|ice",
    "mangrove": "mangrove|mangrove forest",
    "moss": "moss|lichen|moss and lichen|moss or lichen|moss lichen",
}
"""Words for the display classes, in the wordings that questions use beside the legends' own names."""

Meaning = frozenset[tuple[View, str]]


@dataclass(frozen=True, slots=True)
class Mention:
    """A phrase at words `start` to `end` (exclusive) of a text; `meaning` is empty if this legend lacks it."""

    start: int
    end: int
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Text:
    """A text as words, and the classes that it mentions, in order."""

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]

    def between(self, first: Mention, second: Mention) -> tuple[str, ...]:
        return self.words[first.end : second.start]

    def has(self, words: frozenset[str]) -> bool:
        """Whether any of `words` stands outside the mentions."""
        inside = {k for entry in self.mentions for k in range(entry.start, entry.end)}
        return any(word in words for k, word in enumerate(self.words) if k not in inside)


def read_text(text: str, legend_name: str) -> Text:
    """The words of a text and the classes of a legend that they mention."""
    plain = text.casefold().replace(">", " > ").replace("<", " < ").replace("n't", " not").replace("n’t", " not")
    words = tuple(re.findall(r"[a-z0-9]+|[<>]", plain))
    table = _phrases(legend_name)
    longest = max(map(len, table))
    mentions = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            meaning = table.get(words[at : at + length])
            if meaning is not None:
                mentions.append(Mention(at, at + length, meaning))
                at += length
                break
        else:
            at += 1
    return Text(words, tuple(mentions))


def view_of(mentions: tuple[Mention, ...]) -> View | None:
    """The view that has all the classes mentioned: display before the publisher's own; None where no view has."""
    views: tuple[View, ...] = ("display", "native")
    return next((view for view in views if all(name_in(entry, view) for entry in mentions)), None)


def name_in(mention: Mention, view: View) -> str | None:
    """The class that a mention names in a view."""
    return next((name for seen, name in sorted(mention.meaning) if seen == view), None)


@cache
def _phrases(legend_name: str) -> dict[tuple[str, ...], Meaning]:
    source = legend(legend_name)
    table: dict[tuple[str, ...], set[tuple[View, str]]] = defaultdict(set)
    display = {entry.name for entry in source.display}
    for name, phrases in _SYNONYMS.items():
        for phrase in phrases.split("|"):
            table[_words(phrase)].update({("display", name)} if name in display else ())
    _own(source, table)
    for words in list(table):
        if not words[-1].endswith("s"):
            table[*words[:-1], f"{words[-1]}s"] |= table[words]
    return {words: frozenset(meaning) for words, meaning in table.items()}


def _own(source: Legend, table: dict[tuple[str, ...], set[tuple[View, str]]]) -> None:
    """The names and nouns of the legend's own classes."""
    views: tuple[View, ...] = ("display", "native")
    for view in views:
        for entry in source.display if view == "display" else source.native:
            for phrase in {entry.name, entry.noun, f"{entry.noun} area"}:
                table[_words(phrase)].add((view, entry.name))


def _words(phrase: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[a-z0-9]+", phrase.casefold()))
