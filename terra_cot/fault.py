"""The first fault of a checked model in one line: key, what is wrong, what was given, what is expected.

A key that nobody knows is told before a key that is missing: it is most often the same one, misspelt.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from terra_cot.errors import did_you_mean, shorten

_PRIVATE = ("llm.base_url", "llm.api_key_env")  # somebody may have put a password or key there
_LISTS = ("tuple_type", "list_type", "set_type", "frozen_set_type")
_KEYED = ("model_type", "model_attributes_type", "dict_type")
_Loc = tuple[int | str, ...]


def describe(error: ValidationError, model: type[BaseModel], within: str = "", beside: tuple[str, ...] = ()) -> str:
    """The line.

    Args:
        within: the key under which `model` stands, such as `source`.
        beside: keys that stand beside those of `model`, and are checked elsewhere.
    """
    found = error.errors(include_url=False)
    first = next((fault for fault in found if fault["type"] == "extra_forbidden"), found[0])
    loc: _Loc = first["loc"]
    where = ".".join(part for part in (within, *map(str, loc)) if part)
    told = _told(first, model, loc, beside)
    return f"{where}: {told}" if where else told


def _told(fault: Any, model: type[BaseModel], loc: _Loc, beside: tuple[str, ...]) -> str:
    kind, given = fault["type"], fault["input"]
    message = f"{fault['msg'][0].lower()}{fault['msg'][1:]}".removeprefix("value error, ")
    if kind == "extra_forbidden":
        known = (*(beside if len(loc) == 1 else ()), *_keys(model, loc[:-1]))
        return f"unknown key{did_you_mean(str(loc[-1]), known)} (known: {', '.join(known)})"
    if kind == "missing":
        strangers = [str(key) for key in given if key not in _keys(model, loc[:-1])] if isinstance(given, dict) else []
        near = get_close_matches(str(loc[-1]), strangers, n=1)
        return f'{message}; is "{near[0]}" meant to be it?' if near else message
    if ".".join(map(str, loc)) in _PRIVATE:
        return message
    if kind == "literal_error" and isinstance(given, str):
        known = tuple(_values(fault["ctx"]["expected"]))
        return f'no "{shorten(given)}"{did_you_mean(given, known)} (known: {", ".join(known)})'
    if kind in _LISTS:
        such = f", such as [{shorten(given)}]" if isinstance(given, str | int | float) else ""
        return f"got {shorten(given)}, expected a list{such}"
    if kind in _KEYED:
        known = _keys(model, loc)
        such = f", such as {{{known[0]}: ...}} (known: {', '.join(known)})" if known else ", such as {name: value}"
        return f"got {shorten(given)}, expected keys with values{such}"
    # Of a whole section nobody wants to read all, and of a value that the words hold nobody twice.
    if isinstance(given, dict | BaseModel) or (kind == "value_error" and str(given) in message):
        return message
    return f"{message}, got {shorten(given)}"


def _values(expected: str) -> list[str]:
    """The words of pydantic's "'a', 'b' or 'c'"."""
    return [part.strip().strip("'") for part in expected.replace(" or ", ", ").split(", ")]


def _keys(model: type[BaseModel], path: _Loc) -> tuple[str, ...]:
    """The keys of the model at `path` below `model`; none where there is no model."""
    at: Any = model
    for step in path:
        if isinstance(at, type) and issubclass(at, BaseModel):
            field = at.model_fields.get(str(step))
            at = _bare(field.annotation) if field else None
        elif get_origin(at) in (tuple, list, dict):
            at = _bare(next((part for part in reversed(get_args(at)) if part is not Ellipsis), None))
        else:
            return ()
    if isinstance(at, type) and issubclass(at, BaseModel):
        return tuple(at.model_fields)
    return ()


def _bare(annotation: Any) -> Any:
    """An annotation without None; of several kinds the first that has keys or entries."""
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if not parts or get_origin(annotation) in (tuple, list, dict):
        return annotation
    if hasattr(annotation, "__metadata__"):
        return _bare(parts[0])
    keyed = (part for part in parts if get_origin(part) or (isinstance(part, type) and issubclass(part, BaseModel)))
    return next(keyed, parts[0])
