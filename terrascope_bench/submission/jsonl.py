"""JSONL is UTF-8, one object a line; a line over the limit is passed over in small pieces and reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

import orjson

from terrascope_bench.prediction import Defect, Prediction
from terrascope_bench.submission.check import Checker

_MAX_OBJECTS = 10_000
_MAX_LISTS = 1_000_000
"""Counted as the character "[", which RLE text may hold too: once in 64 characters, so a legal line has a quarter."""
_PIECE = 2**20
OnBytes = Callable[[int, int], None]


def read_jsonl(
    handle: BinaryIO, checker: Checker, max_line: int, on_bytes: OnBytes | None, size: int
) -> Iterator[Prediction | Defect]:
    number = done = 0
    while data := handle.readline(max_line + 1):
        number += 1
        done += len(data)
        if len(data) > max_line and not data.endswith(b"\n"):
            length = len(data)
            del data
            while piece := handle.readline(_PIECE):
                length += len(piece)
                if piece.endswith(b"\n"):
                    break
            done += length - max_line - 1
            yield Defect(number, "", "the line is too long", f"{length} bytes", f"at most {max_line}")
        else:
            yield from _parse(data, number, checker)
        if on_bytes:
            on_bytes(done, max(size, done))


def _parse(data: bytes, number: int, checker: Checker) -> Iterator[Prediction | Defect]:
    if number == 1:
        data = data.removeprefix(b"\xef\xbb\xbf")
    data = data.strip()
    if not data:
        return
    # Small objects and lists take twenty times their text in memory: a line of millions is refused before parsing.
    if data.count(b"{") > _MAX_OBJECTS or data.count(b"[") > _MAX_LISTS:
        yield Defect(number, "", "too many objects or lists in one line", None, f"at most {_MAX_OBJECTS} objects")
        return
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        yield Defect(number, "", f"not JSON ({error.msg} at character {error.pos})")
        return
    except RecursionError:
        yield Defect(number, "", "not JSON (nested too deep)")
        return
    checked = checker.check(value, number)
    if isinstance(checked, Prediction):
        yield checked
    else:
        yield from checked
