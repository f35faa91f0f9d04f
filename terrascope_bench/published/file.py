"""The published Parquet is read a few rows at a time, however large its row groups are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from terra_cot.errors import DataError, SchemaError
from terra_cot.store.atomic import sha256_file
from terrascope_bench.published.row import MAX_IMAGE_BYTES

COLUMNS = ("image", "question", "candidates", "answer", "task_type")
_BATCH_ROWS = 64
_BATCH_BYTES = 64 * 1024 * 1024
_MAX_TEXT_BYTES = 1024 * 1024
"""Bytes that the texts of one row may take on average: a file that unpacks to more is no benchmark."""


class PublishedFile:
    """An opened published file; nothing but its footer is in memory.

    Raises:
        DataError: missing, not Parquet, or it would unpack to more than its rows may hold.
        SchemaError: a column is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise DataError("no such file", file=path, fix="give the published Parquet file")
        with self._open() as file:
            names = file.schema_arrow.names
            if any(name not in names for name in COLUMNS):
                raise SchemaError("columns are missing", file=path, got=names, expected=list(COLUMNS))
            self.rows = file.metadata.num_rows
            self._batch = self._batch_rows(file.metadata)

    @cached_property
    def sha256(self) -> str:
        return sha256_file(self.path)

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size

    def read(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(number from 0, row) of every row."""
        yield from self._read(list(COLUMNS))

    def image_names(self) -> Iterator[str]:
        """The published path of every image that has one, without reading an image."""
        with self._open() as file:
            leaves = [file.metadata.schema.column(k).path for k in range(file.metadata.num_columns)]
        if "image.path" not in leaves:
            return
        for _, row in self._read(["image.path"]):
            path = (row["image"] or {}).get("path")
            if isinstance(path, str):
                yield path

    def _read(self, columns: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        number = 0
        with self._open() as file:
            try:
                for batch in file.iter_batches(self._batch, columns=columns, use_threads=False):
                    for row in batch.to_pylist():
                        yield number, row
                        number += 1
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                raise DataError(
                    f"cannot be read on ({error})", file=self.path, row=number, fix="fetch it again"
                ) from None

    def _open(self) -> pq.ParquetFile:
        try:
            # Unbuffered, a row group of all rows would be read whole before its first row is seen.
            return pq.ParquetFile(self.path, pre_buffer=False, buffer_size=1024 * 1024)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise DataError(f"not a readable Parquet file ({error})", file=self.path, fix="fetch it again") from None

    def _batch_rows(self, metadata: pq.FileMetaData) -> int:
        """Rows to hold at a time; refuses what unpacks to more than rows may hold."""
        widest = 0.0
        for k in range(metadata.num_row_groups):
            group = metadata.row_group(k)
            rows = max(group.num_rows, 1)
            for j in range(group.num_columns):
                column = group.column(j)
                held = column.total_uncompressed_size
                limit = MAX_IMAGE_BYTES if column.path_in_schema.startswith("image.") else _MAX_TEXT_BYTES
                if column.path_in_schema.partition(".")[0] in COLUMNS and held > limit * rows:
                    raise DataError(
                        "unpacks to more than a benchmark holds",
                        file=self.path,
                        field=column.path_in_schema,
                        got=f"{held} bytes in {group.num_rows} rows",
                        expected=f"up to {limit} bytes a row",
                    )
            widest = max(widest, group.total_byte_size / rows)
        return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES // max(widest, 1.0))))
