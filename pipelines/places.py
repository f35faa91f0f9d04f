"""What the system refuses is one line: the place as its user gave it, why, what to do; before the work where it can.

A temporary name is ours and never told. Whether a place can be written to is asked for what of it exists already.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile

from terra_cot.errors import ConfigError, ConflictError

_TEMPORARY = re.compile(r"^\.(.+?)(?:\.old)?\.\d+\.tmp$")
_QUOTED = re.compile(r"'(/[^']*)'")  # Arrow names the file in its text only
_DETAIL = re.compile(r"\[errno (\d+)\]")
_DENIED = (errno.EACCES, errno.EPERM)
_OUTPUTS = ("-o", "--out", "--html", "--export", "--csv", "--alignment")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ELSEWHERE = {
    errno.EROFS: "the file system is read-only",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.EEXIST: "is a file, not a folder",
    errno.ENOTDIR: "is a file, not a folder",
    errno.EISDIR: "is a folder, not a file",
}


def need_free(path: Path, force: bool) -> None:
    """Refuse to write over something without --force, or where nothing can be written."""
    taken = os.path.lexists(path) and (not path.is_dir() or any(path.iterdir()))
    if taken and not force:
        raise ConflictError(f"{path}: is there already; choose another place, or --force to replace it")
    need_writable(path)


def need_folder(path: Path) -> None:
    """Refuse a folder to write that is a file, or where nothing can be written; what it may hold the command knows."""
    if os.path.lexists(path) and not path.is_dir():
        raise ConfigError(f"{path}: is a file; give a folder")
    need_writable(path)


def need_file(path: Path, force: bool, such_as: str) -> None:
    """Refuse a file to write that is a folder or is there already, or where nothing can be written.

    Args:
        such_as: a name that the file could have.
    """
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder; give a file, such as {path / such_as}")
    need_free(path, force)


def need_writable(path: Path) -> None:
    """Refuse a place where this user can write nothing.

    Raises:
        ConfigError: no permission, a read-only file system, a name that is too long, a file on the way to it.
    """
    there = _nearest(path if path.is_dir() else path.parent)
    if not there.is_dir():
        raise ConfigError(_advised(there, "is a file, not a folder"))
    if len(os.fsencode(path.name)) > os.pathconf(there, "PC_NAME_MAX"):
        raise ConfigError(_advised(path, _ELSEWHERE[errno.ENAMETOOLONG]))
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        number = error.errno or 0
        if number in _FULL:
            return  # for that the run itself has its words
        why = (
            "no permission to write there" if number in _DENIED else _ELSEWHERE.get(number, "nothing can be made there")
        )
        raise ConfigError(_advised(there, why)) from None


def refused(error: OSError) -> tuple[str, int]:
    """The line for what the system refused, and the exit code: 2 for a place that is wrong, 1 for a run that failed."""
    number = _number(error)
    path = _named(error)
    where = f"{path}: " if path is not None else ""
    if number in _FULL:
        told = os.strerror(number)
        return f"{where}{told}; make room and run the same command again: finished parts are kept", 1
    if path is None:
        return error.strerror or str(error), 2 if number in (*_DENIED, *_ELSEWHERE) else 1
    if number in _DENIED:
        there, writing = _denied(path)
        if writing:
            return _advised(there, "no permission to write there"), 2
        return f"{there}: no permission to read it", 2
    if number in _ELSEWHERE:
        return _advised(path if number == errno.ENAMETOOLONG else _nearest(path), _ELSEWHERE[number]), 2
    if number == errno.ENOENT:
        if _option(path, inside=False):
            return _advised(path, "nothing can be made there"), 2
        return f"{path}: no such file or folder", 2
    return f"{where}{error.strerror or error}", 1


def _number(error: OSError) -> int:
    """What the system said; of Arrow's errors as they tell it in their text."""
    found = _DETAIL.search(str(error))
    return int(found[1]) if found else error.errno or 0


def _named(error: OSError) -> Path | None:
    """The place that an error is about, without the names of temporary files."""
    name = error.filename2 if error.filename2 and _TEMPORARY.match(Path(str(error.filename)).name) else error.filename
    if name is None:
        found = _QUOTED.search(str(error))
        name = found[1] if found else None
    if not isinstance(name, str | os.PathLike):
        return None
    return Path(*(found[1] if (found := _TEMPORARY.match(part)) else part for part in Path(name).parts))


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _denied(path: Path) -> tuple[Path, bool]:
    """The file or folder that permission is lacking for, and whether it is that of writing."""
    there = _nearest(path)
    if there.is_dir() and not _may(there, os.X_OK | os.R_OK):
        return there, False
    if there == path and not _may(there, os.R_OK):
        return there, False
    return (there.parent if there == path and there.is_file() and os.access(there, os.W_OK) else there), True


def _nearest(path: Path) -> Path:
    """What of a path exists: itself, or the first folder (or file) above it."""
    for place in (path, *path.parents):
        try:
            place.lstat()
        except OSError:
            continue
        return place
    return Path(path.anchor or ".")


def _advised(path: Path, why: str) -> str:
    option = _option(path)
    return f"{path}: {why}; choose another place{f' for {option}' if option else ''}"


def _option(path: Path, inside: bool = True) -> str:
    """The option on the command line that a path was given to (or leads to, or is `inside`); empty for an argument."""
    wanted = path.absolute()
    words = [part for word in sys.argv[1:] for part in (word.split("=", 1) if word.startswith("--") else [word])]
    for option, value in pairwise(words):
        given = Path(value).absolute()
        near = given.is_relative_to(wanted) or (inside and wanted.is_relative_to(given))
        if option in _OUTPUTS and near:
            return option
    return ""
