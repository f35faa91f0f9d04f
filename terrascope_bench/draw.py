"""Every random choice is a function of the seed and of the name of the thing it is made for, never of an order.

SHA-256 stands in for a generator: the same choice on every machine, Python version and number of workers.
"""

from __future__ import annotations

from hashlib import sha256


def digest(seed: int, *names: object) -> bytes:
    """32 bytes that belong to (seed, names); equal inputs give equal bytes, and one more name gives unrelated ones."""
    return sha256("\x1f".join((str(seed), *map(str, names))).encode()).digest()


def draw(choices: int, seed: int, *names: object) -> int:
    """A uniform whole number from 0 to `choices` - 1 (the bias of the remainder is below 1e-15)."""
    return int.from_bytes(digest(seed, *names)[:8], "big") % choices
