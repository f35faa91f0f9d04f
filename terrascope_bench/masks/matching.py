"""A predicted mask belongs to the truth masks of its frame and label; pixels decide only where several could pair up.

The rules are in the header of `terrascope_bench.masks`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np

from terra_cot.mask import Mask
from terrascope_bench.prediction import PredictedMask

Ious = Mapping[tuple[int, int], int]
"""IoU in billionths of (truth mask, predicted mask), by their numbers."""


@lru_cache(maxsize=4096)
def name_of(label: str) -> str:
    """A label as it is compared."""
    return " ".join(label.replace("_", " ").casefold().split())


def match_by_label(
    truth: Sequence[Mask], predicted: Sequence[PredictedMask], aliases: Mapping[str, str]
) -> dict[int, int] | None:
    """Truth mask -> predicted mask where labels leave no choice, which is nearly always; None where they leave one."""
    wanted = {(mask.frame, name_of(mask.label)): t for t, mask in enumerate(truth)}
    if len(wanted) < len(truth):
        return None
    match: dict[int, int] = {}
    for p, mask in enumerate(predicted):
        if mask.label is None:
            return None
        name = name_of(mask.label)
        t = wanted.get((mask.frame, aliases.get(name, name)))
        if t is not None:
            if t in match:
                return None
            match[t] = p
    return match


@dataclass(frozen=True, slots=True)
class Groups:
    """Truth masks by frame and name; predicted masks by frame and name, and those without a label by frame."""

    truth: Mapping[tuple[str, str], list[int]]
    named: Mapping[tuple[str, str], list[int]]
    nameless: Mapping[str, list[int]]

    @classmethod
    def of(cls, truth: Sequence[Mask], predicted: Sequence[PredictedMask], aliases: Mapping[str, str]) -> Groups:
        wanted: dict[tuple[str, str], list[int]] = defaultdict(list)
        named: dict[tuple[str, str], list[int]] = defaultdict(list)
        nameless: dict[str, list[int]] = defaultdict(list)
        for t, entry in enumerate(truth):
            wanted[entry.frame, name_of(entry.label)].append(t)
        for p, mask in enumerate(predicted):
            if mask.label is None:
                nameless[mask.frame].append(p)
            else:
                name = name_of(mask.label)
                named[mask.frame, aliases.get(name, name)].append(p)
        return cls(wanted, named, nameless)

    def match(self, iou: Ious) -> dict[int, int]:
        """Truth mask -> predicted mask; `iou` holds `choices`."""
        match: dict[int, int] = {}
        left: dict[str, list[int]] = defaultdict(list)
        for key, rows in self.truth.items():
            match |= _assign(rows, self.named.get(key, []), iou)
        if self.nameless:
            for (frame, _), rows in self.truth.items():
                left[frame] += [t for t in rows if t not in match]
            for frame, rows in left.items():
                match |= _assign(sorted(rows), self.nameless.get(frame, []), iou)
        return match

    def choices(self) -> list[tuple[int, int]]:
        """Pairs whose IoU `match` may look up."""
        asked = []
        open_rows: dict[str, list[int]] = defaultdict(list)
        for key, rows in self.truth.items():
            columns = self.named.get(key, [])
            if columns and len(rows) + len(columns) > 2:
                asked += [(t, p) for t in rows for p in columns]
            if len(rows) > len(columns):
                open_rows[key[0]] += rows
        for frame, columns in self.nameless.items():
            rows = open_rows[frame]
            if len(rows) + len(columns) > 2:
                asked += [(t, p) for t in rows for p in columns]
        return asked


def _assign(rows: list[int], columns: list[int], iou: Ious) -> dict[int, int]:
    """The pairing with the largest sum of IoU; the first in order among equals."""
    if not rows or not columns:
        return {}
    if len(rows) == 1 and len(columns) == 1:
        return {rows[0]: columns[0]}
    if len(rows) <= len(columns) and len(columns) <= 4:
        best = max(
            permutations(columns, len(rows)), key=lambda order: sum(iou[pair] for pair in zip(rows, order, strict=True))
        )
        return dict(zip(rows, best, strict=True))
    # Loaded here alone: SciPy costs more to import than a whole file of one-mask questions to score.
    from scipy.optimize import linear_sum_assignment

    gains = np.array([[iou[row, column] for column in columns] for row in rows], dtype=np.int64)
    chosen = linear_sum_assignment(gains, maximize=True)
    return {rows[i]: columns[j] for i, j in zip(*(axis.tolist() for axis in chosen), strict=True)}
