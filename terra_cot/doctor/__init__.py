"""What this machine has of what the project needs, each with a state and, where something is amiss, what to do.

Nothing is written, and nothing heavy is loaded beyond the core packages: torch only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from terra_cot.doctor.check import Check
from terra_cot.doctor.geo import geo
from terra_cot.doctor.machine import machine
from terra_cot.doctor.packages import packages, torch

__all__ = ["Check", "examine", "healthy"]


def examine(folder: Path, *, load_torch: bool = False, on_check: Callable[[int], None] | None = None) -> list[Check]:
    """Every check, in the order that people read them.

    Args:
        folder: where data is to be written; it need not be there yet.
        load_torch: import torch, to see its devices.
        on_check: called with the number of checks done, after each: loading packages for the first time takes seconds.
    """
    checks: list[Check] = []
    for check in chain(packages(), torch(load_torch), geo(), machine(folder)):
        checks.append(check)
        if on_check:
            on_check(len(checks))
    return checks


def healthy(checks: list[Check]) -> bool:
    """Whether nothing that the core needs is missing."""
    return not any(check.state == "missing" and check.needed_by == "core" for check in checks)
