"""A page a program, made from its Typer app when the site is built: what `--help` says is what the reference says.

The text of a command is Typer's own (`typer PROGRAM utils docs`); here its list of commands is made to lead to them.
"""

from __future__ import annotations

import re
from typing import Any

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

_LISTED = re.compile(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+")
_EXAMPLE = re.compile(r"^Examples?: (.+)$", re.MULTILINE)


def page(program: str, app: typer.Typer, note: str = "") -> str:
    """Markdown of all commands of `app`."""
    command: Any = get_command(app)
    context = typer.Context(command, info_name=program)
    text: str = get_docs_for_click(obj=command, ctx=context, name=program)
    rows = "".join(
        f"| [`{program} {name}`](#{program}-{name}) | {_first(found.help)} |\n"
        for name, found in command.commands.items()
        if not found.hidden
    )
    text, listed = _LISTED.subn(lambda _: f"| command | does |\n|---|---|\n{rows}", text, count=1)
    assert listed == 1, f"{program}: no list of commands in what Typer wrote"
    title, rest = text.split("\n", 1)
    return f"{title}\n\n{note}{_EXAMPLE.sub(_example, rest)}"


def pages() -> dict[str, str]:
    """Path below docs/ -> Markdown."""
    from pipelines.terra_cot import app as cot
    from pipelines.terrascope_bench import app as bench

    note = (
        "Generated from the program itself. Everywhere: `--help`, `--quiet`, `--json` where there is a table,\n"
        "`--debug` for the trace of a refused input; exit code 0 done, 1 the check or run failed, 2 wrong usage,\n"
        "unreadable input or a place that cannot be written to, 130 stopped by Ctrl-C, 141 the reader of the output\n"
        "left (`| head`).\n"
    )
    return {
        "commands/terra-cot.md": page("terra-cot", cot, note),
        "commands/terrascope-bench.md": page("terrascope-bench", bench, note),
    }


def _first(text: str | None) -> str:
    """The first paragraph of a help text on one line, fit for a table."""
    return " ".join((text or "").split("\n\n", 1)[0].split()).replace("|", "\\|")


def _example(found: re.Match[str]) -> str:
    text = found[1]
    return f"**Example**: {text if '`' in text else f'`{text}`'}"
