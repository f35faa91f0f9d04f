"""A listing is what a source walks through: names first, headers when asked for, so that a scan can skip what it knows.

A source may yield scenes and drops as it finds them, or a `Place` for each scene: its name, the files and folders that
its description looks at, and how to describe it. A scan that goes on compares the size and time of those files and
opens none of a place that it described before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terra_cot.scene import Drop, Scene


@dataclass(frozen=True, slots=True)
class Place:
    """A scene that is not described yet.

    `describe` must look at nothing but `files` (a folder stands for the names in it; a path may be absent), `known`
    (plain values that the source had from elsewhere) and the options of the source.
    """

    name: str
    files: tuple[Path, ...]
    describe: Callable[[], Iterator[Scene | Drop]]
    known: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """About how many places will come, where a source knows it without a walk. For progress only."""

    places: int


Entry = Scene | Drop | Place | Total


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of an archive in an order that depends on names only. `key` is all that they follow from beside the
    archive's own files: plain JSON values."""

    key: Any
    entries: Iterator[Entry]


def described(entries: Iterable[Entry]) -> Iterator[Scene | Drop]:
    """The scenes and drops of a listing, each place described as it comes."""
    for entry in entries:
        if isinstance(entry, Place):
            yield from entry.describe()
        elif not isinstance(entry, Total):
            yield entry


def joined(listings: Sequence[Listing], limit: int | None = None) -> Listing:
    """Several listings as one, in order. Of more than one, each gives its first `limit` places."""
    if len(listings) == 1:
        return listings[0]

    def entries() -> Iterator[Entry]:
        for listing in listings:
            taken = 0
            for entry in listing.entries:
                if isinstance(entry, (Scene, Place)):
                    taken += 1
                if limit is not None and taken > limit:
                    break
                if not isinstance(entry, Total):  # the total of one is not that of all
                    yield entry

    return Listing([listing.key for listing in listings], entries())
