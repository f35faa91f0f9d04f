"""A run asks what has no answer yet, keeps each answer at once, and ends with the bytes of a run that never stopped.

An answer depends on the question, the seed and how the model is asked, never on an order, so a killed run may go on
with another number of questions at once. An error belongs to its question, which then counts as wrong; only what makes
every further question useless ends a run (RunStopped, ConfigError).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terra_cot.errors import ConfigError, RunStopped, shorten
from terra_cot.llm.wire import AskFailed
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.journal import open_journal
from terrascope_bench.models import Batched, Entry, Job, Model, find_model
from terrascope_bench.pool import side_by_side
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

OnStep = Callable[[int, int], None]
OnError = Callable[[int], None]
"""Told how many of the questions answered now have an error."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did: questions in the benchmark, answered now, found answered.

    `errors` counts the questions answered now that have no answer, by kind; `found_errors` those of earlier runs that
    stand in the file. `notes` counts what was noted of replies; `spent` is what the model has cost so far, if it tells.
    """

    questions: int
    answered: int
    resumed: int
    errors: dict[str, int]
    found_errors: int
    notes: dict[str, int]
    spent: Mapping[str, Any] | None


def run_model(
    name: str,
    bench: Path,
    out: Path,
    *,
    seed: int = 0,
    given: Mapping[str, Any] | None = None,
    concurrency: int | None = None,
    retry_errors: bool = False,
    on_step: OnStep | None = None,
    on_error: OnError | None = None,
    force: bool = False,
) -> RunReport:
    """Let model `name` answer every question of `bench` into `out` (JSONL); goes on where an earlier run stopped.

    Args:
        given: options of the model, those that were given only.
        concurrency: questions (or batches) asked at once; None: as many as the model likes.
        retry_errors: ask again what has an error.

    Raises:
        ConfigError: no such model or option. ConflictError: `out` is of another run, or another run is writing it.
        DataError: unreadable benchmark. RunStopped: no further question can be asked; what is answered is kept.
    """
    entry = find_model(name, given, Job(out.with_name(f"{out.name}.cache"), retry_errors))
    if concurrency is not None and concurrency > 1 and not entry.shareable:
        raise ConfigError(f"--concurrency: {name} answers one batch at a time; use --batch-size")
    benchmark = open_benchmark(bench)
    identity = {"model": name, "seed": seed, "benchmark": benchmark.sha256}
    if entry.asked:
        identity["asked"] = dict(entry.asked)
    errors, notes = Counter[str](), Counter[str]()
    with open_journal(out, identity, force) as journal:
        if retry_errors:
            journal.forget_errors()
        resumed, found_errors = len(journal.done), len(journal.errors)
        model = entry.make(benchmark, seed)
        if on_step:
            on_step(resumed, benchmark.size)

        def work(chunk: Sequence[Question]) -> list[Prediction]:
            return _answers(model, chunk)

        chunks = _open_chunks(benchmark, entry, frozenset(journal.done))
        for predictions in side_by_side(work, chunks, concurrency or entry.concurrency):
            new = [prediction for prediction in predictions if prediction.question_id not in journal.done]
            journal.append(new)
            for prediction in new:
                if prediction.error is not None:
                    errors[prediction.error.partition(":")[0]] += 1
                    if on_error:
                        on_error(errors.total())
                notes.update(list(prediction.notes or ()))
                if on_step:
                    on_step(len(journal.done), benchmark.size)
        journal.put_in_order(benchmark.question_ids())
        answered = len(journal.done) - resumed
    spent = entry.spent() if entry.spent else None
    return RunReport(benchmark.size, answered, resumed, dict(errors), found_errors, dict(notes), spent)


def _open_chunks(benchmark: Benchmark, entry: Entry, done: frozenset[str]) -> Iterator[list[Question]]:
    """Questions in batches, those batches that lack an answer.

    Batches are cut by the order of the benchmark, whatever is answered: the neighbours of a question stay the same.
    """
    chunk: list[Question] = []
    for number, question in enumerate(benchmark.questions(images=entry.needs_images), start=1):
        chunk.append(question)
        if len(chunk) == entry.batch or number == benchmark.size:
            if any(question.question_id not in done for question in chunk):
                yield chunk
            chunk = []


def _answers(model: Model, chunk: Sequence[Question]) -> list[Prediction]:
    if isinstance(model, Batched) and len(chunk) > 1:
        try:
            return model.answers(chunk)
        except (RunStopped, ConfigError):
            raise
        except Exception:  # noqa: BLE001  one question may spoil a batch: each by itself then, and its error recorded
            return [_answer(model, question) for question in chunk]
    return [_answer(model, question) for question in chunk]


def _answer(model: Model, question: Question) -> Prediction:
    try:
        return model.answer(question)
    except (RunStopped, ConfigError):
        raise
    except Exception as error:  # noqa: BLE001  the border of one question: recorded there, counted as an error
        kind = error.kind if isinstance(error, AskFailed) else type(error).__name__
        return Prediction(question.question_id, None, None, error=f"{kind}: {shorten(str(error), 300)}")
