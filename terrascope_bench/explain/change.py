"""What came or went between the first and the last date of a scene, from the masks that a model gives of each.

| task | looks for | change |
|---|---|---|
| flood | water, on both dates | water of the last date that was not water on the first |
| clearing | trees, on both dates | trees of the first date that are none on the last |
| damage | buildings on the first date, destroyed ones on the last | where both lie |

The looks are the opening of the reply, in the form that the model's training has, so they are there whatever else the
model writes. Only ground that both dates show counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from terra_cot.chains.temporal.damage import BUILDING, DESTROYED
from terra_cot.change import Change
from terra_cot.errors import ConfigError, did_you_mean
from terrascope_bench.terrascope.prompt import SEG, THINK_OPEN

Kind = Literal["new", "lost", "both"]


@dataclass(frozen=True, slots=True)
class Task:
    """`before` and `after` are the classes looked for on the first and the last date; `noun` names the change."""

    name: str
    before: str
    after: str
    kind: Kind
    noun: str
    question: str

    def opening(self, first: str, last: str) -> str:
        """How the reply begins: one look a date."""
        return f"{THINK_OPEN}Image: {first} {self.before}: {SEG}Image: {last} {self.after}: {SEG}"

    def label(self, first: str) -> str:
        """The label of the change, on the last date."""
        if self.kind == "both":
            return self.after
        return Change(self.kind, self.after, first).label()

    def change(
        self, before: NDArray[np.bool_], after: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Bool HW of the masks of the two looks; `valid` is what both dates show."""
        found = {"new": after & ~before, "lost": before & ~after, "both": before & after}[self.kind]
        return found & valid


_FLOODED = "How large is the ground flooded in {u}, compared with {t}?"
_DESTROYED = "How many of the buildings of {t} are destroyed in {u}?"
_CLEARED = "How large is the ground cleared of tree cover between {t} and {u}?"
TASKS = {
    task.name: task
    for task in (
        Task("flood", "water", "water", "new", "flooded ground", _FLOODED),
        Task("damage", BUILDING, DESTROYED, "both", "destroyed buildings", _DESTROYED),
        Task("clearing", "tree", "tree", "lost", "cleared ground", _CLEARED),
    )
}


def task_of(name: str, dates: list[str]) -> Task:
    """The task called `name`.

    Raises:
        ConfigError: no such task, or fewer than two dates.
    """
    if name not in TASKS:
        raise ConfigError(f'no task "{name}"{did_you_mean(name, tuple(TASKS))} (known: {", ".join(TASKS)})')
    if len(dates) < 2:
        raise ConfigError(f"--task {name} compares two dates, and the images show one; name them: t0=FILE t1=FILE")
    return TASKS[name]
