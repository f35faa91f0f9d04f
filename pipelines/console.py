"""What every command does the same way: one-line errors with exit codes, progress, tables, JSON, shared options.

Exit codes: 0 done; 1 the check or run failed; 2 wrong usage or unreadable input. `--debug` anywhere on the line shows
the traceback of a user error; a bug always shows its own. Results go to standard output, all else to standard error:
with `--json` standard output is one JSON document, with `--quiet` it is empty.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from pipelines import completion
from pipelines.colour import coloured, paint, plain
from pipelines.progress import Note as Note
from pipelines.progress import OnStep as OnStep
from pipelines.progress import progress as progress
from pipelines.progress import stages as stages
from pipelines.table import print_table as print_table
from pipelines.usage import UsageError, usage_lines
from terra_cot.errors import ConflictError, RunStopped, TerraError
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


def run(app: typer.Typer) -> NoReturn:
    """Entry point of a console script."""
    debug = "--debug" in sys.argv
    if debug:
        sys.argv.remove("--debug")
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
        # The reader of our output went away (`| head`): not our failure, and Python must not complain at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        # Disk full, no permission, a file gone: nothing in our code to look for.
        if debug:
            raise
        _say_error(f"error: {_told(error)}")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:
        _say_error("stopped; run the same command again to go on")
    sys.exit(code if isinstance(code, int) else 0)


def _say_error(text: str) -> None:
    """Lines on standard error, their first word in colour where it shows any."""
    word, colon, rest = text.partition(": ")
    if word in ("error", "try"):
        text = paint(f"{word}{colon}", "red" if word == "error" else "bold", sys.stderr) + rest
    elif not coloured(sys.stderr):
        text = plain(text)
    print(text, file=sys.stderr)  # noqa: T201


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


def need_free(path: Path, force: bool) -> None:
    """Refuse to write over something without --force."""
    taken = path.is_file() or (path.is_dir() and any(path.iterdir()))
    if taken and not force:
        raise ConflictError(f"{path}: is there already; choose another place, or --force to replace it")
