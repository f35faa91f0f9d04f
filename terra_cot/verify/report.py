"""A report names every row that differs, and counts what was looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

# Relative: the same formula gives the same float, a file of another machine's may differ in the last bit.
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that differs: the file, the row (or None), the field, and what is wrong with it."""

    file: str
    row: str | None
    field: str
    message: str

    def __str__(self) -> str:
        return ":".join(part for part in (self.file, self.row, self.field) if part) + f": {self.message}"


@dataclass(slots=True)
class Report:
    """What was checked and what differs."""

    tiles: int = 0
    samples: int = 0
    masks: int = 0
    evidence: int = 0
    problems: list[Problem] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        self.tiles += other.tiles
        self.samples += other.samples
        self.masks += other.masks
        self.evidence += other.evidence
        self.problems += other.problems
        for key, counter in other.counts.items():
            self.counts.setdefault(key, Counter()).update(counter)


@dataclass(frozen=True, slots=True)
class Where:
    """The row under examination: collects its problems."""

    file: str
    row: str
    report: Report

    def say(self, field_: str, message: str) -> None:
        self.report.problems.append(Problem(self.file, self.row, field_, message))
