"""A benchmark folder is claimed before it is written: an unfinished one is cleared, a finished one only by force.

What is none of ours is never touched. Temporary files of killed runs are ours.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from terra_cot.balance.leakage import PLACES_NAME
from terra_cot.errors import ConflictError
from terra_cot.store.atomic import clear_leftovers
from terra_cot.store.manifest import NAME as MANIFEST
from terra_cot.store.manifest import read_manifest
from terrascope_bench.question import QUESTIONS

DROPPED_NAME = "dropped.jsonl"
DISAGREEMENTS_NAME = "disagreements.jsonl"
BLIND_NAME = "blind.parquet"
WORK_NAME = ".xbd"
"""Tiles of xBD while they are cut: kept when an import is killed, so that the next one goes on."""

_FILES = (DROPPED_NAME, DISAGREEMENTS_NAME, BLIND_NAME, PLACES_NAME, "README.md")
_OURS = {*_FILES, QUESTIONS.name, WORK_NAME}
_LEFTOVER = re.compile(r"\.(.+)\.\d+\.tmp")


def claim(out: Path, force: bool) -> None:
    """Make `out` ready to be written.

    Raises:
        ConflictError: it holds a finished benchmark and `force` is not given, or something else.
        DataError: its manifest is of another kind of folder.
    """
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    entries = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if MANIFEST in entries:
        read_manifest(out, "benchmark")
        if not force:
            raise ConflictError(f"{out}: holds a finished benchmark; use --force to replace it")
    strange = sorted(name for name in entries if _whole(name) not in {*_OURS, MANIFEST})
    if strange:
        raise ConflictError(f"{out}: holds something else ({', '.join(strange[:3])}); name another folder")
    (out / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(out / QUESTIONS.name, ignore_errors=True)
    for name in _FILES:
        (out / name).unlink(missing_ok=True)
    if out.is_dir():
        clear_leftovers(out)


def _whole(name: str) -> str:
    """The file that a killed run was writing under this temporary name."""
    found = _LEFTOVER.fullmatch(name)
    return found[1] if found else name
