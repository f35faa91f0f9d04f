"""Every section of a scorecard asks for columns; all are drawn at once, so every interval stands on the same draws.

Questions are drawn within their task. Variants of one question (one stem) are drawn together: they are no independent
evidence. Over all tasks, the draws of the tasks are added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.question import split_id
from terrascope_bench.statistics import Block, Sums, resample_blocks
from terrascope_bench.tally import CODES, Tally

Rows = NDArray[np.int64]


class Draws:
    """Columns by name: asked for, then drawn."""

    def __init__(self, tally: Tally) -> None:
        self._task = tally.task
        self.stem = _stems(tally)
        self._asked: dict[str, tuple[Rows, NDArray[Any]]] = {}
        self._sums: dict[str, dict[str, Sums]] = {}

    def ask(self, name: str, values: NDArray[Any], rows: Rows | None = None) -> None:
        """Columns (m, columns) of whole numbers; `rows` (m,) are the questions that they belong to, None for all."""
        self._asked[name] = (np.arange(len(values)) if rows is None else rows, values)

    def draw(self, seed: int) -> None:
        """Draw all that was asked for."""
        self._sums = {name: {} for name in self._asked}
        for number, code in enumerate(CODES):
            mine = self._task == number
            stems, place = np.unique(self.stem[mine], return_inverse=True)
            places = np.zeros(len(self._task), np.int64)
            places[mine] = place
            blocks = []
            for rows, values in self._asked.values():
                inside = mine[rows]
                # The columns of a million questions are not copied where one task has them all.
                whole = bool(inside.all())
                blocks.append(
                    Block(places[rows] if whole else places[rows[inside]], values if whole else values[inside])
                )
            for name, sums in zip(self._asked, resample_blocks(blocks, len(stems), seed, "task", code), strict=True):
                self._sums[name][code] = sums

    def task(self, name: str, code: str) -> Sums:
        """The sums of one task's questions."""
        return self._sums[name][code]

    def whole(self, name: str) -> Sums:
        """The sums over all tasks."""
        first, *others = self._sums[name].values()
        return sum(others, start=first)


def _stems(tally: Tally) -> Rows:
    """(n,) number of each question's stem, in the order of the benchmark."""
    numbers: dict[str, int] = {}
    return np.fromiter((numbers.setdefault(split_id(name)[0], len(numbers)) for name in tally.ids), np.int64)
