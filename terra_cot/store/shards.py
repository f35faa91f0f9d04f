"""Shards are Parquet parts with one fixed Arrow schema a table; a part is written whole or not at all.

Image columns are stored as they come (already compressed), the rest with zstd. Row groups are small enough that one
can be held in memory and read at random. The schema carries Hugging Face feature types, so that `datasets` gives images
as images.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from terra_cot.errors import DataError, SchemaError
from terra_cot.store.atomic import replacing, sha256_file

_FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_TEXTS = pa.list_(pa.string())
_PAIR = pa.list_(pa.float64())

FRAME = pa.struct(
    [
        ("frame", pa.string()),
        ("modality", pa.string()),
        ("datetime", pa.string()),
        ("image", _FILE),
        ("raster", _FILE),
        ("bands", _TEXTS),
        ("cloud_fraction", pa.float64()),
        ("nodata_fraction", pa.float64()),
        ("shift_px", _PAIR),
        ("shift_score", pa.float64()),
        ("shift_found_px", _PAIR),
        ("shift_status", pa.string()),
        ("shift_reason", pa.string()),
        ("cloud_flag", pa.bool_()),
        ("cloud", _FILE),
    ]
)
DATED_LABEL = pa.struct([("frame", pa.string()), ("label", _FILE)])
MASK = pa.struct(
    [("frame", pa.string()), ("label", pa.string()), ("size", pa.list_(pa.int32())), ("counts", pa.string())]
)
EVIDENCE = pa.struct(
    [("fact", pa.string()), ("masks", pa.list_(pa.int32())), ("value", pa.float64()), ("unit", pa.string())]
)
SHOWN = pa.struct([("frame", pa.string()), ("modality", pa.string())])

_AGAIN = "delete it and run the recipe again (of a benchmark: build it again)"

_TILE_FIELDS = [
    ("tile_id", pa.string()),
    ("frames", pa.list_(FRAME)),
    ("label", _FILE),
    ("label_frame", pa.string()),
    ("legend", pa.string()),
    ("crs", pa.string()),
    ("transform", pa.list_(pa.float64())),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("gsd_m", pa.float64()),
    ("source", pa.string()),
    ("source_id", pa.string()),
    ("licence", pa.string()),
    ("split", pa.string()),
    ("lon", pa.float64()),
    ("lat", pa.float64()),
    ("phash", pa.string()),
    ("label_series", pa.list_(DATED_LABEL)),
]
_SAMPLE_FIELDS = [
    ("sample_id", pa.string()),
    ("tile_id", pa.string()),
    ("tier", pa.string()),
    ("task", pa.string()),
    ("frames", pa.list_(SHOWN)),
    ("question", pa.string()),
    ("options", _TEXTS),
    ("answer", pa.string()),
    ("chain", pa.string()),
    ("masks", pa.list_(MASK)),
    ("evidence", pa.list_(EVIDENCE)),
    ("writer", pa.string()),
    ("split", pa.string()),
    ("seed", pa.int64()),
]


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of shard: its folder name, schema and how many rows a row group holds."""

    name: str
    schema: pa.Schema
    rows_per_group: int

    def part(self, folder: Path, number: int) -> Path:
        return folder / self.name / f"part-{number:05d}.parquet"

    def parts(self, folder: Path) -> list[Path]:
        return sorted((folder / self.name).glob("part-*.parquet"))


@dataclass(frozen=True, slots=True)
class Part:
    """A written part: its path inside the dataset, rows, bytes on disk and checksum."""

    path: str
    rows: int
    bytes: int
    sha256: str


def make_table(name: str, fields: list[tuple[str, pa.DataType]], rows_per_group: int) -> Table:
    """A table whose schema carries the Hugging Face feature of each field."""
    features = {key: _feature(key, kind) for key, kind in fields}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return Table(name, pa.schema(fields, metadata=metadata), rows_per_group)


_IMAGES = ("image", "label", "cloud")


def _feature(name: str, kind: pa.DataType) -> Any:
    if kind == _FILE:
        if name in _IMAGES:
            return {"_type": "Image"}
        return {"bytes": _value("binary"), "path": _value("string")}
    if pa.types.is_list(kind):
        return [_feature("", kind.value_type)]
    if pa.types.is_struct(kind):
        return {kind.field(i).name: _feature(kind.field(i).name, kind.field(i).type) for i in range(kind.num_fields)}
    return _value({"double": "float64"}.get(str(kind), str(kind)))


def _value(dtype: str) -> dict[str, str]:
    return {"_type": "Value", "dtype": dtype}


