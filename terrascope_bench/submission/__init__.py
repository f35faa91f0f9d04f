"""A submission is read piece by piece in bounded memory; a hostile file gives defects, not a crash.

| format | told by | one prediction is |
|---|---|---|
| JSONL | none of the others | a line (UTF-8, one object); blank lines are skipped |
| Parquet | `PAR1` at its start | a row, with the same columns |
| the official scripts' JSON | `{"results": ` at its start, or the name `.json` | a result |

JSON of both kinds may be packed by gzip. Limits: `limits`. A file that cannot be opened, or is none of these, is a
DataError; one that goes wrong midway gives what came before, and a last defect that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terrascope_bench.prediction import Defect, Expected, Prediction
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.jsonl import OnBytes, read_jsonl
from terrascope_bench.submission.limits import MAX_LINE
from terrascope_bench.submission.official import read_official
from terrascope_bench.submission.parquet import read_parquet
from terrascope_bench.submission.source import open_source
from terrascope_bench.submission.texts import read_texts

__all__ = ["MAX_LINE", "find_defects", "read_submission"]


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
    checker = Checker(questions, resize=resize, texts_later=True)
    tell = None if on_bytes is None else _forward(on_bytes)
    try:
        with open_source(path) as source:
            if source.kind == "jsonl":
                items = read_jsonl(source, checker, max_line, tell)
            elif source.kind == "official":
                items = read_official(source, path, questions, checker, max_line, tell)
            else:
                items = read_parquet(path, source.size, len(questions), checker, max_line, tell)
            yield from read_texts(items, checker)
            if on_bytes:
                on_bytes(source.size, source.size)
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
        yield EMPTY


def _forward(on_bytes: OnBytes) -> OnBytes:
    """Tell only what is new; the end is told when it is reached, not when its last bytes lie in a buffer."""
    told = -1

    def tell(done: int, size: int) -> None:
        nonlocal told
        if told < done < size:
            told = done
            on_bytes(done, size)

    return tell


EMPTY = Defect(1, "", "the submission is empty", None, "one line a question", kind="empty")
