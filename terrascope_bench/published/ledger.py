"""Everything that an import counts: rows read = kept + dropped by reason, and of each task what its map said."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from terrascope_bench.published.restore import Restored
from terrascope_bench.tasks import TASKS


@dataclass
class Verdicts:
    """Of one task: questions = restored + sum of `no_masks`; restored = agree + disagree + sum of `no_verdict`."""

    restored: int = 0
    agree: int = 0
    disagree: int = 0
    no_masks: Counter[str] = field(default_factory=Counter)
    no_verdict: Counter[str] = field(default_factory=Counter)

    def add(self, found: Restored | str) -> None:
        if isinstance(found, str):
            self.no_masks[found] += 1
            return
        self.restored += 1
        if found.follows is None:
            self.no_verdict[str(found.reason)] += 1
        elif found.agrees:
            self.agree += 1
        else:
            self.disagree += 1

    def to_json(self) -> dict[str, Any]:
        return {
            "questions": self.restored + self.no_masks.total(),
            "restored": self.restored,
            "agree": self.agree,
            "disagree": self.disagree,
            "no_masks": dict(sorted(self.no_masks.items())),
            "no_verdict": dict(sorted(self.no_verdict.items())),
        }


@dataclass
class Ledger:
    """The counts of one import; `kept` and `letters` by task, of published rows alone."""

    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    letters: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    verdicts: dict[str, Verdicts] = field(default_factory=lambda: {code: Verdicts() for code in TASKS})
    reencoded: int = 0
    maps: dict[str, str] = field(default_factory=dict)
    """Hash of each label map used, by the archive's name of its image."""

    @property
    def kept(self) -> int:
        return sum(counts.total() for counts in self.letters.values())

    def rows(self) -> dict[str, Any]:
        return {"read": self.read, "kept": self.kept, "dropped": dict(sorted(self.dropped.items()))}
