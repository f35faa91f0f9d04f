"""A change label names pixels by two dates: `new water since t0` and `lost tree since t0`, on the date of their mask.

Only pixels whose class is known on both dates count: what a map does not tell on one of them neither came nor went.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["new", "lost"]
_LABEL = re.compile(r"(new|lost) (.+) since (t[0-9]+)")


@dataclass(frozen=True, slots=True)
class Change:
    """Pixels of class `name` that came ("new") or went ("lost") between the date `since` and that of the mask."""

    kind: Kind
    name: str
    since: str

    def label(self) -> str:
        return f"{self.kind} {self.name} since {self.since}"


def parse_change(label: str) -> Change | None:
    """What a label says of a change; None for the label of a class."""
    found = _LABEL.fullmatch(label)
    if found is None:
        return None
    kind, name, since = found.groups()
    return Change("new" if kind == "new" else "lost", name, since)


def changed(kind: Kind, before: NDArray[np.uint8], after: NDArray[np.uint8], number: int) -> NDArray[np.bool_]:
    """HW: where class `number` came or went, of two index maps (HW uint8, 0 void) of one vocabulary."""
    here, there = (after, before) if kind == "new" else (before, after)
    found: NDArray[np.bool_] = np.equal(here, number) & np.not_equal(there, number) & np.greater(there, 0)
    return found
