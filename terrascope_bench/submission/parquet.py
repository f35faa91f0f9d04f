"""Parquet has the columns of JSONL, one row a prediction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terrascope_bench.prediction import FIELDS, MASK_FIELDS, Defect, Prediction
from terrascope_bench.submission.check import Checker


def read_parquet(path: Path, checker: Checker) -> Iterator[Prediction | Defect]:
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
