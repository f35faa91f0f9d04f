"""From measured facts to words: what is asked, the chain of steps with a mask each, and the answer.

A task proposes drafts (classes and evidence, no words) and writes a draft as text. Writing is a pure function of draft,
context and seed, so that verification can write the text of any row again from the row itself.

To add a task: one module with a `TASK`, one line in `TASKS`, and its tests.
"""

from __future__ import annotations

from terra_cot.chains import caption, referring
from terra_cot.chains.draft import Task
from terra_cot.chains.level1 import area, boundary, counting, distance, existence, localisation
from terra_cot.chains.level2 import character, largest_patch, mosaic, near, nearer, pressure, runoff, side

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        referring.TASK,
        caption.TASK,
        existence.TASK,
        counting.TASK,
        localisation.TASK,
        area.TASK,
        boundary.TASK,
        distance.TASK,
        nearer.TASK,
        largest_patch.TASK,
        side.TASK,
        near.TASK,
        character.TASK,
        mosaic.TASK,
        pressure.TASK,
        runoff.TASK,
    )
}
