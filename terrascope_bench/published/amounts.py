"""Option texts are numbers only if all of them read as one number in one unit that measures the task's quantity.

Values come in the units of the evidence: % for CA, m2 for AQ, m for DM, % or count for BCE. A number without a unit has
the one that the question names; if the question names none or two, the options are no numbers. `2,841,200` has its
thousands apart; `2,5` is neither that nor a decimal in the language of the file, so it is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

_UNITS: dict[str, tuple[str, float]] = {}
for _base, _factor, _names in (
    ("%", 1.0, "% percent per_cent percents percentage pct"),
    ("m", 1.0, "m meter meters metre metres"),
    ("m", 1000.0, "km kilometer kilometers kilometre kilometres"),
    ("m2", 1.0, "m2 m² m^2 sqm sq_m sq._m sq_meters sq_metres square_meter square_meters square_metre square_metres"),
    ("m2", 1e4, "ha hectare hectares"),
    ("m2", 1e6, "km2 km² km^2 sqkm sq_km sq._km square_kilometer square_kilometers square_kilometre square_kilometres"),
    ("count", 1.0, "building buildings"),
):
    for _name in _names.split():
        _UNITS[_name.replace("_", " ")] = (_base, _factor)

MEASURES = {"CA": ("%",), "AQ": ("m2",), "DM": ("m",), "BCE": ("%", "count")}
"""Units that an option of a task may measure in; tasks that are not here have no numbers for options."""

_NUMBER = re.compile(
    r"(?:(?:about|approximately|approx\.?|around|roughly|~|≈)\s*)?"
    r"(\d{1,3}(?:[,\u00a0\u202f\u2009 ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?)"
    r"\s*([^\d\s][^\d]*(?:\^?2)?)?",
    re.IGNORECASE,
)
_LONGEST = 80


def option_values(task: str, question: str, options: Sequence[str]) -> tuple[float, ...] | None:
    """The numbers that the options of a numeric task name, in the task's unit; None where they name none."""
    allowed = MEASURES.get(task)
    if allowed is None:
        return None
    parsed = [_amount(text) for text in options]
    units = {entry[1] for entry in parsed if entry is not None}
    if None in parsed or len(units) != 1:
        return None
    name = units.pop()
    unit = _unit_of_question(task, question) if name is None else _UNITS.get(name)
    if unit is None or unit[0] not in allowed:
        return None
    values = tuple(entry[0] * unit[1] for entry in parsed if entry is not None)
    return values if all(math.isfinite(value) for value in values) else None


def _amount(text: str) -> tuple[float, str | None] | None:
    """(number, unit as its first name or None) of `~2,841,200 m²`; None where the text is anything else."""
    found = _NUMBER.fullmatch(text.strip().rstrip(".")) if len(text) <= _LONGEST else None
    if found is None:
        return None
    number = float(re.sub(r"[,\u00a0\u202f\u2009 ]", "", found[1]))
    if found[2] is None:
        return number, None
    unit = " ".join(found[2].casefold().split())
    return (number, _FIRST[_UNITS[unit]]) if unit in _UNITS else None


_FIRST = {unit: next(name for name, known in _UNITS.items() if known == unit) for unit in set(_UNITS.values())}


def _unit_of_question(task: str, question: str) -> tuple[str, float] | None:
    """The one unit that the question's words name and the task measures in."""
    allowed = MEASURES[task]
    text = question.casefold()
    named = set()
    # Longest names first, each taken out: "square metres" must not leave "metres" behind.
    for name in sorted(_UNITS, key=lambda name: (-len(name), name)):
        pattern = re.compile(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9²^])")
        text, times = pattern.subn(" ", text)
        if times and _UNITS[name][0] in allowed:
            named.add(_UNITS[name])
    if task == "BCE" and ("%", 1.0) in named:
        return "%", 1.0  # the percentage of the buildings
    return named.pop() if len(named) == 1 else None
