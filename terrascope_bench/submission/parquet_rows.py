"""Parquet is unpacked in a process of its own, which the kernel stops where a file needs more memory than allowed.

A few kilobytes of Parquet can stand for terabytes, and the sizes in its footer are the author's word. So this program
(`python -m`, started by `parquet.py`) reads the rows in small batches under a limit, and writes one line each:

| line | means |
|---|---|
| `{"rows": n}` | first line: the file can be read and has the right columns |
| `{"refused": problem}` | first line: it cannot, or has not |
| `{"question_id": ...}` | the next row, nulls left out |
| `!["kind", "field", "problem", "got", bytes]` | the next row cannot be passed on; it has some `bytes` |
| `?problem` | the rest cannot be read; it is the last line |
| `.` | the end, reached |

Nothing in a file is executed or unpickled: columns of extension types are refused by their type.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from terrascope_bench.prediction import FIELDS, MASK_FIELDS
from terrascope_bench.submission.check import slips

_SECONDS = 600
"""Of processor time, and one more for each MiB of file."""


def main(path: Path, batch_rows: int, skip: int, max_line: int, memory: int) -> None:
    """Write the rows of the file from row `skip` on to standard output."""
    _limit(memory, _SECONDS + path.stat().st_size // 2**20)
    write = sys.stdout.buffer.write
    try:
        for line in _lines(path, batch_rows, skip, max_line):
            write(line)
            write(b"\n")
    except MemoryError:  # Arrow's too
        write(b"?memory\n")
    sys.stdout.buffer.flush()


def _limit(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for name, value in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (value, value))


def _lines(path: Path, batch_rows: int, skip: int, max_line: int) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    started = False
    try:
        # Page by page: buffering ahead would hold whole column chunks.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20) as table:
            refusal = _refusal(table.schema_arrow)
            if refusal:
                yield orjson.dumps({"refused": refusal})
                return
            yield orjson.dumps({"rows": table.metadata.num_rows})
            started = True
            groups, skip = _from(table.metadata, skip)
            columns = [name for name in FIELDS if name in table.schema_arrow.names]
            for batch in table.iter_batches(batch_rows, groups, columns, use_threads=False):
                take = min(skip, batch.num_rows)
                skip -= take
                yield from _rows(_plain(batch.slice(take)), max_line)
            yield b"."
    except pa.ArrowMemoryError:
        yield b"?memory"
    except (pa.ArrowException, OSError) as error:
        problem = " ".join(str(error).split())[:300]
        yield orjson.dumps({"refused": problem}) if not started else b"?" + problem.encode()


def _from(metadata: Any, skip: int) -> tuple[list[int], int]:
    """Row groups that hold rows after `skip`, and how many rows of the first of them are to be skipped."""
    group = 0
    while group < metadata.num_row_groups and metadata.row_group(group).num_rows <= skip:
        skip -= metadata.row_group(group).num_rows
        group += 1
    return list(range(group, metadata.num_row_groups)), skip


def _refusal(schema: Any) -> str | None:
    """What is wrong with the columns, or None."""
    names = schema.names
    if "question_id" not in names:
        return f"no question_id column; got {', '.join(names[:20])}, expected {', '.join(FIELDS)}"
    for name in names:
        if names.count(name) > 1 and name in FIELDS:
            return f"column {name} stands twice"
    for name, near in slips(dict.fromkeys(names), FIELDS):
        return f'unknown column {name}; did you mean "{near}"?'
    wrong = [
        f"column {name} is {str(schema.field(name).type)[:80]}, expected {wanted}"
        for name in FIELDS
        if name in names and (wanted := _wanted(name, schema.field(name).type))
    ]
    return "; ".join(wrong) or None


def _wanted(name: str, kind: Any) -> str | None:
    """The type that a column should have, where it has another."""
    import pyarrow.types as types

    if types.is_null(kind):
        return None
    if name == "confidence":
        return None if types.is_floating(kind) or types.is_integer(kind) else "a number"
    if name != "masks":
        return None if _is_text(kind) else "text"
    entry = kind.value_type if _is_list(kind) else None
    if entry is None or not (types.is_struct(entry) or types.is_null(entry)):
        return "a list of {frame, label, size, counts}"
    for field in entry if types.is_struct(entry) else ():
        size = _is_list(field.type) and types.is_integer(field.type.value_type)
        good = {
            "frame": _is_text(field.type),
            "label": _is_text(field.type),
            "size": size,
            "counts": _is_text(field.type) or types.is_binary(field.type) or types.is_large_binary(field.type),
        }.get(field.name, True)
        if not good and not types.is_null(field.type):
            return "a list of {frame: text, label: text, size: list of whole numbers, counts: text}"
    return None


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _plain(batch: Any) -> Any:
    """Categories as the texts they stand for: only then does the batch's size tell that of its rows."""
    import pyarrow as pa

    columns = [column.dictionary_decode() if pa.types.is_dictionary(column.type) else column for column in batch]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _rows(batch: Any, max_line: int) -> Iterator[bytes]:
    # One slice a row only where the batch is heavy: a row over the limit is then never turned into Python objects.
    single = batch.nbytes > max_line
    for start in range(0, batch.num_rows, 1 if single else max(batch.num_rows, 1)):
        part = batch.slice(start, 1) if single else batch
        size = part.nbytes
        if single and size > 4 * max_line:  # offsets and validity count too, so the limit proper is that of the text
            yield _fault("too_long", "", "the row is too long", f"some {size} bytes", size)
            continue
        try:
            rows = part.to_pylist()
        except UnicodeDecodeError:
            yield from _rows_with_bad_text(part, max_line)
            continue
        yield from (_line(row, max_line) for row in rows)


def _rows_with_bad_text(batch: Any, max_line: int) -> Iterator[bytes]:
    for index in range(batch.num_rows):
        part = batch.slice(index, 1)
        for name in batch.schema.names:
            try:
                part.column(name).to_pylist()
            except UnicodeDecodeError:
                yield _fault("malformed", name, "not UTF-8", None, part.nbytes)
                break
        else:
            yield _line(part.to_pylist()[0], max_line)


def _line(row: dict[str, Any], max_line: int) -> bytes:
    """The row as JSON; null, which here is absence, left out. RLE bytes become text."""
    row = {name: value for name, value in row.items() if value is not None}
    confidence = row.get("confidence")
    if confidence is not None and not math.isfinite(confidence):  # JSON has no word for it
        return _fault("confidence", "confidence", "must be a share from 0 to 1", str(confidence), 0)
    if isinstance(row.get("masks"), list):
        row["masks"] = [_mask(mask) if isinstance(mask, dict) else mask for mask in row["masks"]]
    data = orjson.dumps(row)
    if len(data) > max_line:
        return _fault("too_long", "", "the row is too long", f"{len(data)} bytes", len(data))
    return data


def _mask(mask: dict[str, Any]) -> dict[str, Any]:
    """Known fields as they are; of others the name only, which is all that is looked at."""
    out = {name: value if name in MASK_FIELDS else None for name, value in mask.items() if value is not None}
    counts = out.get("counts")
    if isinstance(counts, bytes):
        out["counts"] = counts.decode("latin-1")
    return out


def _fault(kind: str, field: str, problem: str, got: str | None, size: int) -> bytes:
    return b"!" + orjson.dumps([kind, field, problem, got, size])


if __name__ == "__main__":
    main(Path(os.fsdecode(sys.argv[1])), *map(int, sys.argv[2:6]))
