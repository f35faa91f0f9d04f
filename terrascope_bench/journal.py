"""The predictions of a run at rest: one whole line a question as soon as it is answered, benchmark order at the end.

Beside `predictions.jsonl` stands `predictions.jsonl.run.json`: model, seed, benchmark hash, and how the model was
asked. A run goes on only where they agree; a line that a kill tore in two is cut off first. While a run goes, lines
stand in the order in which they were finished; the finished file is put into the order of the benchmark, so that it has
the same bytes however many questions were asked at once, and however often the run was killed. A lock keeps a second
run away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock, Timeout

from terra_cot.errors import ConflictError, DataError, shorten
from terra_cot.store.atomic import clear_leftovers, replacing, write_json
from terrascope_bench.prediction import Prediction


class Journal:
    """An open predictions file. `done` are the questions that it answers, `errors` those among them with an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: set[str] = set()
        self.errors: set[str] = set()

    def append(self, predictions: Iterable[Prediction]) -> None:
        """One write a line, unbuffered: a kill tears the last line at most."""
        with self.path.open("ab", buffering=0) as handle:
            for prediction in predictions:
                view = memoryview(orjson.dumps(prediction.to_row(), option=orjson.OPT_APPEND_NEWLINE))
                while view:
                    view = view[handle.write(view) :]
                self.done.add(prediction.question_id)
                if prediction.error is not None:
                    self.errors.add(prediction.question_id)

    def forget_errors(self) -> int:
        """Take the lines with an error out, so that their questions are asked again; returns how many."""
        gone = len(self.errors)
        if gone:
            with replacing(self.path) as temporary, temporary.open("wb") as out:
                out.writelines(line for _, line, row in self._lines() if row["question_id"] not in self.errors)
            self.done -= self.errors
            self.errors = set()
        return gone

    def put_in_order(self, names: Iterable[str]) -> None:
        """Bring the lines into the order of `names`, the questions of the benchmark."""
        order = list(names)
        here = [(row["question_id"], at, len(line)) for at, line, row in self._lines()]
        if all(first == second and first is not None for first, second in zip_longest(order, (one[0] for one in here))):
            return
        places = {name: (at, length) for name, at, length in here}
        with self.path.open("rb") as source, replacing(self.path) as temporary, temporary.open("wb") as out:
            for name in order:
                if name in places:
                    source.seek(places[name][0])
                    out.write(source.read(places[name][1]))

    def read(self) -> None:
        """Learn what the file holds; a torn last line is cut off."""
        whole = 0
        for at, line, row in self._lines():
            self.done.add(row["question_id"])
            if row.get("error") is not None:
                self.errors.add(row["question_id"])
            whole = at + len(line)
        if whole < self.path.stat().st_size:
            with self.path.open("r+b") as handle:
                handle.truncate(whole)

    def _lines(self) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
        """Place, bytes and content of each whole line."""
        at = 0
        with self.path.open("rb") as handle:
            for number, line in enumerate(handle, start=1):
                if not line.endswith(b"\n"):
                    return
                try:
                    row = orjson.loads(line)
                    if not isinstance(row["question_id"], str):
                        raise TypeError
                except (orjson.JSONDecodeError, KeyError, TypeError):
                    raise DataError(
                        "not a line of a run", file=self.path, row=number, fix="use --force to start again"
                    ) from None
                yield at, line, row
                at += len(line)


@contextmanager
def open_journal(path: Path, identity: dict[str, Any], force: bool = False) -> Iterator[Journal]:
    """The predictions file of a run, held against other runs.

    Raises:
        ConflictError: another run is writing it, or it is of another run (`force` starts it again).
        DataError: it cannot be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConflictError(f"{path}: another run is writing it; wait for it or name another file") from None
    try:
        yield _claimed(path, identity, force)
    finally:
        if path.exists() and path.stat().st_size == 0:  # nothing was answered: nothing is claimed
            path.unlink()
            _record(path).unlink(missing_ok=True)
        lock.release()


def _claimed(path: Path, identity: dict[str, Any], force: bool) -> Journal:
    record = _record(path)
    clear_leftovers(path.parent, path.name)
    if force:
        path.unlink(missing_ok=True)
        record.unlink(missing_ok=True)
    written = path.exists() and path.stat().st_size > 0
    if written and not record.exists():
        raise ConflictError(f"{path}: was not written by `run`; name another file or use --force")
    if written:
        try:
            before = orjson.loads(record.read_bytes())
        except orjson.JSONDecodeError as error:
            raise DataError(f"not JSON ({error.msg})", file=record, fix="use --force to start again") from None
        if before != identity:
            raise ConflictError(
                f"{path}: is of another run ({_difference(before, identity)}); name another file or use --force"
            )
    write_json(record, identity)
    journal = Journal(path)
    path.touch()
    journal.read()
    return journal


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.run.json")


def _difference(before: object, now: dict[str, Any]) -> str:
    """Where two records differ: the first field, what it was and what it is now."""
    if not isinstance(before, dict):
        return shorten(before)
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old != new and isinstance(old, dict) and isinstance(new, dict):
            return f"{name}: {_difference(old, new)}"
        if old != new:
            return f"{name} was {shorten(old, 80)}, is {shorten(new, 80)}"
    return "equal"
