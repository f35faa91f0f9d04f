"""Temporal samples: two dates or a whole series of a tile, every mask on its date, `Image: tK` before every [SEG].

| task | shows | asks |
|---|---|---|
| building_damage | before, after | how many buildings, or what share of them, an event destroyed |
| damage_grades | before, after | the buildings by grade of damage |
| flood_extent, clearing, urban_growth, road_change | two dates | the area that came or went |
| what_changed | two dates | which class gained most ground |
| first_seen | all dates | the first image that shows a change |
| permanence | all dates | season, temporary change, permanent change, or not yet to be told |

To add a task: one module with a `TASK`, one line in `SERIES_TASKS`, and its tests.
"""

from __future__ import annotations

from terra_cot.chains.temporal import (
    clearing,
    damage,
    first_seen,
    flood,
    grades,
    permanence,
    roads,
    urban,
    what_changed,
)
from terra_cot.chains.temporal.task import SeriesTask

SERIES_TASKS: dict[str, SeriesTask] = {
    task.name: task
    for task in (
        damage.TASK,
        grades.TASK,
        flood.TASK,
        clearing.TASK,
        urban.TASK,
        roads.TASK,
        what_changed.TASK,
        first_seen.TASK,
        permanence.TASK,
    )
}
