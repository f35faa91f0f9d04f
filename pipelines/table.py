"""A table is read at any width: no number and no word is cut; columns without room are left out and named.

On a terminal that is too narrow, in this order: gaps shrink; texts and intervals go on below (`0.500` above
`(0.460-0.541)`); long names break behind a sign (`terrascope-` above `nano`); columns are left out, the least first.
Only where one column alone has no room a word is cut. In a pipe a row is a line, however long.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.colour import coloured, width_of
from terra_cot.counted import counted
from terra_cot.visible import visible

_WHOLE = re.compile(
    r"""[(\[]\ ?[-+]?\d[\d\s.,:%+-]*(?:to\ [-+]?[\d.]+)?[)\]]\S*   # an interval: [-12.5, +75.0], (+0.1 to +0.3)
    |<\ \d\S*                                                      # < 0.0001
    |\d\S*\ :\ \d\S*                                               # 3 : 5
    |\d+\.\ \S+                                                  # 2. a name
    |\S+""",
    re.VERBOSE,
)
_BEHIND_A_SIGN = re.compile(r"(?<=[-_/+.:,=])(?=[^\W\d_])")
_WIDE_GAP, _GAP = 3, 2
_TEXT = 12
"""A name is not broken to less than this many places."""


@dataclass(slots=True)
class _Column:
    """A column as text. Widths: of its longest line (`wanted`), longest word (`least`), part of one (`broken`)."""

    head: str
    cells: list[str]
    numeric: bool
    wanted: int = 0
    least: int = 0
    broken: int = 0

    def __post_init__(self) -> None:
        texts = [self.head, *self.cells]
        self.wanted = max(map(_length, texts))
        self.least = max((_length(word) for text in texts for word in _words(text)), default=0)
        pieces = (piece for text in texts for word in _words(text) for piece in _BEHIND_A_SIGN.split(word))
        short = max(map(_length, pieces), default=0)
        self.broken = min(self.least, max(short, _TEXT))


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    colours_of_rows: Sequence[str] | None = None,
    least: Sequence[str] = (),
    more: str = "--json",
) -> None:
    """Print a table; numbers are right-aligned, a cell is text, never markup.

    Args:
        colours_of_rows: what the first cell of each row is painted in, where colours are shown.
        least: columns to leave out first where there is no room, in this order; then the others, from the right. The
            first column stays.
        more: what shows all of them.
    """
    width = width_of(sys.stdout)
    made = [_column(head, [row[k] for row in rows]) for k, head in enumerate(columns)]
    order = [columns.index(name) for name in least if name in columns]
    order += [k for k in reversed(range(1, len(columns))) if k not in order]
    shown, widths, tight = _fit(made, order, width)
    _draw(title, [made[k] for k in shown], widths, width, tight, colours_of_rows)
    left = [column.head for k, column in enumerate(made) if k not in shown]
    if left:
        told = f"{counted(len(left), 'more column')}: {more} ({', '.join(left)})"
        sys.stdout.write("".join(f"{line}\n" for line in _wrapped(told, width, cut=False)))
    if tight:
        sys.stdout.write("\n")


def _column(head: str, values: list[object]) -> _Column:
    # Text, not markup: a file or model may be called "[/b]", and bring control characters.
    numeric = bool(values) and all(isinstance(value, int | float) or value in ("", "-") for value in values)
    return _Column(head, ["-" if value is None else visible(str(value)) for value in values], numeric)


def _fit(columns: Sequence[_Column], order: Sequence[int], width: int | None) -> tuple[list[int], list[int], bool]:
    """The columns that are shown, their widths, and whether the gaps are narrow."""
    shown = list(range(len(columns)))
    wanted = [column.wanted for column in columns]
    if width is None or sum(wanted) + _WIDE_GAP * len(columns) + 1 <= width:
        return shown, wanted, False
    for leaving in (*order, None):
        room = width - _GAP * (len(shown) - 1)
        for least in ([columns[k].least for k in shown], [columns[k].broken for k in shown]):
            if sum(least) <= room:
                return shown, _widened(least, [wanted[k] for k in shown], room), True
        if leaving is not None and len(shown) > 1:
            shown.remove(leaving)
    return shown, [min(wanted[k], width) for k in shown], True


def _widened(least: list[int], wanted: list[int], room: int) -> list[int]:
    """Widths from `least` towards `wanted`: those that need little get all of it, the others share what is left."""
    widths, left = list(least), room - sum(least)
    order = sorted(range(len(least)), key=lambda k: wanted[k] - least[k])
    for done, k in enumerate(order):
        given = min(wanted[k] - least[k], left // (len(order) - done))
        widths[k] += given
        left -= given
    return widths


def _draw(
    title: str,
    columns: Sequence[_Column],
    widths: Sequence[int],
    width: int | None,
    tight: bool,
    colours_of_rows: Sequence[str] | None,
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold cyan")
    if tight:
        table.show_edge, table.pad_edge, table.collapse_padding = False, False, True
    for column, room in zip(columns, widths, strict=True):
        head = Text("\n".join(_wrapped(column.head, room)))
        table.add_column(head, justify="right" if column.numeric else "left", width=room, no_wrap=True)
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
        cells = [Text("\n".join(_wrapped(text, room))) for text, room in zip(row, widths, strict=True)]
        if colours_of_rows:
            cells[0].stylize(colours_of_rows[number])
        table.add_row(*cells)
    colours = coloured(sys.stdout)
    whole = sum(widths) + _WIDE_GAP * len(widths) + 1
    screen = Console(force_terminal=colours, color_system="standard" if colours else None, highlight=False, width=whole)
    with screen.capture() as drawn:
        for line in _wrapped(visible(title), width, cut=False):
            screen.print(Text(line, style="bold"), soft_wrap=True)
        screen.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def _wrapped(text: str, width: int | None, *, cut: bool = True) -> list[str]:
    """The lines of a text. A word without room is broken behind a sign, then anywhere; without `cut` it sticks out."""
    if width is None or _length(text) <= width:
        return [text]
    lines, line = [], ""
    for word in _words(text):
        joined = f"{line} {word}" if line else word
        if _length(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, width) if cut else [word]
        lines += full
    return [*lines, line]


def _broken(word: str, width: int) -> list[str]:
    lines = [""]
    for piece in _BEHIND_A_SIGN.split(word):
        if _length(lines[-1] + piece) <= width:
            lines[-1] += piece
            continue
        lines += [piece] if _length(piece) <= width else _cut(piece, width)
    return lines if lines[0] else lines[1:]


def _cut(word: str, width: int) -> list[str]:
    from rich.cells import chop_cells

    return chop_cells(word, width)


def _words(text: str) -> list[str]:
    return _WHOLE.findall(text)


def _length(text: str) -> int:
    """Places that a text takes on a screen."""
    from rich.cells import cell_len

    return len(text) if text.isascii() else cell_len(text)
