"""A user's fault is a TerraError with one line that says how to mend it; a bug keeps its traceback."""

from __future__ import annotations

from terra_cot.visible import visible


class TerraError(Exception):
    """Base of every error that a user can cause and mend. `str(error)` is one line."""


class DataError(TerraError):
    """Something read from outside is not what it should be: where, got, expected, what to do.

    `reason` is the stable word that a drop caused by this error is counted under.
    """

    reason = "unreadable"

    def __init__(
        self,
        problem: str,
        *,
        file: object = None,
        row: object = None,
        field: str | None = None,
        got: object = None,
        expected: object = None,
        fix: str | None = None,
        reason: str | None = None,
    ) -> None:
        self.reason = reason or type(self).reason
        self.problem, self.fix = problem, fix
        self.file, self.row, self.field = file, row, field
        self.got, self.expected = got, expected
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ":".join(str(part) for part in (self.file, self.row, self.field) if part is not None)
        line = f"{where}: {self.problem}" if where else self.problem
        if self.got is not None:
            line += f"; got {shorten(self.got)}"
        if self.expected is not None:
            line += f", expected {shorten(self.expected)}"
        if self.fix:
            line += f"; {self.fix}"
        return visible(" ".join(line.split()))


class GridError(DataError):
    """A raster has no usable place on Earth: no CRS, a size that does not fit, a transform that cannot be inverted."""

    reason = "no_place"


class SchemaError(DataError):
    """A table or JSON file does not have the fields, types or version that this release reads."""


class ConfigError(TerraError):
    """A recipe, flag or argument is wrong; the message names it, what was given and what is allowed."""


class RunStopped(TerraError):  # noqa: N818 - reads as what happened
    """Something outside kept a run from going on; what is finished is kept, and the same command goes on there."""


class ConflictError(TerraError):
    """The output folder is in use, or holds something else; nothing in it was touched."""


def shorten(value: object, limit: int = 120) -> str:
    """One-line text of any value, cut and made visible: hostile input neither floods nor steers a terminal."""
    text = value if isinstance(value, str) else repr(value)
    cut = len(text) > 8 * limit  # white space is folded and signs grow: room for both, without reading megabytes
    text = visible(" ".join(text[: 8 * limit].split()))
    return text if len(text) <= limit and not cut else f"{text[: limit - 1]}…"


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """`; did you mean "x"?` or an empty text: the nearest known name."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
