"""The number that a reply states is the last one that carries the unit of the task's quantity, in the chain.

What is read: the response up to its last `</think>` (without one, what stands before `<answer>`), of that the last
65,536 characters. A number stands by itself, may have thousands separators (`1,230,000`), and is followed by its unit:

| quantity | unit |
|---|---|
| share | `%`, percent, per cent |
| area | m², m2, m^2, sq m, square metres; ha, hectares (10,000 m²); km², km2, km^2, square kilometres (1,000,000 m²) |
| distance | m, metres (1 m); km, kilometres (1,000 m) |
| destroyed buildings | the word destroyed within three words after the number, or before it |

"10 m per pixel" and its like tell the size of a pixel, not a distance.

A number that is, as written, the value of an option is passed over where another one is stated: chains repeat the
option that they choose. It follows from a measured value where the two differ by at most 5 % of the measured one, or by
half a unit of the last digit that was written ("24 %" is as good as 24.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

RELATIVE = 0.05
_WINDOW = 65_536
# Bounded on every side: a megabyte of digits must cost a megabyte of steps.
_NUMBER = (
    r"(?<![\w.,^+])(?P<number>\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,12})?|\d{1,18}(?:\.\d{1,12})?(?:e[+-]?\d{1,3})?)(?!\d)"
)
_METRE = r"(?:met(?:er|re)s?)"
_NO_PIXEL = r"(?!\s?[²^]|\s?/|\s(?:per|a|wide|resolution|gsd|ground|pixels?)\b)"


@dataclass(frozen=True, slots=True)
class Quantity:
    """How a reply writes a quantity: (pattern of what follows the number, factor to the unit of the options)."""

    name: str
    units: tuple[tuple[str, float], ...]
    unit: str
    before: str = ""
    """Pattern of what may stand before the number instead of a unit."""

    def write(self, value: float) -> str:
        """A value as a reply would state it."""
        return f"{value:.10g} {self.unit}"


@dataclass(frozen=True, slots=True)
class Stated:
    """A number of a reply in the unit of the options; `half_digit` is half a unit of its last written digit."""

    value: float
    half_digit: float

    def follows(self, measured: float) -> bool:
        """Whether the number is the measured one, as far as it was written."""
        slack = max(RELATIVE * abs(measured), self.half_digit)
        return abs(self.value - measured) <= slack * (1 + 1e-12)


PERCENT = Quantity("share", ((r"%|per\s?cent\b", 1.0),), "%")
AREA_M2 = Quantity(
    "area",
    (
        (rf"(?:m²|m\^?2\b|sq\.?\s?m\b|square\s{{1,3}}{_METRE}\b)", 1.0),
        (r"(?:ha|hectares?)\b", 1e4),
        (rf"(?:km²|km\^?2\b|sq\.?\s?km\b|square\s{{1,3}}kilo{_METRE}\b)", 1e6),
    ),
    "m²",
)
LENGTH_M = Quantity(
    "distance", ((rf"(?:m|{_METRE})\b{_NO_PIXEL}", 1.0), (rf"(?:km|kilo{_METRE})\b{_NO_PIXEL}", 1e3)), "m"
)
DESTROYED_COUNT = Quantity(
    "destroyed buildings",
    ((r"(?:[^\W\d]+\s{1,3}){0,3}destroyed\b", 1.0),),
    "destroyed",
    before=r"\bdestroyed\b[^\d.;]{0,32}",
)


def stated_number(response: str | None, quantity: Quantity, options: Sequence[float] | None) -> Stated | None:
    """The number that a reply states for a quantity; None where it states none."""
    if not response:
        return None
    text = _chain(response)
    found = [_read(match, quantity) for match in _pattern(quantity).finditer(text)]
    own = [item for item in found if not any(item.value == value for value in options or ())]
    return next(reversed(own or found), None)


def _chain(response: str) -> str:
    end = response.rfind("</think>")
    if end < 0:
        end = response.find("<answer>")
    chain = response if end < 0 else response[:end]
    return chain[-_WINDOW:]


@cache
def _pattern(quantity: Quantity) -> re.Pattern[str]:
    units = "|".join(f"(?P<u{k}>{pattern})" for k, (pattern, _) in enumerate(quantity.units))
    after = rf"{_NUMBER}\s{{0,3}}-?(?:{units})"
    if not quantity.before:
        return re.compile(after, re.IGNORECASE)
    alone = _NUMBER.replace("<number>", "<alone>").replace(r"(?<![\w.,^+])", r"(?<![\d.,])")
    return re.compile(rf"{after}|{quantity.before}{alone}(?!\s?%)", re.IGNORECASE)


def _read(match: re.Match[str], quantity: Quantity) -> Stated:
    groups = match.groupdict()
    text = (groups["number"] or groups["alone"]).replace(",", "")
    factor = next((factor for k, (_, factor) in enumerate(quantity.units) if groups.get(f"u{k}")), 1.0)
    mantissa, _, exponent = text.lower().partition("e")
    last = int(exponent or 0) - len(mantissa.partition(".")[2])
    return Stated(float(text) * factor, 0.5 * 10.0**last * factor)
