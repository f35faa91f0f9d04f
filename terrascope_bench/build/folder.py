"""A benchmark folder is claimed before anything is written: what is in the way is not touched."""

from __future__ import annotations

import shutil
from pathlib import Path

from terra_cot.balance.leakage import PLACES_NAME
from terra_cot.errors import ConflictError
from terra_cot.store.atomic import clear_leftovers
from terra_cot.store.manifest import read_manifest
from terrascope_bench import blind
from terrascope_bench.question import QUESTIONS

_OURS = {QUESTIONS.name, "README.md", PLACES_NAME, blind.NAME}


def claim(out: Path, force: bool) -> None:
    """Make `out` ready: an unfinished benchmark is cleared, a finished one only by force, anything else never.

    Raises:
        ConflictError: `out` is in use.
    """
    if out.exists() and not out.is_dir():
        raise ConflictError(f"{out}: a file is in the way; name another folder")
    entries = {entry.name for entry in out.iterdir()} if out.is_dir() else set()
    if not entries:
        return
    if "manifest.json" in entries:
        read_manifest(out, "benchmark")
        if not force:
            raise ConflictError(f"{out}: holds a finished benchmark; use --force to replace it")
    elif not entries <= _OURS:
        raise ConflictError(f"{out}: holds something else ({', '.join(sorted(entries)[:3])}); name another folder")
    (out / "manifest.json").unlink(missing_ok=True)
    (out / blind.NAME).unlink(missing_ok=True)
    shutil.rmtree(out / QUESTIONS.name, ignore_errors=True)
    clear_leftovers(out)
