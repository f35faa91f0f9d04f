"""Every column of the verdicts is told in a schema, with its unit, and real rows fit it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from benchfactory import write_dataset
from cardfactory import submit
from jsonschema import Draft202012Validator

from terra_cot import FORMAT_VERSION
from terra_cot.schema import check, schema
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.build import build_benchmark
from terrascope_bench.outcome import Outcome
from terrascope_bench.score import score
from terrascope_bench.verdicts import SCHEMA


def json_types(kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_list(kind):
        yield "array"
    elif pa.types.is_integer(kind):
        yield "integer"
    elif pa.types.is_floating(kind):
        yield "number"
    else:
        yield "boolean" if pa.types.is_boolean(kind) else "string"


def test_the_schema_is_that_of_the_table() -> None:
    found = schema("verdict")
    Draft202012Validator.check_schema(found)
    assert found["version"] == FORMAT_VERSION
    assert list(found["properties"]) == found["required"] == SCHEMA.names
    for entry in SCHEMA:
        told = found["properties"][entry.name]
        assert told["description"]
        types = {told["type"]} if isinstance(told["type"], str) else set(told["type"])
        assert types - {"null"} == set(json_types(entry.type)), entry.name
    assert found["properties"]["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    letters = found["properties"]["letters"]
    assert letters["minItems"] == letters["maxItems"] == len(EXTRACTORS)
    assert ", ".join(EXTRACTORS) in letters["description"]


def test_real_verdicts_fit(tmp_path: Path) -> None:
    bench = tmp_path / "bench"
    build_benchmark([write_dataset(tmp_path / "data", 40, 20)], bench, per_task=8)
    path = submit(bench, tmp_path / "p.jsonl", skill=0.5)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[3:]) + "\n")
    rows = score(path, bench).verdicts.cast(SCHEMA).to_pylist()
    assert {row["outcome"] for row in rows} >= {"correct", "wrong", "missing"}
    assert max(row["iou"] for row in rows) > 10_000_000  # billionths, as the schema says
    for row in rows:
        check(row, "verdict", "verdicts")
