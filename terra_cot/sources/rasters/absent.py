"""A pattern that fits no file is a fault of the recipe and stops the scan; what one scene alone lacks is a drop."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from terra_cot.errors import DataError
from terra_cot.sources.rasters.options import RastersOptions

_LOOKED_AT = 2000  # names compared with the pattern, to show the nearest: enough of any layout, soon read


def refuse_absent(root: Path, options: RastersOptions, matched: Collection[str], named: bool = True) -> None:
    """`matched` are the patterns that fit some file; `named` False: the patterns are no words of a recipe.

    Raises:
        DataError: another pattern fits none. Says which, and what lies there.
    """
    for field, text in options.fields():
        if text not in matched:
            near = _nearest(text, islice(_files(root), _LOOKED_AT))
            raise DataError(
                f"matches no file under {root}",
                field=f"source.{field}" if named else None,
                got=f"{near}, the nearest there" if near else "no file at all",
                expected=text,
                fix="mend the pattern or source.root, or leave it out of the recipe"
                if named
                else "make the archive again",
            )


def looked_for(pattern: str, scene_id: str) -> str:
    """The path that a pattern means for one scene; {date} stays, it has several ways to be written."""
    return pattern.replace("{scene}", scene_id)


def _nearest(pattern: str, files: Iterable[str]) -> str | None:
    """The file whose name is most like that of a pattern, dates and placeholders apart."""
    names: dict[str, str] = {}
    for path in files:
        names.setdefault(re.sub(r"\d{4}[\d-]*", "", path.rpartition("/")[2]), path)
    wanted = re.sub(r"\{\w*\}|\*|\d{4}[\d-]*", "", pattern.rpartition("/")[2])
    return names[get_close_matches(wanted, list(names), n=1, cutoff=0.0)[0]] if names else None


def _files(folder: Path, prefix: str = "") -> Iterator[str]:
    """Paths of files below a folder, in order of name, those of a folder before those of folders in it."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_file():
            yield f"{prefix}{entry.name}"
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
