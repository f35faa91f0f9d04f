"""JSONL is UTF-8, one object a line; a line over the limit is passed over in small pieces and reported."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from terra_cot.errors import shorten
from terrascope_bench.prediction import Defect, Prediction
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.limits import MAX_LISTS, MAX_OBJECTS, PIECE
from terrascope_bench.submission.source import BrokenFile, Source, Stream

_SAVE = "save the file as UTF-8"
_ONE_A_LINE = "one whole object a line, not one object or list over many"
_FORMATS = "predictions are JSONL (one object a line, also .gz), Parquet, or the official scripts' JSON"
OnBytes = Callable[[int, int], None]


def read_jsonl(
    source: Source, checker: Checker, max_line: int, on_bytes: OnBytes | None
) -> Iterator[Prediction | Defect]:
    """Every line as a prediction or its defects; blank lines are skipped, but counted."""
    number = 0
    stream = source.stream
    try:
        while data := stream.readline(max_line + 1):
            number += 1
            if len(data) > max_line and not data.endswith(b"\n"):
                del data
                length = max_line + 1 + _pass_over(stream)
                yield Defect(
                    number, "", "the line is too long", f"{length} bytes", f"at most {max_line}", kind="too_long"
                )
            else:
                yield from parse_line(data, number, checker)
            if on_bytes:
                on_bytes(source.position(), source.size)
    except BrokenFile as error:
        yield Defect(number + 1, "", f"{error}; what follows was not read", kind="broken_file")


def _pass_over(stream: Stream) -> int:
    """Go to the end of the line; returns how many bytes that was."""
    length = 0
    while piece := stream.readline(PIECE):
        length += len(piece)
        if piece.endswith(b"\n"):
            break
    return length


def parse_line(data: bytes, number: int, checker: Checker) -> Iterator[Prediction | Defect]:
    """One line; nothing where it is blank."""
    whole = data
    if number == 1:
        data = data.removeprefix(b"\xef\xbb\xbf")
    data = data.strip()
    if not data:
        return
    if data.count(b"{") > MAX_OBJECTS or data.count(b"[") > MAX_LISTS:
        problem = "too many objects or lists in one line"
        yield Defect(number, "", problem, None, f"at most {MAX_OBJECTS} objects", kind="too_many")
        return
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield _not_json(whole, data, number, error)
        return
    checked = checker.check(value, number)
    repeated = _repeated(data, value)
    if repeated is not None:
        yield Defect(number, repeated, "stands twice in one object", kind="repeated_field")
    if isinstance(checked, list):
        yield from checked
    elif repeated is None:
        yield checked


def _not_json(whole: bytes, data: bytes, number: int, error: orjson.JSONDecodeError) -> Defect:
    """Why a line is no JSON; `whole` is the line as it stands, `data` what was read of it."""
    if number == 1 and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Defect(number, "", "not UTF-8 (this is UTF-16)", fix=_SAVE, kind="not_json")
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        at = whole.index(data) + bad.start
        return Defect(number, "", f"not UTF-8 (byte 0x{whole[at]:02X} at byte {at + 1})", fix=_SAVE, kind="not_json")
    field = _not_finite(data)
    if field is not None:
        name, got = field
        expected = "0 to 1" if name == "confidence" else "JSON, which has no such number"
        kind = "confidence" if name == "confidence" else "not_json"
        return Defect(number, name, "not a number", got, expected, "or leave it out", kind=kind)
    fix = None
    if number == 1:
        fix = _ONE_A_LINE if data[:1] in b"[{" else _FORMATS
    return Defect(number, "", f"not JSON ({error.msg} at character {error.pos})", None, None, fix, kind="not_json")


def _not_finite(data: bytes) -> tuple[str, str] | None:
    """The field of a line that is JSON but for a NaN or Infinity in it, as `json.dumps` writes them, and that word."""
    if b"NaN" not in data and b"Infinity" not in data:
        return None
    words: list[str] = []

    def not_finite(word: str) -> float:
        words.append(word)
        return float(word.replace("Infinity", "inf"))

    try:
        value = json.loads(data, parse_constant=not_finite, parse_int=str)
    except (ValueError, RecursionError):
        return None
    if not words or not isinstance(value, dict):
        return None
    named = (name for name, entry in value.items() if isinstance(entry, float) and not math.isfinite(entry))
    return shorten(next(named, ""), 40), words[0]


def _repeated(data: bytes, value: Any) -> str | None:
    """A key that one object of the line has twice, of which a parser keeps one without a word.

    A key that is gone takes two quotes with it, so counting them finds the lines that need the slow look.
    """
    try:
        if _quotes(data) == _quotes(orjson.dumps(value)):
            return None
    except orjson.JSONEncodeError:  # nested deeper than it writes
        pass
    twice: list[str] = []

    def watch(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        held = dict(pairs)
        if len(held) < len(pairs) and not twice:
            names = [name for name, _ in pairs]
            twice.append(next(name for name in held if names.count(name) > 1))
        return held

    try:
        json.loads(data, object_pairs_hook=watch, parse_int=str)
    except (ValueError, RecursionError):  # orjson has read it: only its depth can be too much for this one
        return None
    return shorten(twice[0], 40) if twice else None


def _quotes(data: bytes) -> int:
    return data.count(b'"') - data.count(b'\\"')
