"""JSONL is UTF-8, one object a line; a line over the limit is passed over in small pieces and reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from terra_cot.errors import shorten
from terrascope_bench.prediction import Defect, Prediction
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.limits import MAX_LISTS, MAX_OBJECTS, PIECE
from terrascope_bench.submission.source import BrokenFile, Source, Stream

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
        fix = None
        if number == 1 and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            fix = "this is UTF-16: save the file as UTF-8"
        elif number == 1 and data[:1] in b"[{":
            fix = "one whole object a line, not one object or list over many"
        yield Defect(number, "", f"not JSON ({error.msg} at character {error.pos})", None, None, fix, kind="not_json")
        return
    checked = checker.check(value, number)
    repeated = _repeated(data, value)
    if repeated is not None:
        yield Defect(number, repeated, "stands twice in one object", kind="repeated_field")
    if isinstance(checked, list):
        yield from checked
    elif repeated is None:
        yield checked


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
