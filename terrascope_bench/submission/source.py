"""A file is what its first bytes say: opened only if regular, unpacked only within limits, never executed."""

from __future__ import annotations

import gzip
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, cast

import orjson

from terra_cot.errors import DataError
from terrascope_bench.submission.limits import LEAST_UNPACKED, unpacked_limit

_HEAD = 2**16
_OFFICIAL = re.compile(rb'\s*\{\s*"results"\s*:')
_BOM = b"\xef\xbb\xbf"
_REFUSED = {
    b"PK\x03\x04": "a ZIP archive",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ\x00": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"\x80\x02": "a Python pickle, which is never loaded",
    b"\x80\x03": "a Python pickle, which is never loaded",
    b"\x80\x04": "a Python pickle, which is never loaded",
    b"\x80\x05": "a Python pickle, which is never loaded",
    b"\x89HDF": "HDF5",
    b"ARROW1": "an Arrow (Feather) file",
}
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class BrokenFile(Exception):  # noqa: N818 - reads as what happened
    """The file goes wrong midway, so what follows cannot be read. Readers turn it into the last defect."""


class Stream(Protocol):
    """What readers need of a file, packed or not."""

    def read(self, size: int = -1, /) -> bytes: ...

    def readline(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Source:
    """An opened submission. `position` tells how many of the file's `size` bytes are behind us."""

    kind: Literal["jsonl", "official", "parquet"]
    stream: Stream
    position: Callable[[], int]
    size: int


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a submission and tell its format.

    Raises:
        DataError: no such file, not a regular file, or of a format that is not read.
    """
    with _open_regular(path) as raw:
        size = os.fstat(raw.fileno()).st_size
        packed = raw.read(2) == b"\x1f\x8b"

        def stream() -> Stream:
            raw.seek(0)
            return _Unpacked(raw, size) if packed else cast(Stream, raw)

        try:
            head = stream().read(_HEAD)
        except BrokenFile as error:
            raise DataError(f"cannot be unpacked ({error})", file=path) from None
        yield Source(_kind(head, path, packed), stream(), raw.tell, size)


def _open_regular(path: Path) -> BinaryIO:
    # Without O_NONBLOCK, opening a pipe waits for its writer for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        fix = "give a predictions file (JSONL, Parquet, or the official scripts' JSON)"
        raise DataError("no such file", file=path, fix=fix) from None
    except (OSError, ValueError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"cannot be read ({told})", file=path) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = next((name for test, name in _KINDS if test(mode)), "no regular file")
        raise DataError(f"cannot be read ({kind})", file=path, fix="give a regular file: it is read more than once")
    return os.fdopen(descriptor, "rb")


def _kind(head: bytes, path: Path, packed: bool) -> Literal["jsonl", "official", "parquet"]:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if head.startswith(b"PAR1"):
        if packed:
            raise DataError("a Parquet file inside gzip", file=path, fix="unpack it")
        return "parquet"
    if suffixes[-1:] == [".parquet"]:
        raise DataError("not a readable Parquet file (it does not begin with PAR1)", file=path)
    for magic, name in _REFUSED.items():
        if head.startswith(magic):
            raise DataError(name, file=path, fix="give JSONL (also as .gz), Parquet, or the official scripts' JSON")
    text = head.removeprefix(_BOM)
    if _OFFICIAL.match(text):
        return "official"
    if ".json" in suffixes[-2 if packed else -1 :] and not _is_line(text):
        if text.lstrip().startswith(b"["):
            raise DataError(
                "a JSON list, which no format of ours is",
                file=path,
                fix="write one object a line (`jq -c '.[]'` does it)",
            )
        return "official"
    return "jsonl"


def _is_line(text: bytes) -> bool:
    """JSONL under the name of .json: the first line alone is a prediction, or too long to be seen whole here."""
    line, end, _ = text.lstrip().partition(b"\n")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return not end and line.startswith(b'{"question_id"')
    return isinstance(value, dict) and "question_id" in value


class _Unpacked:
    """A gzip stream that stops at what an honest file expands to."""

    def __init__(self, raw: BinaryIO, size: int) -> None:
        self._stream = gzip.GzipFile(fileobj=raw, mode="rb")
        self._left = self._limit = unpacked_limit(size)

    def read(self, size: int = -1, /) -> bytes:
        return self._counted(self._stream.read, size)

    def readline(self, size: int = -1, /) -> bytes:
        return self._counted(self._stream.readline, size)

    def _counted(self, take: Callable[[int], bytes], size: int) -> bytes:
        try:
            data = take(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BrokenFile(f"bad gzip: {error}") from None
        self._left -= max(len(data), LEAST_UNPACKED)
        if self._left < 0:
            raise BrokenFile(f"it expands to more than {self._limit} bytes")
        return data
