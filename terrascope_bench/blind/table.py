"""The blind table: one row a question, one column a solver with its letter; null where the solver has nothing to say.

It stands in a benchmark folder as `blind.parquet`. Its summary tells, by task, how far each solver comes without the
image. A solver that says nothing is counted as one that guesses: 1 of k options. `needs_no_image` is the part of the
way from chance to all right that the best solver goes: the share of the task that needs no image.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.store.atomic import replacing
from terra_cot.store.manifest import file_entry
from terrascope_bench.benchmark import Benchmark
from terrascope_bench.blind.riddle import riddles
from terrascope_bench.blind.solvers import SOLVERS
from terrascope_bench.question import LETTERS, Question
from terrascope_bench.statistics import DECIMALS, Value, ratio, resample

NAME = "blind.parquet"
SCHEMA = pa.schema([("question_id", pa.string()), *((name, pa.string()) for name in SOLVERS)])
_WHOLE = 2520
"""A question in whole parts that 2 to 10 options divide: what a solver gets that says nothing is counted exactly."""


def blind_report(questions: Iterable[Question]) -> tuple[pa.Table, dict[str, Any]]:
    """What the blind solvers say of questions (their images are not looked at), and how far that carries.

    Returns:
        The table of SCHEMA in the order of the questions, and the summary {"tasks": {code: entry}, "overall": entry}.
        An entry has `n`; `chance`; `solvers`, each solver's accuracy with a 95 % interval, null where it says nothing
        of any question; `above_chance`, the solvers whose whole interval lies above chance; `best`, the solver with
        the highest accuracy; `needs_no_image`, from its accuracy and interval.
    """
    held = list(questions)
    table = solve(held)
    return table, summarise(held, table)


def report_of(benchmark: Benchmark) -> dict[str, Any]:
    """The summary of a benchmark folder, from its manifest or `blind.parquet`, else computed.

    Raises:
        DataError: `blind.parquet` does not belong to the folder's questions.
    """
    if "blind" in benchmark.manifest:
        summary: dict[str, Any] = benchmark.manifest["blind"]
        return summary
    questions = list(benchmark.questions(images=False))
    table = read_blind(benchmark.folder)
    if table is None:
        table = solve(questions)
    elif table["question_id"].to_pylist() != [question.question_id for question in questions]:
        raise DataError("not the blind table of these questions", file=benchmark.folder / NAME)
    return summarise(questions, table)


def solve(questions: Sequence[Question]) -> pa.Table:
    """The table of SCHEMA: each solver's letter for each question."""
    asked, places = riddles(questions)
    columns: dict[str, Any] = {"question_id": [question.question_id for question in questions]}
    for name, solver in SOLVERS.items():
        letters = [None if option is None else LETTERS[option] for option in solver.solve(asked)]
        columns[name] = [letters[place] for place in places]
    return pa.table(columns, schema=SCHEMA)


def summarise(questions: Sequence[Question], table: pa.Table) -> dict[str, Any]:
    """The summary of a table, which has a row for every question, in their order."""
    letters = {name: table[name].to_pylist() for name in SOLVERS}
    by_task: dict[str, list[int]] = {}
    for number, question in enumerate(questions):
        by_task.setdefault(question.task, []).append(number)
    everything = list(range(len(questions)))
    return {
        "tasks": {task: _entry(task, questions, numbers, letters) for task, numbers in sorted(by_task.items())},
        "overall": _entry("overall", questions, everything, letters),
    }


def _entry(
    name: str, questions: Sequence[Question], numbers: Sequence[int], letters: dict[str, list[str | None]]
) -> dict[str, Any]:
    guessed = sum(1 / len(questions[number].options) for number in numbers)
    chance = round(guessed / len(numbers), DECIMALS) if numbers else 0.0
    values = {solver: _accuracy(name, questions, numbers, said) for solver, said in letters.items()}
    known = {solver: value for solver, value in values.items() if value is not None}
    best = max(known, key=lambda solver: known[solver]["value"], default=None)
    return {
        "n": len(numbers),
        "chance": chance if numbers else None,
        "solvers": values,
        "above_chance": [solver for solver, value in known.items() if value["low"] > chance],
        "best": best,
        "needs_no_image": None if best is None else {k: _beyond(v, chance) for k, v in known[best].items()},
    }


def _beyond(accuracy: float, chance: float) -> float:
    return round(max(0.0, (accuracy - chance) / (1 - chance)), DECIMALS)


def _accuracy(name: str, questions: Sequence[Question], numbers: Sequence[int], said: Sequence[str | None]) -> Value:
    """Share right; variants of one question are drawn together. None where the solver says nothing at all."""
    if all(said[number] is None for number in numbers):
        return None
    sums: dict[str, list[int]] = {}
    for number in numbers:
        question, letter = questions[number], said[number]
        row = sums.setdefault(question.stem, [0, 0])
        row[0] += _WHOLE // len(question.options) if letter is None else _WHOLE * (letter == question.answer)
        row[1] += 1
    rows: NDArray[np.int64] = np.array(list(sums.values()), np.int64)
    return ratio(resample(rows, 0, "blind", name), 0, 1, _WHOLE)


def write_blind(folder: Path, table: pa.Table) -> dict[str, Any]:
    """Write `blind.parquet` into a benchmark folder; returns its entry in the manifest's `files`."""
    with replacing(folder / NAME) as temporary:
        pq.write_table(table.cast(SCHEMA), temporary, compression="zstd")
    return file_entry(folder, NAME)


def read_blind(folder: Path) -> pa.Table | None:
    """The blind table of a benchmark folder; None where it has none.

    Raises:
        DataError: the file cannot be read or is no table of solvers.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"not a readable Parquet file ({error})", file=path) from None
    if "question_id" not in table.schema.names or any(kind != pa.string() for kind in table.schema.types):
        raise DataError("not a table of blind solvers", file=path, got=table.schema.names, expected=SCHEMA.names)
    return table
