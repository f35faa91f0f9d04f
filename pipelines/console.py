"""What every command does the same way: one-line errors with exit codes, progress, tables, JSON.

Exit codes: 0 done; 1 the check or run failed; 2 wrong usage or unreadable input. `--debug` anywhere on the line shows
the traceback of a user error; a bug always shows its own.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from terra_cot.errors import ConflictError, RunStopped, TerraError
from terra_cot.visible import visible

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is already there.")]
Engine = Annotated[str, typer.Option("--engine", help="local: processes; ray: extra [ray], a cluster by RAY_ADDRESS.")]
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes that work side by side.")]

OnStep = Callable[[int, int], None]
Note = Callable[[], str]
_PLAIN_EVERY_S = 5.0


def run(app: typer.Typer) -> None:
    """Entry point of a console script."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    try:
        app()
    except TerraError as error:
        if debug:
            raise
        from terra_cot.engine import WorkerLost

        print(f"error: {visible(str(error))}", file=sys.stderr)  # noqa: T201
        sys.exit(1 if isinstance(error, WorkerLost | RunStopped) else 2)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not our failure, and Python must not complain at exit either.
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        # Disk full, no permission, a file gone: nothing in our code to look for.
        if debug:
            raise
        print(f"error: {_told(error)}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped; run the same command again to go on", file=sys.stderr)  # noqa: T201
        sys.exit(130)


def _told(error: OSError) -> str:
    """One line for what the system refused; of a full disk also what to do."""
    where = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC or f"[errno {errno.ENOSPC}]" in str(error):  # the latter is Arrow's
        full = os.strerror(errno.ENOSPC)
        return f"{where}{full}; make room and run the same command again: finished parts are kept"
    return f"{where}{error.strerror or error}"


def say(text: str, quiet: bool = False) -> None:
    """One line of result on standard output."""
    if not quiet:
        typer.echo(visible(text, lines=True))


def fail(lines: Sequence[str], limit: int = 50) -> None:
    """Print what failed, one line each, and exit with code 1."""
    for line in lines[:limit]:
        typer.echo(visible(line), err=True)
    if len(lines) > limit:
        typer.echo(f"... and {len(lines) - limit} more", err=True)
    raise typer.Exit(1)


def print_json(value: Any) -> None:
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(value, option=options).decode() + "\n")


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; numbers are right-aligned. Plain text keeps its shape when piped; a cell is text, never markup."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Text, not markup: a file or model may be called "[/b]", and bring control characters.
    table = Table(title=Text(visible(title)), box=box.SIMPLE_HEAD, title_justify="left")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) or row[index] in ("", "-") for row in rows)
        table.add_column(column, justify="right" if numeric else "left", no_wrap=index == 0)
    for row in rows:
        table.add_row(*(Text("-" if cell is None else visible(str(cell))) for cell in row))
    Console(width=None if sys.stdout.isatty() else 140).print(table)


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


def need_free(path: Path, force: bool) -> None:
    """Refuse to write over something without --force."""
    taken = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if taken and not force:
        raise ConflictError(f"{path}: is there already; choose another place, or --force to replace it")


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

    def on_step(done: int, total: int) -> None:
        now = time.monotonic()
        if not before:
            before.append(done if 1 < done < total else 0)
        if done != total and (done == 0 or now - last[0] < _PLAIN_EVERY_S):
            return
        last[0] = now
        rate = (done - before[0]) / max(now - start, 1e-6)
        told = f", {note()}" if note() else ""
        left = f", {(total - done) / rate:.0f} s left" if done < total and rate > 0 else ""
        typer.echo(f"{label}: {done}{f'/{total}' if total else ''} {unit}, {rate:,.1f}/s{left}{told}", err=True)

    yield on_step
