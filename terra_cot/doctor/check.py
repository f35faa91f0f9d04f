"""A check is one thing looked at: ok; warn, it works but may trouble you; missing, what needs it cannot work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "missing"]
CORE = "core"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at and found.

    Attributes:
        topic: python, packages, extras, gdal or machine.
        needed_by: `core`, the name of an extra as `[ray]`, or what else wants it.
        found: a version or an amount; null where nothing was found.
        fix: what to do; null where all is well.
    """

    topic: str
    name: str
    state: State
    needed_by: str
    found: str | None
    fix: str | None = None
