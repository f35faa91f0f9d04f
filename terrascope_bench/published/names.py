"""A published task type means one of our tasks or is refused with the nearest name; nothing is taken by likeness."""

from __future__ import annotations

import re

from terra_cot.errors import did_you_mean
from terrascope_bench.tasks import TASKS

_ALSO: dict[str, tuple[str, ...]] = {
    "CA": ("coverage", "coverage_percentage_analysis", "percentage_coverage", "coverage_analysis"),
    "AQ": ("absolute_area_quantification", "area_quantification", "area_measurement"),
    "CR": ("comparative_area_ranking", "area_ranking", "area_comparison", "comparative_ranking"),
    "BRD": ("boundary_relationship_detection", "boundary_relationship", "boundary_relation"),
    "DM": ("distance", "distance_estimation"),
    "BCE": ("building_change", "building_change_detection", "building_damage_estimation"),
}
"""Names beside our own for the same six tasks: the paper's titles, whole and cut short."""

CODES: dict[str, str] = {
    name: code for code, task in TASKS.items() for name in (code.lower(), task.name, *_ALSO.get(code, ()))
}


def task_code(task_type: str) -> str | None:
    """The code of a published task type, in any case and with blanks or hyphens for underscores; None if unknown."""
    return CODES.get(re.sub(r"[\s\-_]+", "_", task_type.strip().casefold()))


def nearest(task_type: str) -> str:
    """What the names should have been, for the line that refuses one."""
    known = [task.name for task in TASKS.values()]
    return f"one of {', '.join(known)}{did_you_mean(task_type.strip().casefold(), known)}"
