"""A submission is read line by line in bounded memory; a hostile file gives defects, not a crash.

JSONL: UTF-8, one object a line; blank lines are skipped. Parquet: the same columns, one row a prediction; "line" is
then the number of the row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terrascope_bench.prediction import Defect, Expected, Prediction
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.jsonl import OnBytes, read_jsonl
from terrascope_bench.submission.parquet import read_parquet

MAX_LINE = 16 * 2**20
"""16 MiB: 30 masks of full noise on a 1024 x 1024 image."""


def read_submission(
    path: Path,
    questions: Mapping[str, Expected],
    *,
    resize: bool = False,
    max_line: int = MAX_LINE,
    on_bytes: OnBytes | None = None,
) -> Iterator[Prediction | Defect]:
    """Every line of a submission, as a checked prediction or as its defects.

    An empty file has no defect here: it answers nothing, and scores 0. `find_defects` reports it.

    Args:
        resize: let masks of another size than the question's pass, at their own size; else they are defects.
        on_bytes: called with (bytes read, bytes in all).

    Raises:
        DataError: the file cannot be opened, or is not of the format that it claims to be.
    """
    checker = Checker(questions, resize=resize)
    try:
        with path.open("rb") as handle:
            parquet = path.suffix == ".parquet" or handle.read(4) == b"PAR1"
            if not parquet:
                handle.seek(0)
                yield from read_jsonl(handle, checker, max_line, on_bytes, path.stat().st_size)
        if parquet:
            yield from read_parquet(path, checker)
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
