"""The registry: one line a sub-task, in the order of the paper's table."""

from __future__ import annotations

from terra_cot.errors import DataError, did_you_mean
from terrascope_bench.tasks import area, boundary, building_change, coverage, distance, ranking
from terrascope_bench.tasks.task import Candidate, Dropped, Task, TileView

TASKS: dict[str, Task] = {
    entry.code: entry
    for entry in (
        coverage.TASK,
        area.TASK,
        ranking.TASK,
        boundary.TASK,
        distance.TASK,
        building_change.TASK,
    )
}


def find_task(code: str) -> Task:
    """The task called `code`; DataError names the nearest where there is none."""
    try:
        return TASKS[code]
    except KeyError:
        known = ", ".join(TASKS)
        raise DataError(
            f'no task "{code}"{did_you_mean(code, tuple(TASKS))}', field="task", got=code, expected=known
        ) from None


__all__ = ["TASKS", "Candidate", "Dropped", "Task", "TileView", "find_task"]