TILES = make_table("tiles", _TILE_FIELDS, rows_per_group=16)
SAMPLES = make_table("samples", _SAMPLE_FIELDS, rows_per_group=256)


def write_part(folder: Path, table: Table, number: int, rows: Iterable[dict[str, Any]]) -> Part:
    """Write rows as part `number` of `table`, atomically; memory holds one row group at a time.

    A part without rows has no file: readers of the Hugging Face world refuse Parquet files of no rows.

    Returns:
        The part's path relative to `folder`, its rows, size and checksum.
    """
    path = table.part(folder, number)
    part = write_rows(path, table, rows)
    if part.rows == 0:
        path.unlink()
        return Part(f"{table.name}/{part.path}", 0, 0, "")
    return Part(f"{table.name}/{part.path}", part.rows, part.bytes, part.sha256)


def write_rows(path: Path, table: Table, rows: Iterable[dict[str, Any]]) -> Part:
    """Write rows as one Parquet file at `path`, atomically; the part's path is the file's name."""

    def groups() -> Iterator[pa.Table]:
        held = iter(rows)
        while group := list(islice(held, table.rows_per_group)):
            yield pa.Table.from_pylist(group, schema=table.schema)

    return write_tables(path, table, groups())


def write_tables(path: Path, table: Table, pieces: Iterable[pa.Table]) -> Part:
    """`write_rows` of rows that are Arrow already, in pieces of any length: the bytes are the same."""
    written = 0
    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, table.schema, compression=_compression(table.schema)) as writer:
            for group in _regrouped(pieces, table):
                writer.write_table(group)
                written += group.num_rows
        size, digest = temporary.stat().st_size, sha256_file(temporary)
    return Part(path.name, written, size, digest)


def _regrouped(pieces: Iterable[pa.Table], table: Table) -> Iterator[pa.Table]:
    """Row groups of the table's size, the last smaller; one of no rows where there are none."""
    held: list[pa.Table] = []
    rows, yielded = 0, False
    for piece in pieces:
        held.append(piece)
        rows += piece.num_rows
        while rows >= table.rows_per_group:
            joined = pa.concat_tables(held)
            yield joined.slice(0, table.rows_per_group).combine_chunks()
            yielded, rows = True, rows - table.rows_per_group
            held = [joined.slice(table.rows_per_group)] if rows else []
    if rows:
        yield pa.concat_tables(held).combine_chunks()
    elif not yielded:
        yield table.schema.empty_table()


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Codec by leaf column: image and raster bytes are compressed already."""
    return {path: "NONE" if path.endswith(".bytes") else "ZSTD" for path in _leaves(schema)}


def _leaves(schema: pa.Schema) -> Iterator[str]:
    def walk(prefix: str, kind: pa.DataType) -> Iterator[str]:
        if pa.types.is_list(kind):
            yield from walk(f"{prefix}.list.element", kind.value_type)
        elif pa.types.is_struct(kind):
            for i in range(kind.num_fields):
                yield from walk(f"{prefix}.{kind.field(i).name}", kind.field(i).type)
        else:
            yield prefix

    for field in schema:
        yield from walk(field.name, field.type)


def open_part(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    """A Parquet file that has the columns of `schema`.

    Raises:
        DataError: missing or not a readable Parquet file (truncated, foreign).
        SchemaError: readable, but not this table.
    """
    try:
        part = pq.ParquetFile(path)
    except FileNotFoundError:
        raise DataError("the part is missing", file=path, fix="run the command that made it again") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"not a readable Parquet file ({_said(error)})", file=path, fix=_AGAIN) from None
    absent = [name for name in schema.names if name not in part.schema_arrow.names]
    if absent:
        raise SchemaError("columns are missing", file=path, got=part.schema_arrow.names, expected=absent)
    return part


def read_rows(path: Path, table: Table, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Rows of one part as dictionaries, one row group in memory at a time. `columns` as in pyarrow (dotted leaves)."""
    with open_part(path, table.schema) as part:
        for group in range(part.num_row_groups):
            yield from read_group(part, group, columns, path)


def read_group(part: pq.ParquetFile, group: int, columns: list[str] | None, path: Path) -> list[dict[str, Any]]:
    """Rows of one row group as dictionaries."""
    try:
        # Groups are small: handing columns to threads costs more than it brings.
        return part.read_row_group(group, columns=columns, use_threads=False).to_pylist()  # type: ignore[no-any-return]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"row group {group} cannot be read ({_said(error)})", file=path, fix=_AGAIN) from None


def _said(error: Exception) -> str:
    """What Arrow says, without the sentence that guesses."""
    return str(error).partition(" Either the file is corrupted")[0].rstrip(".")
