"""A submission is read line by line in bounded memory; a hostile file gives defects, not a crash.

JSONL: UTF-8, one object a line; blank lines are skipped. A line over the limit is passed over in small pieces and
reported. Parquet: the same columns, one row a prediction; "line" is then the number of the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from terra_cot.errors import DataError
from terrascope_bench.prediction import FIELDS, MASK_FIELDS, Checker, Defect, Expected, Prediction

MAX_LINE = 16 * 2**20
"""16 MiB: 64 masks of full noise on a 1024 x 1024 image are a quarter of it."""
_MAX_OBJECTS = 10_000
_MAX_LISTS = 1_000_000
"""Counted as the character "[", which RLE text may hold too: once in 64 characters, so a legal line has a quarter."""
_PIECE = 2**20
OnBytes = Callable[[int, int], None]


def read_submission(
    path: Path,
    questions: Mapping[str, Expected],
    *,
    max_line: int = MAX_LINE,
    on_bytes: OnBytes | None = None,
) -> Iterator[Prediction | Defect]:
    """Every line of a submission, as a checked prediction or as its defects.

    An empty file has no defect here: it answers nothing, and scores 0. `find_defects` reports it.

    Raises:
        DataError: the file cannot be opened, or calls itself Parquet and is not.
    """
    checker = Checker(questions)
    try:
        with path.open("rb") as handle:
            parquet = path.suffix == ".parquet" or handle.read(4) == b"PAR1"
            if not parquet:
                handle.seek(0)
                yield from _read_jsonl(handle, checker, max_line, on_bytes, path.stat().st_size)
        if parquet:
            yield from _read_parquet(path, checker)
    except FileNotFoundError:
        raise DataError("no such file", file=path, fix="give a predictions file (JSONL or Parquet)") from None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=path) from None


def find_defects(path: Path, questions: Mapping[str, Expected], **options: Any) -> Iterator[Defect]:
    """Every defect of a submission, and one more where it holds nothing at all."""
    read = 0
    for item in read_submission(path, questions, **options):
        read += 1
        if isinstance(item, Defect):
            yield item
    if not read:
        yield Defect(1, "", "the submission is empty", None, "one line a question")


def _read_jsonl(
    handle: BinaryIO, checker: Checker, max_line: int, on_bytes: OnBytes | None, size: int
) -> Iterator[Prediction | Defect]:
    number = done = 0
    while data := handle.readline(max_line + 1):
        number += 1
        done += len(data)
        if len(data) > max_line and not data.endswith(b"\n"):
            length = len(data)
            del data
            while piece := handle.readline(_PIECE):
                length += len(piece)
                if piece.endswith(b"\n"):
                    break
            done += length - max_line - 1
            yield Defect(number, "", "the line is too long", f"{length} bytes", f"at most {max_line}")
        else:
            yield from _parse(data, number, checker)
        if on_bytes:
            on_bytes(done, max(size, done))


def _parse(data: bytes, number: int, checker: Checker) -> Iterator[Prediction | Defect]:
    if number == 1:
        data = data.removeprefix(b"\xef\xbb\xbf")
    data = data.strip()
    if not data:
        return
    # Small objects and lists take twenty times their text in memory: a line of millions is refused before parsing.
    if data.count(b"{") > _MAX_OBJECTS or data.count(b"[") > _MAX_LISTS:
        yield Defect(number, "", "too many objects or lists in one line", None, f"at most {_MAX_OBJECTS} objects")
        return
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield Defect(number, "", f"not JSON ({error.msg} at character {error.pos})")
        return
    except RecursionError:
        yield Defect(number, "", "not JSON (nested too deep)")
        return
    checked = checker.check(value, number)
    if isinstance(checked, Prediction):
        yield checked
    else:
        yield from checked


def _read_parquet(path: Path, checker: Checker) -> Iterator[Prediction | Defect]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            columns = [name for name in FIELDS if name in table.schema_arrow.names]
            if "question_id" not in columns:
                raise DataError(
                    "no question_id column", file=path, got=table.schema_arrow.names, expected=", ".join(FIELDS)
                )
            number = 0
            for batch in table.iter_batches(batch_size=64, columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    checked = checker.check(_without_nulls(row), number)
                    if isinstance(checked, Prediction):
                        yield checked
                    else:
                        yield from checked
    except pa.ArrowException as error:
        raise DataError(f"not a readable Parquet file ({error})", file=path) from None


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """A Parquet row has every column and every field of a mask; null there means absent. RLE bytes become text."""
    if isinstance(row.get("masks"), list):
        for mask in row["masks"]:
            if isinstance(mask, dict):
                if isinstance(mask.get("counts"), bytes):
                    mask["counts"] = mask["counts"].decode("latin-1")
                for name in MASK_FIELDS:
                    if mask.get(name, 0) is None:
                        del mask[name]
    return row
