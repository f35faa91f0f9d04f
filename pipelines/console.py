"""What every command does the same way: one-line errors with exit codes, progress, tables, JSON, shared options.

Exit codes: 0 done; 1 the check or run failed; 2 wrong usage, unreadable input or a place that cannot be written to; 130
stopped by Ctrl-C; 141 the reader of the output left (`| head`). `--debug` anywhere on the line shows
the traceback of a user error; a bug always shows its own. Results go to standard output, all else to standard error:
with `--json` standard output is one JSON document, with `--quiet` it is empty.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, TextIO

import typer

from pipelines import completion
from pipelines.colour import coloured, paint, plain
from pipelines.places import need_file as need_file
from pipelines.places import need_folder as need_folder
from pipelines.places import need_free as need_free
from pipelines.places import refused
from pipelines.progress import Note as Note
from pipelines.progress import OnStep as OnStep
from pipelines.progress import progress as progress
from pipelines.progress import stages as stages
from pipelines.table import print_table as print_table
from pipelines.usage import UsageError, usage_lines
from terra_cot.errors import RunStopped, TerraError
from terra_cot.visible import visible

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is already there.")]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help="local: processes; ray: extra [ray], a cluster by RAY_ADDRESS.",
        autocompletion=completion.engines,
    ),
]
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, help="Processes that work side by side.")]
Settings = Annotated[
    list[str], typer.Option("--set", help="Set a value of the recipe, such as --set seed=1. Repeatable.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="All randomness comes from it.")]

_INTERRUPTED = 130
_READER_LEFT = 141  # what a shell tells of a program that SIGPIPE ended


def run(app: typer.Typer) -> NoReturn:
    """Entry point of a console script."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
    out = sys.stdout
    try:
        code = app(prog_name=app.info.name, standalone_mode=False, color=coloured(sys.stdout))
        sys.stdout.flush()
    except UsageError as error:
        for line in usage_lines(error):
            _say_error(line)
        sys.exit(2)
    except TerraError as error:
        if debug:
            raise
        from terra_cot.engine import WorkerLost

        _say_error(f"error: {visible(str(error))}")
        sys.exit(1 if isinstance(error, WorkerLost | RunStopped) else 2)
    except BrokenPipeError:
        _reader_left(out)
    except SystemExit:
        # Typer ends so where a pipe closed, with 1, and only there it puts a wrapper in place of standard output.
        if sys.stdout is out:
            raise
        _reader_left(out)
    except OSError as error:
        # Disk full, no permission, a file gone: nothing in our code to look for.
        if debug:
            raise
        line, code = refused(error)
        _say_error(f"error: {visible(line)}")
        sys.exit(code)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        _say_error("stopped; run the same command again to go on")
    sys.exit(code if isinstance(code, int) else 0)


def _reader_left(out: TextIO) -> NoReturn:
    """The end where whoever read our output went away (`| head`): no failure, and no complaint of Python's at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    sys.exit(_READER_LEFT)


def _say_error(text: str) -> None:
    """Lines on standard error, their first word in colour where it shows any."""
    word, colon, rest = text.partition(": ")
    if word in ("error", "try"):
        text = paint(f"{word}{colon}", "red" if word == "error" else "bold", sys.stderr) + rest
    elif not coloured(sys.stderr):
        text = plain(text)
    print(text, file=sys.stderr)  # noqa: T201


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
