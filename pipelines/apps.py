"""How both command lines are put together: the same help, the same options of the program itself, the same completion.

Help is plain text with colours, not rich's panels: rendering those would double the time that `--help` takes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from pipelines.colour import paint

_HELP_COLUMNS = 110
_HEADING = re.compile(r"^(Usage|Arguments|Options|Commands|Example)(?=:)", re.MULTILINE)
_NAME = re.compile(r"^  (-[\w-]+(?:, -[\w-]+)*|[a-z][\w-]*(?=  ))", re.MULTILINE)
_CODES = (
    "Exit codes: 0 done; 1 the check or run failed; 2 wrong usage or unreadable input; 130 stopped by Ctrl-C; "
    "141 the reader of the output left (| head)."
)
# Flags that Typer adds without a default: it would load pydantic, 0.1 s, to learn that nothing stays nothing.
_OFF = {"help": False, "install_completion": False, "show_completion": False}
_EVERYWHERE = "--debug, anywhere on the line, shows the traceback of an error."


class Command(TyperCommand):
    """A command whose examples can be copied: an epilog keeps its lines, one `Example: ...` each."""

    def get_help(self, ctx: Any) -> str:
        return _painted(super().get_help(ctx))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_lines(formatter, [*(self.epilog or "").splitlines(), "", _EVERYWHERE])


class Group(TyperGroup):
    """The program: its commands and its own options."""

    def get_help(self, ctx: Any) -> str:
        return _painted(super().get_help(ctx))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        _write_lines(formatter, (self.epilog or "").splitlines())


class App(typer.Typer):
    """A Typer application of `Command`s."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, **options})


def new_app(name: str, text: str, example: str) -> App:
    """An application without commands yet.

    Args:
        text: what the program is for.
        example: the first command to try.
    """
    app = App(
        name=name,
        help=text,
        epilog=f"Example: {example}\n\n{_CODES}",
        cls=Group,
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"max_content_width": _HELP_COLUMNS, "default_map": _OFF},
    )

    app.callback()(_own_options)
    return app


def _tell_version(context: typer.Context, wanted: bool) -> None:
    if wanted:
        from terra_cot import __version__

        typer.echo(f"{context.command.name} {__version__}")
        raise typer.Exit


def _own_options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error. Works anywhere on the line.")
    ] = False,
) -> None:
    """`console.run` has taken --debug from the line before this is called; it stands here for the help."""


def _write_lines(formatter: Any, lines: list[str]) -> None:
    """Examples as they stand, whatever the width, so that they can be copied; all else wrapped."""
    formatter.write("\n")
    for line in lines:
        if line.startswith("Example:") or not line:
            formatter.write(f"{line}\n")
        else:
            formatter.write_text(line)


def _painted(text: str) -> str:
    """A help page with coloured headings and names."""
    text = _HEADING.sub(lambda found: paint(found[1], "bold", sys.stdout), text)
    return _NAME.sub(lambda found: f"  {paint(found[1], 'cyan', sys.stdout)}", text)
