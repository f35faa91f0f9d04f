"""Progress goes to standard error: a bar with rate and time left on a terminal, a plain line every few seconds else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import typer

OnStep = Callable[[int, int], None]
Note = Callable[[], str]
_PLAIN_EVERY_S = 5.0


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
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    start = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), refresh_per_second=8) as bars:
        task = bars.add_task(label, total=None, rate="")
        before: list[int] = []

        def on_step(done: int, total: int) -> None:
            if not before:
                before.append(done if 1 < done < total else 0)
            rate = (done - before[0]) / max(time.monotonic() - start, 1e-6)
            told = f", {note()}" if note() else ""
            bars.update(task, completed=done, total=total or None, rate=f"{rate:,.1f} {unit}/s{told}")

        yield on_step


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
        rate = (done - before[0]) / max(now - start, 1e-6)
        told = f", {note()}" if note() else ""
        left = f", {(total - done) / rate:.0f} s left" if done < total and rate > 0 else ""
        typer.echo(f"{label}: {done}{f'/{total}' if total else ''} {unit}, {rate:,.1f}/s{left}{told}", err=True)

    yield on_step
