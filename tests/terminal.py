"""Both command lines as tests meet them: every command, a call in this process, and one in a process of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parents[1]
MODULES = {"terra-cot": "pipelines.terra_cot", "terrascope-bench": "pipelines.terrascope_bench"}


def group(program: str) -> Any:
    return typer.main.get_command(import_module(MODULES[program]).app)


def commands() -> list[tuple[str, str]]:
    """(program, command) of all there are."""
    return [(program, name) for program in MODULES for name in group(program).commands]


def call(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The entry point in this process; standard output and error as a pipe would get them."""
    out, err, before, code = io.StringIO(), io.StringIO(), sys.argv, 0
    sys.argv = [program, *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            import_module(MODULES[program]).main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(sys.argv, code, out.getvalue(), err.getvalue())


def environment(**more: str) -> dict[str, str]:
    """This tree first on the path, and none of the variables that decide about colours and width."""
    without = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if name not in without}
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PYTHONPATH": str(ROOT), "PATH": scripts, "TERM": "xterm-256color", **more}


def start(program: str, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    """The installed script with this tree's code; `more` is set in its environment."""
    command = [program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment(**more), timeout=300, check=False)
