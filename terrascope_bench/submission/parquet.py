"""Parquet has the columns of JSONL, one row a prediction; null means absent. See `parquet_rows` for who unpacks it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from terra_cot.errors import DataError, shorten
from terrascope_bench.prediction import Defect, Prediction
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.jsonl import OnBytes
from terrascope_bench.submission.limits import LEAST_UNPACKED, MAX_ROWS, READER_BYTES, unpacked_limit

_PLACE = "row"
_PROGRAM = "terrascope_bench.submission.parquet_rows"
_BATCHES = (64, 1)
"""Rows at a time: where 64 need too much memory, those that are left are read one by one."""
_MEMORY = "memory"


@dataclass
class _Reading:
    """How far the rows of one file have been read."""

    path: Path
    size: int
    max_rows: int
    max_line: int
    number: int = 0
    bytes: int = 0
    started: bool = False


def read_parquet(
    path: Path, size: int, questions: int, checker: Checker, max_line: int, on_bytes: OnBytes | None
) -> Iterator[Prediction | Defect]:
    """Every row as a prediction or its defects, numbered from 1.

    Raises:
        DataError: not Parquet, other columns or types, or more rows than are read.
    """
    checker.place = _PLACE
    state = _Reading(path, size, max(MAX_ROWS, 2 * questions), max_line)
    ended = _MEMORY
    for batch_rows in _BATCHES:
        if ended == _MEMORY:
            ended = yield from _read(state, batch_rows, checker, on_bytes)
    if ended == _MEMORY:
        ended = f"the row needs more than {READER_BYTES} bytes of memory"
    if ended and not state.started:
        raise DataError(f"not a readable Parquet file ({ended})", file=path)
    if ended:
        yield Defect(state.number + 1, "", f"{ended}; what follows was not read", place=_PLACE, kind="broken_file")


def _read(
    state: _Reading, batch_rows: int, checker: Checker, on_bytes: OnBytes | None
) -> Generator[Prediction | Defect, None, str]:
    """Pass on the rows after `state.number`; returns why that ended: "" at the end, "memory" if it may be retried."""
    with _reader(state, batch_rows) as (process, errors):
        lines = process.stdout
        assert lines is not None
        header = lines.readline()
        if header.startswith(b"{"):
            rows = _rows_told(orjson.loads(header), state)
            state.started = True
            for line in lines:
                ended = _end(line)
                if ended is not None:
                    return ended
                yield from _row(line.rstrip(b"\n"), state, checker)
                if state.bytes > unpacked_limit(state.size) or state.number > state.max_rows:
                    return f"it expands to more than {unpacked_limit(state.size)} bytes or {state.max_rows} rows"
                if on_bytes:
                    on_bytes(state.size * state.number // max(rows, state.number), state.size)
        elif header:
            return _end(header) or ""
        return _why(process.wait(), errors)


def _rows_told(header: dict[str, object], state: _Reading) -> int:
    refused, rows = header.get("refused"), header.get("rows")
    if not isinstance(rows, int):
        raise DataError(shorten(str(refused), 300), file=state.path)
    if rows > state.max_rows:
        raise DataError("too many rows", file=state.path, got=rows, expected=f"at most {state.max_rows}")
    return rows


def _row(line: bytes, state: _Reading, checker: Checker) -> Iterator[Prediction | Defect]:
    state.number += 1
    state.bytes += max(len(line), LEAST_UNPACKED)
    if not line.startswith(b"!"):
        checked = checker.check(orjson.loads(line), state.number)
        yield from checked if isinstance(checked, list) else (checked,)
        return
    kind, field, problem, got, size = orjson.loads(line[1:])
    state.bytes += size
    yield Defect(state.number, field, problem, None if got is None else shorten(got), place=_PLACE, kind=kind)


def _end(line: bytes) -> str | None:
    """Why the reader ends, where the line says so."""
    if line == b".\n":
        return ""
    return line[1:].decode("utf-8", "replace").strip() if line.startswith(b"?") else None


def _why(code: int, errors: IO[bytes]) -> str:
    """Why the reader is gone without a last word. A library that gets no memory may well abort instead of saying so."""
    if code == -signal.SIGXCPU:
        return "it takes too long to unpack"
    if code < 0:
        return _MEMORY
    errors.seek(0)
    told = errors.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"the reader failed: {shorten(told)}"


@contextmanager
def _reader(state: _Reading, batch_rows: int) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The reading process and its standard error; it is gone when the context is left."""
    # `-P` and our own search path: the working folder must not put modules of its own in the program's way.
    paths = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    small = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
    numbers = (batch_rows, state.number, state.max_line, READER_BYTES)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", _PROGRAM, os.fsencode(state.path.absolute()), *map(str, numbers)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **small, "PYTHONPATH": paths},
        )
        with process:
            try:
                yield process, errors
            finally:
                process.kill()
