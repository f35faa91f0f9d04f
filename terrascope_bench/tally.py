"""A tally holds what became of every question in a hundred bytes each, in the order of the benchmark.

However many predictions there are and in whatever order they come, this is all that stays of them.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.judge import Judgement
from terrascope_bench.masks import MaskScore
from terrascope_bench.outcome import Outcome
from terrascope_bench.question import LETTERS, split_id
from terrascope_bench.tasks import TASKS
from terrascope_bench.verdicts import SCHEMA

OUTCOMES = tuple(Outcome)
CODES = tuple(TASKS)
MASK_COLUMNS = ("iou", "boundary_iou", "intersection", "union", "predicted_px", "truth_px")
COUNT_COLUMNS = ("missing", "surplus")
FLAGS = ("follows", "states")
CLASS_COLUMNS = ("row", "known", "iou", "boundary_iou", "intersection", "union", "predicted_px", "truth_px")
_WHOLE = (*MASK_COLUMNS, *COUNT_COLUMNS)
_whole_of, _columns_of = attrgetter(*_WHOLE), attrgetter(*MASK_COLUMNS)
UNKNOWN = -1
"""In whole-number columns: null. No count, area or flag is negative."""


@dataclass
class Tally:
    """Columns of n questions; `letters` (n, extractors) and `letter`, `truth` are places in LETTERS or UNKNOWN.

    `classes` holds, by label of a truth mask, rows of CLASS_COLUMNS: one a question that has masks of the class.
    `empty_pairs` counts pairs of empty masks.
    """

    ids: Sequence[str]
    task: NDArray[np.int8]
    truth: NDArray[np.int8]
    blind: NDArray[np.int16]
    outcome: NDArray[np.int8] = field(init=False)
    letter: NDArray[np.int8] = field(init=False)
    letters: NDArray[np.int8] = field(init=False)
    confidence: NDArray[np.float64] = field(init=False)
    whole: dict[str, NDArray[np.int64]] = field(init=False)
    flags: dict[str, NDArray[np.int8]] = field(init=False)
    stated: NDArray[np.float64] = field(init=False)
    measured: NDArray[np.float64] = field(init=False)
    classes: dict[str, array[int]] = field(init=False)
    empty_pairs: int = 0

    def __post_init__(self) -> None:
        n = len(self.ids)
        self.outcome = np.full(n, UNKNOWN, np.int8)
        self.letter = np.full(n, UNKNOWN, np.int8)
        self.letters = np.full((n, len(EXTRACTORS)), UNKNOWN, np.int8)
        self.confidence = np.full(n, np.nan)
        self.whole = {name: np.full(n, UNKNOWN, np.int64) for name in _WHOLE}
        self.flags = {name: np.full(n, UNKNOWN, np.int8) for name in FLAGS}
        self.stated = np.full(n, np.nan)
        self.measured = np.full(n, np.nan)
        self.classes = defaultdict(lambda: array("q"))

    def add(self, row: int, judgement: Judgement) -> None:
        """Note the judgement of question number `row`."""
        self.outcome[row] = OUTCOMES.index(judgement.outcome)
        self.letter[row] = _place(judgement.letter)
        self.letters[row] = [_place(letter) for letter in judgement.letters]
        if judgement.confidence is not None:
            self.confidence[row] = judgement.confidence
        faith = judgement.faith
        for name in FLAGS:
            value = getattr(faith, name)
            if value is not None:
                self.flags[name][row] = value
        if faith.stated is not None:
            self.stated[row] = faith.stated
        if faith.measured is not None:
            self.measured[row] = faith.measured
        if judgement.masks is not None:
            self._add_masks(row, judgement.masks)

    def _add_masks(self, row: int, masks: MaskScore) -> None:
        for name, value in zip(_WHOLE, _whole_of(masks), strict=True):
            self.whole[name][row] = value
        self.empty_pairs += masks.empty_pairs
        sums: dict[str, list[int]] = {}
        for pair in masks.pairs:
            values = sums.setdefault(pair.label, [row, *(0 for _ in CLASS_COLUMNS[1:])])
            values[1] += 1
            for k, value in enumerate(_columns_of(pair), start=2):
                values[k] += value
        for label, values in sums.items():
            self.classes[label].extend(values)

    @property
    def done(self) -> NDArray[np.bool_]:
        """Questions that were judged."""
        return np.not_equal(self.outcome, UNKNOWN)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Questions whose evidence masks are known."""
        return np.not_equal(self.whole["iou"], UNKNOWN)

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.equal(self.outcome, OUTCOMES.index(Outcome.CORRECT))

    def class_rows(self, label: str) -> NDArray[np.int64]:
        """(questions, CLASS_COLUMNS) of a class, in the order of the benchmark."""
        rows = np.array(self.classes[label], np.int64).reshape(-1, len(CLASS_COLUMNS))
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def table(self) -> pa.Table:
        """The verdicts."""
        columns: dict[str, Any] = {
            "question_id": self.ids,
            "task": _texts(CODES, self.task),
            "variant": [split_id(name)[1] for name in self.ids],
            "outcome": _texts([str(outcome) for outcome in OUTCOMES], self.outcome),
            "letter": _texts(LETTERS, self.letter),
            "truth": _texts(LETTERS, self.truth),
            "letters": pa.FixedSizeListArray.from_arrays(
                _texts(LETTERS, self.letters.ravel()), self.letters.shape[1]
            ).cast(pa.list_(pa.string())),
            "blind": pa.array(self.blind, mask=self.blind == UNKNOWN),
        }
        columns |= {name: pa.array(values, mask=values == UNKNOWN) for name, values in self.whole.items()}
        columns |= {name: pa.array(values == 1, mask=values == UNKNOWN) for name, values in self.flags.items()}
        for name in ("confidence", "stated", "measured"):
            values = getattr(self, name)
            columns[name] = pa.array(values, mask=np.isnan(values))
        return pa.table([pa.array(columns[entry.name]).cast(entry.type) for entry in SCHEMA], schema=SCHEMA)


def _place(letter: str | None) -> int:
    return UNKNOWN if letter is None else LETTERS.index(letter)


def _texts(names: Sequence[str], places: NDArray[np.int8]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(
        pa.array(places.astype(np.int32), mask=places == UNKNOWN), pa.array(list(names))
    ).cast(pa.string())
