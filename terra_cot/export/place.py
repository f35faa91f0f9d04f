"""The folder of an export: made beside its place and renamed into it, so that it is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from terra_cot.errors import ConflictError

_FIXED = ("to", "format_version", "splits", "recipe_sha256")


def claim(out: Path, note: str, wanted: dict[str, Any], *, appends: bool, force: bool) -> dict[str, Any] | None:
    """The note of an export at `out` to append to; None where a new one is to be made.

    Raises:
        ConflictError: something else is there, or an export that must not be replaced without `force`.
    """
    if out.is_file():
        raise ConflictError(f"{out}: is a file; give a folder")
    if not out.is_dir() or not any(out.iterdir()):
        return None
    try:
        found = orjson.loads((out / note).read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        found = None
    if not isinstance(found, dict) or found.get("kind") != wanted["kind"]:
        raise ConflictError(f"{out}: not empty, and no {wanted['kind']} (it has no {note}); choose another folder")
    if force:
        return None
    if appends:
        other = next((key for key in _FIXED if found.get(key) != wanted[key]), None)
        if other is not None:
            raise ConflictError(
                f"{out}: holds another export ({other}: there {found.get(other)!r}, here {wanted[other]!r}); "
                "choose another folder, or --force to replace it"
            )
        changed = [name for name, state in found["parts"].items() if wanted["parts"].get(name) != state]
        if changed:
            raise ConflictError(
                f"{out}: part {changed[0]} of the dataset was made again since it was exported; --force to export anew"
            )
        return found
    raise ConflictError(f"{out}: is there already; choose another place, or --force to replace it")


@contextmanager
def fresh(out: Path) -> Iterator[Path]:
    """An empty folder beside `out`, removed when the block ends; what killed exports left is removed before."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for left in out.parent.glob(f".{out.name}.*.tmp"):
        if not _alive(left.name.split(".")[-2]):
            shutil.rmtree(left, ignore_errors=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    temporary.mkdir()
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replaced(out: Path, temporary: Path, note: str, force: bool) -> None:
    """Rename `temporary` to `out`; an export that stood there goes first where `force` says so."""
    if out.is_dir() and any(out.iterdir()):
        if not force or not (out / note).is_file():
            raise ConflictError(f"{out}: was filled by another meanwhile; choose another folder")
        old = out.with_name(f".{out.name}.old.{os.getpid()}.tmp")
        out.rename(old)
        temporary.rename(out)
        shutil.rmtree(old)
        return
    temporary.replace(out)


def _alive(pid: str) -> bool:
    """Whether the process that a temporary folder is named after still runs."""
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
