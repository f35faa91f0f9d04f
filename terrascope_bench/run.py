"""A run appends one whole line a question, so a killed run loses at most the question under way.

Beside `predictions.jsonl` stands `predictions.jsonl.run.json`: model, seed and benchmark hash. A run goes on only where
they agree; a line that a kill tore in two is cut off first. Lines stand in the order of the benchmark, and an answer
depends on question and seed alone, so a resumed file has the bytes of an uninterrupted one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from terra_cot.errors import ConflictError, DataError, shorten
from terra_cot.store.atomic import write_json
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.models import Model, find_model
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

OnStep = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did: questions in the benchmark, answered now, found answered, and failed (now) by error."""

    questions: int
    answered: int
    resumed: int
    errors: dict[str, int]


def run_model(
    name: str, bench: Path, out: Path, *, seed: int = 0, on_step: OnStep | None = None, force: bool = False
) -> RunReport:
    """Let model `name` answer every question of `bench` into `out` (JSONL); goes on where an earlier run stopped.

    Raises:
        ConfigError: no such model. ConflictError: `out` is of another run. DataError: unreadable benchmark.
    """
    entry = find_model(name)
    benchmark = open_benchmark(bench)
    done = _claim(out, {"model": name, "seed": seed, "benchmark": benchmark.sha256}, force)
    model = entry.make(benchmark, seed)
    answered = 0
    errors: Counter[str] = Counter()
    with out.open("ab", buffering=0) as handle:
        for number, question in enumerate(benchmark.questions(images=entry.needs_images), start=1):
            if question.question_id not in done:
                prediction = _answer(model, question)
                if prediction.error is not None:
                    errors[prediction.error.split(":")[0]] += 1
                _append(handle, prediction)
                answered += 1
            if on_step:
                on_step(number, benchmark.size)
    return RunReport(benchmark.size, answered, len(done), dict(errors))


def _answer(model: Model, question: Question) -> Prediction:
    try:
        return model.answer(question)
    except Exception as error:  # noqa: BLE001  the border of one question: recorded there, counted as an error
        text = f"{type(error).__name__}: {shorten(str(error), 300)}"
        return Prediction(question.question_id, None, None, error=text)


def _append(handle: BinaryIO, prediction: Prediction) -> None:
    """One write a line: unbuffered, so a kill tears the last line at most."""
    data = orjson.dumps(prediction.to_row(), option=orjson.OPT_APPEND_NEWLINE)
    view = memoryview(data)
    while view:
        view = view[handle.write(view) :]


def _claim(out: Path, identity: dict[str, object], force: bool) -> set[str]:
    """Make `out` ready; returns the questions that it answers already."""
    record = out.with_name(f"{out.name}.run.json")
    if force:
        out.unlink(missing_ok=True)
        record.unlink(missing_ok=True)
    if out.exists() and not record.exists():
        raise ConflictError(f"{out}: was not written by `run`; name another file or use --force")
    if record.exists():
        try:
            before = orjson.loads(record.read_bytes())
        except orjson.JSONDecodeError as error:
            raise DataError(f"not JSON ({error.msg})", file=record, fix="use --force to start again") from None
        if before != identity:
            raise ConflictError(f"{out}: is of another run ({shorten(before)}); name another file or use --force")
    write_json(record, identity)
    if not out.exists():
        return set()
    return _answered(out)


def _answered(out: Path) -> set[str]:
    """Ids of the whole lines of `out`; a torn last line is cut off."""
    done: set[str] = set()
    whole = 0
    with out.open("rb") as handle:
        for number, line in enumerate(handle, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                done.add(orjson.loads(line)["question_id"])
            except (orjson.JSONDecodeError, KeyError, TypeError):
                raise DataError("not a line of a run", file=out, row=number, fix="use --force to start again") from None
            whole += len(line)
    if whole < out.stat().st_size:
        with out.open("r+b") as handle:
            handle.truncate(whole)
    return done
