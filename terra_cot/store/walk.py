"""Walking folders of a million files: names as the system gives them, no list of them all, no header, few `stat`s."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path


def walk(root: Path, pattern: str) -> Iterator[str]:
    """Paths below `root`, with `/`, that fit a pattern, in no order: `*` is part of a name, a part `**` any folders.

    A file is found as often as `**` leads to it in different ways. Folders that links make are not entered by `**`.
    """
    parts = pattern.split("/")
    yield from _below(root, "", parts)


def sorted_folders(folder: Path) -> list[str]:
    """Names of the folders in a folder, in order."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def _below(folder: Path, prefix: str, parts: list[str]) -> Iterator[str]:
    head, *rest = parts
    if head != "**" and "*" not in head:
        place = folder / head
        if rest and place.is_dir():
            yield from _below(place, f"{prefix}{head}/", rest)
        elif not rest and place.exists():
            yield f"{prefix}{head}"
        return
    if head == "**" and rest:
        yield from _below(folder, prefix, rest)
    expression = re.compile(".*".join(re.escape(piece) for piece in head.split("*")), re.DOTALL)
    with os.scandir(folder) as entries:
        for entry in entries:
            if head == "**":
                if entry.is_dir(follow_symlinks=False):
                    yield from _below(folder / entry.name, f"{prefix}{entry.name}/", parts)
            elif expression.fullmatch(entry.name):
                if not rest:
                    yield f"{prefix}{entry.name}"
                elif entry.is_dir():
                    yield from _below(folder / entry.name, f"{prefix}{entry.name}/", rest)
