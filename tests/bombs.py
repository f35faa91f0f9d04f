"""Files that are small on the disk and huge, endless or dangerous when read; all made by ordinary writers."""

from __future__ import annotations

import gzip
import pickle
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_MASK = pa.struct(
    [("frame", pa.string()), ("label", pa.string()), ("size", pa.list_(pa.int64())), ("counts", pa.string())]
)


def _write(path: Path, batches: list[pa.RecordBatch], **options: object) -> None:
    with pq.ParquetWriter(path, batches[0].schema, compression="zstd", **options) as writer:
        for batch in batches:
            writer.write_batch(batch)


def same_long_text(path: Path) -> None:
    """20,000 rows that all point to one text of 50 MB: 1 TB of text."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), pa.array(["x" * 50_000_000]))
    ids = pa.array([f"q{n}" for n in range(20_000)])
    schema = pa.schema([("question_id", pa.string()), ("response", pa.string())])
    plain = pa.table([ids, text], names=["question_id", "response"])
    table = plain.replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=2**30, store_schema=False)
    assert pq.read_schema(path).equals(schema)


def one_page(path: Path) -> None:
    """One row with 600 MB of text."""
    _write(path, [pa.record_batch([["q"], ["A" * 600_000_000]], names=["question_id", "answer"])], use_dictionary=False)


def many_long_rows(path: Path) -> None:
    """40 rows of 12 MB each, every one legal for itself: 480 MB."""
    batch = pa.record_batch([["q"], ["A" * 12_000_000]], names=["question_id", "answer"])
    _write(path, [batch] * 40, use_dictionary=False)


def rows_of_nothing(path: Path, rows: int = 50_000_000) -> None:
    """Rows that take no bytes at all."""
    column = pa.nulls(1_000_000, pa.string())
    _write(path, [pa.record_batch([column], names=["question_id"])] * (rows // 1_000_000))


def rows_in_bounds(path: Path) -> None:
    """As many rows of nothing as may just be read."""
    rows_of_nothing(path, 1_000_000)


def one_row_of_masks(path: Path) -> None:
    """One row with 100 million null masks."""
    count = 100_000_000
    masks = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), pa.nulls(count, _MASK))
    _write(path, [pa.record_batch([pa.array(["q"]), masks], names=["question_id", "masks"])])


def many_columns(path: Path) -> None:
    """20,000 columns beside the right ones."""
    names = ["question_id", "answer", *(f"c{n}" for n in range(20_000))]
    _write(path, [pa.record_batch([pa.array(["A"])] * len(names), names=names)])


class _Trap:
    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self._marker,)


def pickled_type(path: Path) -> None:
    """A column whose type is a pickle that makes the file `PATH.ran` when loaded (CVE-2023-47248)."""
    trap = pickle.dumps(_Trap(path.with_name(f"{path.name}.ran")))
    field = pa.field(
        "answer",
        pa.string(),
        metadata={"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": trap},
    )
    schema = pa.schema([pa.field("question_id", pa.string()), field], metadata={"pandas": trap})
    _write(path, [pa.record_batch([["q"], ["A"]], schema=schema)])


BOMBS: dict[str, Callable[[Path], None]] = {
    maker.__name__: maker
    for maker in (
        same_long_text,
        one_page,
        many_long_rows,
        rows_of_nothing,
        rows_in_bounds,
        one_row_of_masks,
        many_columns,
        pickled_type,
    )
}


def gzip_of(path: Path, piece: bytes, times: int) -> None:
    """`piece`, `times` times over, packed."""
    with gzip.open(path, "wb", compresslevel=6) as handle:
        for _ in range(times):
            handle.write(piece)
