"""Paths that fit a pattern: `{scene}` and `{date}` say what a file belongs to, `*` is part of a name, `**/` folders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from terra_cot.errors import DataError
from terra_cot.store.index import Index
from terra_cot.store.walk import walk

Found = dict[str, dict[str, str]]  # scene -> date ("" without one) -> path below the root

_SCENE = r"(?P<scene>[^/]+?)"
_DATE = r"(?P<date>\d{4}-?\d{2}-?\d{2}(?:[Tt]\d{2}:?\d{2}:?\d{2})?)"


def find(root: Path, pattern: str, number: int, index: Index) -> bool:
    """Put the paths that fit a pattern into the index, by scene (the root's name without one) and date.

    Returns:
        Whether any path fits.

    Raises:
        DataError: two files have the same scene and date.
    """
    clash: tuple[str, str, str] | None = None
    fits = False
    for below, groups in _fitting(root, pattern):
        scene, field = groups.get("scene") or root.name, f"{number} {_plain_date(groups.get('date'))}"
        fits = True
        if not index.add(scene, field, below):
            earlier, later = sorted((index.get(scene)[field], below))
            if earlier != later:  # `**/` may lead to one file in two ways
                clash = min(clash or (scene, earlier, later), (scene, earlier, later))
    if clash:
        raise DataError(
            "two files fit one place of the pattern",
            file=root,
            got=list(clash[1:]),
            expected=f"one for scene {clash[0]}",
            fix=f"make the pattern {pattern} tell them apart with {{scene}} or {{date}}",
        )
    return fits


def find_any(root: Path, pattern: str) -> list[str]:
    """Every path that fits a pattern, whatever else fits it, in order."""
    return sorted({below for below, _ in _fitting(root, pattern)})


def _fitting(root: Path, pattern: str) -> Iterator[tuple[str, dict[str, str]]]:
    expression = re.compile("".join(_expressions(pattern)))
    for below in walk(root, pattern.replace("{scene}", "*").replace("{date}", "*")):
        match = expression.fullmatch(below)
        if match:
            yield below, match.groupdict()


def _expressions(pattern: str) -> Iterator[str]:
    """A pattern as pieces of a regular expression. `*` stands for part of a name, `**/` for any folders."""
    seen: set[str] = set()
    for piece in re.split(r"(\{scene\}|\{date\})", pattern):
        if piece in ("{scene}", "{date}"):
            group = "scene" if piece == "{scene}" else "date"
            yield f"(?P={group})" if group in seen else (_SCENE if group == "scene" else _DATE)
            seen.add(group)
        else:
            yield re.escape(piece).replace(r"\*\*/", "(?:[^/]+/)*").replace(r"\*", "[^/]*")


def _plain_date(text: str | None) -> str:
    return "" if text is None else text.replace("-", "").replace(":", "").upper()
