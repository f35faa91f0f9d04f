"""Colour is for people: on a terminal yes, in a pipe no, and NO_COLOR or FORCE_COLOR have the last word.

NO_COLOR (no-color.org) switches it off, FORCE_COLOR on, also in a pipe; where both are set NO_COLOR wins. Either counts
if it is not empty. A terminal of `TERM=dumb` has none.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TextIO

_CODES = {"bold": "1", "red": "1;31", "green": "32", "yellow": "33", "cyan": "36"}
_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def coloured(stream: TextIO) -> bool:
    """Whether what is written to `stream` may hold colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO) -> str:
    """`text` in a colour (bold, red, green, yellow, cyan) if `stream` shows any."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if coloured(stream) else text


def plain(text: str) -> str:
    """`text` without the colours that `paint` gave it."""
    return _ESCAPE.sub("", text)


def width_of(stream: TextIO) -> int | None:
    """Columns to fill: COLUMNS, else those of the terminal; None in a pipe, where a row is a line however long."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    return shutil.get_terminal_size().columns if stream.isatty() else None
