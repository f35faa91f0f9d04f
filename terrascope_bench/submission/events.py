"""JSON that is too large to hold is built value by value from a parser's events, within limits on each value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError, shorten
from terrascope_bench.submission.limits import MAX_DEPTH, MAX_OBJECTS, PIECE
from terrascope_bench.submission.source import BrokenFile, Stream

_BUFFER = 2**16
_NOT_FINITE = re.compile(r"\b(NaN|Infinity)\b")
_OPENS, _ENDS = ("start_map", "start_array"), ("end_map", "end_array")
Events = Iterator[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Built:
    """One value. `repeated` is a key that one of its objects has twice; `whole` is false where it was passed over."""

    value: Any
    repeated: str | None = None
    whole: bool = True


class Meter:
    """Feeds the parser, and stops it where one value takes more bytes than `limit`: the parser holds it in memory."""

    def __init__(self, stream: Stream, limit: int) -> None:
        self._stream, self._limit = stream, limit
        self._taken, self._first = 0, True

    def start(self) -> None:
        """A value is finished; count anew."""
        self._taken = 0

    def read(self, size: int = _BUFFER) -> bytes:
        # What is taken ahead of a value comes in the same piece, so one piece over the limit is no fault.
        if self._taken > self._limit + _BUFFER:
            raise BrokenFile(f"more than {self._limit} bytes without the end of a result")
        data = self._stream.read(min(size, PIECE))
        if self._first and data:  # the parser asks for nothing first, to see what kind of nothing it gets
            data, self._first = data.removeprefix(b"\xef\xbb\xbf"), False
        self._taken += len(data)
        return data


def results_of(meter: Meter, path: Path) -> Iterator[Built]:
    """The elements of the list "results" of a JSON object, one at a time.

    Raises:
        DataError: it has no such list. BrokenFile: it is not JSON from here on.
    """
    import ijson

    missing = DataError('no "results" list', file=path, expected='{"results": [...]}, as the official scripts write it')
    found = False
    try:
        events: Events = ijson.basic_parse(meter, buf_size=_BUFFER, use_float=True)
        if next(events)[0] != "start_map":
            raise missing
        for event, name in events:
            if event == "end_map":
                continue  # the parser itself refuses what comes after it
            opening = next(events)
            if name == "results" and opening[0] == "start_array":
                found = True
                yield from _elements(events)
            elif name == "results":
                raise missing
            elif opening[0] in _OPENS:
                _pass_over(events, 1)
    except (ijson.JSONError, UnicodeDecodeError, StopIteration) as error:
        told = str(error)
        hint = "; NaN and Infinity are no JSON: leave the field out" if _NOT_FINITE.search(told) else ""
        raise BrokenFile(f"not JSON ({shorten(told.partition(chr(10))[0], 80)}){hint}") from None
    if not found:
        raise missing


def _elements(events: Events) -> Iterator[Built]:
    for opening in events:
        if opening[0] == "end_array":
            return
        yield _build(opening, events)


def _build(opening: tuple[str, Any], events: Events) -> Built:
    """The value that `opening` begins. Its events are taken to the end, also where it is too large to be built."""
    event, value = opening
    if event not in _OPENS:
        return Built(value)
    root: Any = {} if event == "start_map" else []
    holders, name, repeated, seen = [root], "", None, 0
    for event, value in events:
        if event in _ENDS:
            holders.pop()
            if not holders:
                break
        elif event == "map_key":
            name = value
        else:
            opens = event in _OPENS
            seen += 1
            if seen > MAX_OBJECTS or len(holders) > MAX_DEPTH:
                _pass_over(events, len(holders) + opens)
                return Built(None, whole=False)
            inner: Any = ({} if event == "start_map" else []) if opens else value
            holder = holders[-1]
            if isinstance(holder, list):
                holder.append(inner)
            else:
                repeated = name if name in holder else repeated
                holder[name] = inner
            if opens:
                holders.append(inner)
    return Built(root, None if repeated is None else shorten(repeated, 40))


def _pass_over(events: Events, depth: int) -> None:
    """Take events to the end of what is open."""
    for event, _ in events:
        depth += (event in _OPENS) - (event in _ENDS)
        if not depth:
            return
