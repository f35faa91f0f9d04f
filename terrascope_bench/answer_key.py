"""The answer key of a benchmark: what every line must fit is in memory, the truth is read part by part.

The texts and masks of a million questions are gigabytes; a scorer needs each once. Parts are read when the first
prediction for one of their questions comes, and the last few are kept. A file in the order of the benchmark, as `run`
writes it, reads each part once.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.store.manifest import manifest_parts
from terra_cot.store.shards import read_rows
from terrascope_bench.benchmark import Benchmark
from terrascope_bench.masks import name_of
from terrascope_bench.prediction import Expected, image_names
from terrascope_bench.question import LETTERS, QUESTIONS, Question
from terrascope_bench.tally import CODES, UNKNOWN, Tally
from terrascope_bench.tasks import find_task

KEPT_PARTS = 16
BLIND_NAME = "blind.parquet"
_INDEX = ["question_id", "task", "answer", "width", "height", "frames.list.element.frame"]
_TEXTS = ["question", "source_id", "tile_id", "frames.list.element.image.path"]
_DOUBTS = ["masks.list.element.frame", "masks.list.element.label", "legend", "view", "options"]
_NO_WORDS = (None, (), None)
_TRUTH = [name for name in QUESTIONS.schema.names if name != "frames"]


class AnswerKey:
    """Questions of a benchmark by name and by row (their place in the order of the file)."""

    def __init__(self, benchmark: Benchmark, *, texts: bool = False, doubts: bool = False) -> None:
        """Read the index of every part.

        Args:
            texts: also what finds a question by its words: its text and the names of its images.
            doubts: also what a doubt is told by: the labels of its masks, the number of its options.

        Raises:
            DataError: a part cannot be read, an unknown task, two questions of one name.
        """
        self._paths = [benchmark.folder / part.path for part in manifest_parts(benchmark.manifest)]
        self._kept: dict[int, list[Question]] = {}
        self._opened: set[int] = set()
        self.ids: list[str] = []
        self.expected: dict[str, Expected] = {}
        tasks: list[str] = []
        truth: list[str] = []
        starts = [0]
        for path in self._paths:
            self._index(path, tasks, truth, texts, doubts)
            starts.append(len(self.ids))
        self._starts = np.array(starts)
        self.rows = {name: row for row, name in enumerate(self.ids)}
        if len(self.rows) < len(self.ids):
            raise DataError("two questions have one name", file=benchmark.folder, fix="build the benchmark again")
        for code in sorted(set(tasks)):
            find_task(code)
        self.task = np.array([CODES.index(code) for code in tasks], np.int8)
        self.truth = np.array([LETTERS.index(letter) for letter in truth], np.int8)
        self._blind_path = benchmark.folder / BLIND_NAME
        self._telling = {
            code: set(entry["above_chance"])
            for code, entry in benchmark.manifest.get("blind", {}).get("tasks", {}).items()
        }

    def __len__(self) -> int:
        return len(self.ids)

    def tally(self) -> Tally:
        """An empty tally of these questions."""
        return Tally(self.ids, self.task, self.truth, self.blind)

    @cached_property
    def blind(self) -> NDArray[np.int16]:
        """How many blind solvers get each question; UNKNOWN where the folder holds no blind answers.

        Only a solver that is above chance in the question's task gets anything: what the others are right on is luck.
        """
        out = np.full(len(self), UNKNOWN, np.int16)
        if not self._blind_path.is_file():
            return out
        try:
            table = pq.read_table(self._blind_path)
        except pa.ArrowException as error:
            raise DataError(f"not a readable Parquet file ({error})", file=self._blind_path) from None
        for row in table.to_pylist():
            name = row.pop("question_id", None)
            place = self.rows.get(name)
            if place is None:
                raise DataError("no question of this benchmark", file=self._blind_path, got=name)
            right, telling = LETTERS[self.truth[place]], self._telling.get(CODES[self.task[place]], ())
            out[place] = sum(row.get(solver) == right for solver in telling)
        return out

    def start(self, part: int) -> int:
        """The row of the first question of a part."""
        return int(self._starts[part])

    def part_of(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def at_hand(self, row: int) -> Question | None:
        """Question number `row`, if its part is in memory or was never read; None if it was read and let go."""
        part = self.part_of(row)
        if part not in self._kept:
            if part in self._opened:
                return None
            if len(self._kept) >= KEPT_PARTS:
                del self._kept[next(iter(self._kept))]
            self._kept[part] = self.read(part)
            self._opened.add(part)
        return self._kept[part][row - int(self._starts[part])]

    def read(self, part: int) -> list[Question]:
        """The questions of a part with their truth, without frames."""
        if part in self._kept:
            return self._kept[part]
        return [Question.from_row({**row, "frames": ()}) for row in read_rows(self._paths[part], QUESTIONS, _TRUTH)]

    def pending(self, done: NDArray[np.bool_]) -> Iterator[tuple[int, Question]]:
        """(row, question) of every question that is not `done`, part by part."""
        for part in range(len(self._paths)):
            start, end = int(self._starts[part]), int(self._starts[part + 1])
            if not done[start:end].all():
                questions = self.read(part)
                yield from ((row, questions[row - start]) for row in range(start, end) if not done[row])

    def _index(self, path: Path, tasks: list[str], truth: list[str], texts: bool, doubts: bool) -> None:
        shared: dict[tuple[Any, ...], Expected] = {}
        for row in read_rows(path, QUESTIONS, [*_INDEX, *(_TEXTS if texts else ()), *(_DOUBTS if doubts else ())]):
            self.ids.append(row["question_id"])
            tasks.append(row["task"])
            truth.append(row["answer"])
            frames = tuple(dict.fromkeys(frame["frame"] for frame in row["frames"]))
            fit = (row["height"], row["width"], frames, *(_words_of(row) if texts else _NO_WORDS))
            if doubts:
                fit += _asked_of(row)
            self.expected[row["question_id"]] = shared.setdefault(fit, Expected(*fit))


def _words_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What finds a question by its words: its text, the names of its images, its letter."""
    paths = [frame["image"]["path"] for frame in row["frames"]]
    names = image_names(row["source_id"], *paths, row["tile_id"], row["question_id"])
    return row["question"], names, row["answer"]


def _asked_of(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a doubt is told by: frames and labels of the evidence, legend, view, number of options."""
    masks = row["masks"]
    asked = None if masks is None else frozenset((mask["frame"], name_of(mask["label"])) for mask in masks)
    return asked, row["legend"], row["view"], len(row["options"])
