"""JSON that crosses the border has a JSON Schema (draft 2020-12), found in the wheel and in a checkout alike."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import orjson

from terra_cot.errors import SchemaError


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema `name`.schema.json."""
    shipped = Path(__file__).parent / "schemas"  # a wheel holds them here, a checkout beside the packages
    folder = shipped if shipped.is_dir() else Path(__file__).parent.parent / "schemas"
    return orjson.loads((folder / f"{name}.schema.json").read_bytes())  # type: ignore[no-any-return]


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema(name))


def check(value: Any, name: str, file: object, row: object = None) -> None:
    """Raise SchemaError, naming the field, where `value` is not what schema `name` describes."""
    fault = next(_validator(name).iter_errors(value), None)
    if fault is not None:
        where = ".".join(str(step) for step in fault.absolute_path) or None
        raise SchemaError(f"not a valid {name}: {fault.message[:160]}", file=file, row=row, field=where)
