"""Every random choice is a function of the seed and of the name of the thing it is made for, never of an order.

SHA-256 stands in for a generator: the same choice on every machine, Python version and number of workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def digest(seed: int, *names: object) -> bytes:
    """32 bytes that belong to (seed, names); equal inputs give equal bytes, and one more name gives unrelated ones."""
    return sha256("\x1f".join((str(seed), *map(str, names))).encode()).digest()


def draw(choices: int, seed: int, *names: object) -> int:
    """A uniform whole number from 0 to `choices` - 1 (the bias of the remainder is below 1e-15)."""
    return int.from_bytes(digest(seed, *names)[:8], "big") % choices


def seed_of(seed: int, *names: object) -> int:
    """A seed of its own, 0 to 2^63 - 1, for the thing called `names`."""
    return int.from_bytes(digest(seed, *names)[:8], "big") >> 1


def pick(items: Sequence[T], seed: int, *names: object) -> T:
    """One of `items`, which must not be empty."""
    return items[draw(len(items), seed, *names)]


def happens(share: float, seed: int, *names: object) -> bool:
    """Whether a thing called `names` is among a `share` (0 to 1) of all things."""
    return draw(1_000_000, seed, *names) < share * 1_000_000


def shuffled(items: Sequence[T], seed: int, *names: object) -> list[T]:
    """`items` in an order drawn for (seed, names)."""
    order = sorted(range(len(items)), key=lambda number: digest(seed, *names, number))
    return [items[number] for number in order]
