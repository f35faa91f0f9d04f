"""Each JSON Schema is tied to its type: real values pass, altered ones do not, and the fields are the same."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
import yaml
from geofactory import rasters_archive
from jsonschema import Draft202012Validator

from pipelines.recipes import shipped
from terra_cot import FORMAT_VERSION, curate
from terra_cot.errors import SchemaError
from terra_cot.recipe import load_recipe, make_recipe, schema_text
from terra_cot.schema import check, schema
from terra_cot.store.shards import SAMPLES, TILES, Table, read_rows

ROOT = Path(__file__).parents[3]
OWN = ("recipe", "manifest", "tile", "sample", "dropped")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    recipe = make_recipe(rasters_archive(folder / "data", scenes=1, side=150))
    curate.run(recipe, folder / "out")
    return folder / "out"


def as_json(row: Any) -> Any:
    """A row as JSON has it: bytes in base64."""
    if isinstance(row, dict):
        return {key: as_json(value) for key, value in row.items()}
    if isinstance(row, list):
        return [as_json(value) for value in row]
    return base64.b64encode(row).decode() if isinstance(row, bytes) else row


def rows(folder: Path, table: Table) -> list[Any]:
    return [as_json(row) for path in table.parts(folder) for row in read_rows(path, table)]


@pytest.mark.parametrize("name", OWN)
def test_a_schema_is_one_and_has_its_version(name: str) -> None:
    found = schema(name)
    Draft202012Validator.check_schema(found)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == f"https://terra-cot.org/schemas/{FORMAT_VERSION}/{name}.schema.json"
    assert found["version"] == FORMAT_VERSION
    assert found["description"]


def test_the_recipe_schema_is_that_of_the_model() -> None:
    command = "python -c \"from terra_cot.recipe import schema_text; print(schema_text(), end='')\""
    path = ROOT / "schemas" / "recipe.schema.json"
    assert path.read_text() == schema_text(), f"write it anew: {command} > {path}"


@pytest.mark.parametrize("path", shipped().values(), ids=lambda path: path.stem)
def test_shipped_recipes_fit_their_schema(path: Path) -> None:
    check(yaml.safe_load(path.read_text()), "recipe", path)
    check(load_recipe(path).body(), "recipe", path)


def test_real_rows_fit_their_schemas(dataset: Path) -> None:
    assert len(rows(dataset, TILES)) == 4
    for table, name in ((TILES, "tile"), (SAMPLES, "sample")):
        for row in rows(dataset, table):
            check(row, name, dataset)
    check(json.loads((dataset / "manifest.json").read_bytes()), "manifest", dataset)
    lines = (dataset / "dropped.jsonl").read_text().splitlines()
    assert lines
    for line in lines:
        check(json.loads(line), "dropped", dataset)


def fields(kind: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(path, JSON type) of every field of an Arrow schema or struct."""
    members = kind if isinstance(kind, pa.Schema) else [kind.field(i) for i in range(kind.num_fields)]
    for member in members:
        yield from described(member.type, f"{prefix}{member.name}")


def described(kind: pa.DataType, path: str) -> Iterator[tuple[str, str]]:
    if pa.types.is_list(kind):
        yield path, "array"
        yield from described(kind.value_type, f"{path}[]")
    elif pa.types.is_struct(kind):
        yield path, "object"
        yield from fields(kind, f"{path}.")
    else:
        name = "integer" if pa.types.is_integer(kind) else "number" if pa.types.is_floating(kind) else "string"
        name = "boolean" if pa.types.is_boolean(kind) else name
        yield path, name


def stated(node: Any, whole: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, JSON type) of every field of a JSON Schema."""
    if "$ref" in node:
        yield from stated(whole["$defs"][node["$ref"].rpartition("/")[2]], whole, path)
        return
    types = node.get("type", "string")
    kind = next(name for name in ([types] if isinstance(types, str) else types) if name != "null")
    if path:
        yield path, kind
    if kind == "object":
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
        for name, inner in node["properties"].items():
            yield from stated(inner, whole, f"{path}.{name}" if path else name)
    elif kind == "array":
        yield from stated(node["items"], whole, f"{path}[]")


@pytest.mark.parametrize(("name", "table"), [("tile", TILES), ("sample", SAMPLES)])
def test_a_row_schema_has_the_fields_of_its_table(name: str, table: Table) -> None:
    assert list(stated(schema(name), schema(name))) == list(fields(table.schema))


@pytest.mark.parametrize(("name", "table"), [("tile", TILES), ("sample", SAMPLES)])
def test_a_field_too_many_too_few_or_of_another_type_is_refused(dataset: Path, name: str, table: Table) -> None:
    row = rows(dataset, table)[0]
    for key in row:
        fewer = {other: value for other, value in row.items() if other != key}
        with pytest.raises(SchemaError, match=key):
            check(fewer, name, "x")
        with pytest.raises(SchemaError):
            check({**row, key: {"strange": True}}, name, "x")
    with pytest.raises(SchemaError, match="surplus"):
        check({**row, "surplus": 1}, name, "x")


def test_a_fault_is_told_with_its_field(dataset: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    broken = copy.deepcopy(manifest)
    broken["parts"][1]["rows"] = -3
    with pytest.raises(SchemaError, match=r"m\.json:parts\.1\.rows") as caught:
        check(broken, "manifest", "m.json")
    assert len(str(caught.value).splitlines()) == 1
    del broken["counts"]["samples"]
    with pytest.raises(SchemaError):
        check(broken, "manifest", "m.json")


def test_validators_of_others_agree(dataset: Path) -> None:
    """The schema stands on its own: plain jsonschema, no code of ours."""
    manifest = json.loads((dataset / "manifest.json").read_bytes())
    jsonschema.validate(manifest, json.loads((ROOT / "schemas" / "manifest.schema.json").read_bytes()))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest, "kind": "benchmark"}, schema("manifest"))
