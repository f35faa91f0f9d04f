"""What came or went between the first and the last date of a scene, from the masks that a model gives of each.

| task | looks for | change |
|---|---|---|
| flood | water, on both dates | water of the last date that was not water on the first |
| clearing | trees, on both dates | trees of the first date that are none on the last |
| damage | buildings on the first date, destroyed ones on the last | where both lie |

A look is a question of the benchmark's form with the opening of its reply, so it is there whatever else the model
writes: land cover is looked for on the images of one date alone, buildings on both. Its options are there because a
small model knows questions with options and no others; nothing is made of the letter. Only ground that both dates show
counts, and what is narrower than three pixels is no change.
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
class Look:
    """A question about `dates` whose reply opens with `looks` (date, class); what follows them is not asked for."""

    question: str
    options: tuple[str, ...]
    dates: tuple[str, ...]
    looks: tuple[tuple[str, str], ...]

    @property
    def opening(self) -> str:
        """How the reply begins. A lone date needs no name."""
        several = len(self.dates) > 1
        return THINK_OPEN + "".join(f"{f'Image: {date} ' if several else ''}{name}: {SEG}" for date, name in self.looks)


@dataclass(frozen=True, slots=True)
class Task:
    """`before` and `after` are the classes looked for on the first and the last date; `noun` names the change.

    `picture_px` is the side of the pictures that such tasks are taught with, where they are larger than a model's tile.
    `question` is what the task is about; `look`, with `options`, what is asked of each date, or of `both` at once.
    """

    name: str
    before: str
    after: str
    kind: Kind
    noun: str
    question: str
    look: str
    options: tuple[str, ...]
    both: bool = False
    picture_px: int | None = None

    def asked(self, first: str, last: str) -> str:
        return self.question.format(t=first, u=last)

    def looks(self, first: str, last: str) -> tuple[Look, ...]:
        """What is looked at: the class of the first date, then that of the last."""
        two = ((first, self.before), (last, self.after))
        if self.both:
            return (Look(self.look, self.options, (first, last), two),)
        return tuple(Look(self.look, self.options, (date,), ((date, name),)) for date, name in two)

    def label(self, first: str) -> str:
        """The label of the change, on the last date."""
        if self.kind == "both":
            return self.after
        return Change(self.kind, self.after, first).label()

    def change(
        self, before: NDArray[np.bool_], after: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Bool HW of the masks of the two looks; `valid` is what both dates show."""
        from terra_cot.facts import opened

        found = {"new": after & ~before, "lost": before & ~after, "both": before & after}[self.kind]
        # Two masks of one border leave slivers between them.
        return opened(found & valid)


_FLOODED = "How large is the ground flooded in {u}, compared with {t}?"
_DESTROYED = "How many of the buildings of {t} are destroyed in {u}?"
_CLEARED = "How large is the ground cleared of tree cover between {t} and {u}?"
_TAKEN = "What percentage of the valid pixels of this image is taken up by {}? Choose the closest value."
_SHARES = ("5.0%", "9.3%", "17.0%", "31.0%")
_COUNTED = (
    "The first image was taken before a disaster, the second after it. How many buildings of the first image are "
    "destroyed in the second?"
)
_COUNTS = ("6", "14", "22", "30")
TASKS = {
    task.name: task
    for task in (
        Task("flood", "water", "water", "new", "flooded ground", _FLOODED, _TAKEN.format("water"), _SHARES),
        Task("damage", BUILDING, DESTROYED, "both", "destroyed buildings", _DESTROYED, _COUNTED, _COUNTS, True, 1024),
        Task("clearing", "tree", "tree", "lost", "cleared ground", _CLEARED, _TAKEN.format("tree cover"), _SHARES),
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
