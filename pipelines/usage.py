"""Wrong usage is two lines: what is wrong with the nearest right name, and which help to read."""

from __future__ import annotations

import re
from typing import Any

import typer

from terra_cot.errors import did_you_mean

UsageError: Any = typer.BadParameter.__mro__[1]  # of click, or of typer's own copy of it: neither exports it
_NO_COMMAND = re.compile(r"No such command '(?P<name>.*?)'\.")
_NO_CHOICE = re.compile(
    r"(?P<before>.*?: )?(?:Value error, )?'(?P<got>.*?)' is not one of (?P<known>'.*')\.?$", re.DOTALL
)


def usage_lines(error: Any) -> list[str]:
    """The lines for a UsageError; of a command without arguments its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return [str(error.message)]
    lines = [f"error: {_told(error)}"]
    if error.ctx is not None:
        lines.append(f"try: {error.ctx.command_path} --help")
    return lines


def _told(error: Any) -> str:
    context = error.ctx
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        known = [name for parameter in context.command.get_params(context) for name in parameter.opts]
        return f'no option "{error.option_name}"{did_you_mean(error.option_name, known)}'
    message = " ".join(error.format_message().split())
    if found := _NO_COMMAND.match(message):
        known = context.command.list_commands(context)
        near = did_you_mean(found["name"], known)
        return f'no command "{found["name"]}"{near} (known: {", ".join(known)})'
    if found := _NO_CHOICE.match(message):
        known = re.findall(r"'(.*?)'", found["known"])
        where = _lowered(found["before"] or "")
        return f'{where}no "{found["got"]}"{did_you_mean(found["got"], known)} (known: {", ".join(known)})'
    return _lowered(message).rstrip(".")


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
