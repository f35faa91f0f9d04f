"""Progress goes to standard error: a bar with rate and time left on a terminal, a plain line every few seconds else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

OnStep = Callable[[int, int], None]
Note = Callable[[], str]
_PLAIN_EVERY_S = 5.0
_TELLING_S = 0.5


@contextmanager
def progress(label: str, unit: str, quiet: bool = False, note: Note | None = None) -> Iterator[OnStep]:
    """A callback (done, total) that shows a bar with rate and time left on a terminal, plain lines when piped.

    What is done at the first call was done before, and is no part of the rate. `note` gives a word to show beside it.
    """
    note = note or (lambda: "")
    if quiet:
        yield lambda done, total: None
    elif sys.stderr.isatty():
        yield from _bar(label, unit, note)
    else:
        yield from _lines(label, unit, note)


@contextmanager
def stages(units: dict[str, str], quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A callback (stage, done, total) that shows one `progress` after the other."""
    with ExitStack() as stack:
        shown: dict[str, OnStep] = {}

        def on_step(stage: str, done: int, total: int) -> None:
            if stage not in shown:
                stack.close()
                shown[stage] = stack.enter_context(progress(stage, units[stage], quiet))
            shown[stage](done, total)

        yield on_step


def _bar(label: str, unit: str, note: Note) -> Iterator[OnStep]:
    from rich.console import Console
    from rich.progress import Progress

    start = time.monotonic()
    screen = Console(stderr=True)
    columns = _columns(screen.width, len(label), len(unit) + (14 if note() else 0))
    with Progress(*columns, console=screen, refresh_per_second=8) as bars:
        task = bars.add_task(label, total=None, rate="")
        before: list[int] = []

        def on_step(done: int, total: int) -> None:
            if not before:
                before.append(done if 1 < done < total else 0)
            rate = _rate(done - before[0], time.monotonic() - start)
            told = f", {note()}" if note() else ""
            shown = "" if rate is None else f"{rate:,.1f} {unit}/s"
            bars.update(task, completed=done, total=total or None, rate=f"{shown}{told}".removeprefix(", "))

        yield on_step


def _columns(width: int, label: int, unit: int) -> list[ProgressColumn]:
    """The fields of a bar that fit a terminal `width` columns wide, whole, the most telling ones first chosen.

    Args:
        label, unit: lengths of the texts.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column

    room = width - label - 1
    chosen = set()
    for name, needs in (("number", 14), ("left", 13), ("rate", 11 + unit), ("elapsed", 8), ("bar", 10)):
        if needs <= room:
            chosen.add(name)
            room -= needs
    bar = min(32, 9 + room)
    text = "{task.description:<22}" if room >= 32 + 22 - label else "{task.description}"
    fields: list[tuple[str, ProgressColumn]] = [
        ("bar", BarColumn(bar_width=bar)),
        ("number", MofNCompleteColumn()),
        ("rate", TextColumn("{task.fields[rate]}")),
        ("elapsed", TimeElapsedColumn()),
        ("left", TextColumn("left")),
        ("left", TimeRemainingColumn()),
    ]
    title = TextColumn(text, table_column=Column(no_wrap=True, overflow="ellipsis"))
    return [title, *(field for key, field in fields if key in chosen)]


def _rate(done: int, elapsed_s: float) -> float | None:
    """Steps a second; None where too little time went by for it to mean anything."""
    return done / elapsed_s if elapsed_s >= _TELLING_S else None


def _lines(label: str, unit: str, note: Note) -> Iterator[OnStep]:
    start = time.monotonic()
    last = [start]
    before: list[int] = []
    ended: list[int] = []  # the end is told once

    def on_step(done: int, total: int) -> None:
        now = time.monotonic()
        if not before:
            before.append(done if 1 < done < total else 0)
        if ended or (done != total and (done == 0 or now - last[0] < _PLAIN_EVERY_S)):
            return
        last[0] = now
        if done == total:
            ended.append(done)
        rate = _rate(done - before[0], now - start)
        told = f", {note()}" if note() else ""
        pace = "" if rate is None else f", {rate:,.1f}/s"
        left = f", {(total - done) / rate:.0f} s left" if done < total and rate else ""
        typer.echo(f"{label}: {done}{f'/{total}' if total else ''} {unit}{pace}{left}{told}", err=True)

    yield on_step
