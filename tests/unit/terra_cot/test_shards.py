"""A part has one fixed schema, is there whole or not at all, and what is broken is told by name."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from terra_cot.errors import DataError, SchemaError
from terra_cot.sample import Evidence, Sample, ShownFrame
from terra_cot.store.shards import EVIDENCE, FRAME, MASK, SAMPLES, TILES, read_rows, write_part
from terra_cot.tile import FrameRecord, TileRecord


def sample(number: int) -> dict[str, Any]:
    return Sample(
        f"s{number}", "tile", "l1", "area", (ShownFrame("t0", "optical"),), "What?", None, "1 m2", "It is 1 m2.", (),
        (Evidence("gsd", (), 10.0, "m"),), "template:area", "train", number,
    ).to_row()  # fmt: skip


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [sample(number) for number in range(600)]
    part = write_part(tmp_path, SAMPLES, 3, iter(rows))
    assert part.path == "samples/part-00003.parquet"
    assert part.rows == 600
    assert list(read_rows(tmp_path / part.path, SAMPLES)) == rows
    assert [Sample.from_row(row).to_row() for row in rows] == rows
    assert pq.ParquetFile(tmp_path / part.path).num_row_groups == 3


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    parts = [write_part(tmp_path / name, SAMPLES, 0, [sample(1), sample(2)]) for name in "ab"]
    assert parts[0] == parts[1]


@pytest.mark.parametrize(
    ("struct", "record"),
    [(TILES.schema, TileRecord), (SAMPLES.schema, Sample), (FRAME, FrameRecord), (EVIDENCE, Evidence)],
)
def test_records_and_schemas_have_the_same_fields(struct: Any, record: type) -> None:
    names = struct.names if isinstance(struct, pa.Schema) else [struct.field(i).name for i in range(struct.num_fields)]
    assert names == [field.name for field in fields(record)]


def test_the_schema_carries_hugging_face_features() -> None:
    import json

    features = json.loads(TILES.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["label"] == {"_type": "Image"}
    assert features["frames"][0]["image"] == {"_type": "Image"}
    assert features["frames"][0]["raster"] == {
        "bytes": {"_type": "Value", "dtype": "binary"},
        "path": {"_type": "Value", "dtype": "string"},
    }
    assert set(features) == set(TILES.schema.names)
    assert MASK.field("counts").type == pa.string()


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """Neither a half part nor a leftover: killed or failed, the old part stays."""
    before = write_part(tmp_path, SAMPLES, 0, [sample(1)])

    def rows() -> Any:
        yield from (sample(number) for number in range(300))
        raise RuntimeError("the generator fails after a row group")

    with pytest.raises(RuntimeError):
        write_part(tmp_path, SAMPLES, 0, rows())
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["part-00000.parquet"]
    assert list(read_rows(tmp_path / before.path, SAMPLES)) == [sample(1)]


def test_a_part_without_rows_has_no_file(tmp_path: Path) -> None:
    """Even where an older part of that number held some: readers of the Hugging Face world refuse empty files."""
    write_part(tmp_path, SAMPLES, 0, [sample(1)])
    part = write_part(tmp_path, SAMPLES, 0, [])
    assert part.rows == 0
    assert not (tmp_path / part.path).exists()


@pytest.mark.parametrize("keep", [0, 3, 100, -1, -9])
def test_a_truncated_file_is_a_data_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / write_part(tmp_path, SAMPLES, 0, [sample(number) for number in range(50)]).path
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"part-00000\.parquet"):
        list(read_rows(path, SAMPLES))


def test_a_damaged_page_is_a_data_error_or_shows(tmp_path: Path) -> None:
    """The footer is whole, a page is not: whichever byte is hit, nothing but DataError comes out."""
    rows = [sample(number) for number in range(50)]
    path = tmp_path / write_part(tmp_path, SAMPLES, 0, rows).path
    whole = path.read_bytes()
    caught = 0
    for at in range(4, len(whole) // 2, 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            list(read_rows(path, SAMPLES))
        except DataError:
            caught += 1
    assert caught > 0


def test_missing_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        list(read_rows(tmp_path / "absent.parquet", SAMPLES))
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(SchemaError, match="columns are missing"):
        list(read_rows(other, SAMPLES))
    with pytest.raises(DataError, match="not a readable Parquet file"):
        list(read_rows(tmp_path, SAMPLES))
