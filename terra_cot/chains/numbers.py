"""No number without evidence: each unit has one way to be written, and every number in a text must be one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from terra_cot.pixels.spectral import INDICES, POLARISATIONS
from terra_cot.sample import Evidence

# Digits after a letter belong to a name (t0, m2, B08, Sentinel-2); all others are a number, whatever follows (15m).
# A minus is a sign where nothing stands before it that it could join or range to (2-3).
_NUMBER = re.compile(
    r"(?:(?<![\w.,)\]-])[-\u2212])?(?<!\w)(?<![^\W\d_]-)(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+"
)
_HA_M2, _KM2_M2 = 10_000.0, 1_000_000.0


def pixels(value: float) -> str:
    return f"{value:,.0f} pixel" if value == 1 else f"{value:,.0f} pixels"


def percent(value: float) -> str:
    return f"{value:.1f} %"


def count(value: float) -> str:
    return f"{value:,.0f}"


def metres(value: float) -> str:
    """Decimetres below a hundred metres: aerial images resolve them; kilometres from ten of them on."""
    if round(value, 1) < 100:
        return f"{value:,.1f} m"
    return f"{value:,.0f} m" if round(value) < 10_000 else f"{value / 1000:,.1f} km"


def gsd(value: float) -> str:
    return f"{value:g} m"


def separation(value: float) -> str:
    return f"{value:,.1f} pixels"


def position(value: float) -> str:
    """A share of height or width as whole percent."""
    return f"{100 * value:.0f} %"


def area(value_m2: float) -> str:
    """An area in the unit a reader would choose: m2 below a hectare, km2 from ten of them on, else ha."""
    if value_m2 < _HA_M2:
        return f"{value_m2:,.0f} m2"
    if value_m2 < 10 * _KM2_M2:
        return f"{value_m2 / _HA_M2:,.1f} ha"
    return f"{value_m2 / _KM2_M2:,.2f} km2"


def index(value: float) -> str:
    """A normalised difference, -1 to 1."""
    return f"{round(value, 2) + 0.0:.2f}"  # no minus before 0.00


def index_gap(value: float) -> str:
    """The size of a difference of indices; the words beside it say which way it goes."""
    return index(abs(value))


def decibel(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f} dB"


def decibel_gap(value: float) -> str:
    """The size of a difference in dB; the words beside it say which way it goes."""
    return decibel(abs(value))


def area_gap(value_m2: float) -> str:
    """The size of a change of area; the words beside it say which way it goes."""
    return area(abs(value_m2))


def percent_gap(value: float) -> str:
    """The size of a change in percent; the words beside it say which way it goes."""
    return percent(abs(value))


WRITTEN = {
    "pixels": pixels,
    "valid_pixels": pixels,
    "gsd": gsd,
    "share": percent,
    "area": area,
    "components": count,
    "row": position,
    "column": position,
    "separation": separation,
    "distance": metres,
    "area_difference": percent,
    "component_share": percent,
    "cloud": percent,
    **dict.fromkeys(INDICES, index),
    **dict.fromkeys((f"{name}_contrast" for name in INDICES), index_gap),
    **dict.fromkeys(POLARISATIONS, decibel),
    **dict.fromkeys((f"{name}_contrast" for name in POLARISATIONS), decibel_gap),
    "largest_pixels": pixels,
    "largest_area": area,
    "largest_distance": metres,
    "buffer": gsd,
    "near_share": percent,
    "above_share": percent,
    "left_share": percent,
    "joint_share": percent,
    "shared_pixels": pixels,
    "shared_area": area,
    "inside_share": percent,
    "area_change": area_gap,
    "size_change": percent_gap,
}
"""How each fact is written; facts that no text states (adjacent) are not here."""


def numbers_in(text: str) -> list[str]:
    """The numbers that a text states, as written, with their sign."""
    return [found.group().replace("\u2212", "-") for found in _NUMBER.finditer(text)]


# The ways a text may write a unit, longest first; what follows must not go on as a word (m is not the start of "mask").
_UNITS = {
    "m2": r"m2|m\u00b2|sq(?:uare)?\.? ?met(?:re|er)s?|sq\.? ?m",
    "km2": r"km2|km\u00b2|sq(?:uare)?\.? ?kilomet(?:re|er)s?|sq\.? ?km",
    "ha": r"ha|hectares?",
    "km": r"km|kilomet(?:re|er)s?",
    "m": r"m|met(?:re|er)s?",
    "px": r"px|pixels?",
    "%": r"%|percent(?:age points)?|per cent",
    "dB": r"dB|decibels?",
}
_UNIT = re.compile(
    r"[ \u00a0-]?(?:" + "|".join(f"(?P<u{n}>{text})" for n, text in enumerate(_UNITS.values())) + r")(?!\w)"
)
_LISTED = re.compile(r"(?:,| and| or| to|, and) ")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as a text writes it, with the unit that follows ("" for none), and where it stands."""

    number: str
    unit: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.number} {self.unit}".rstrip()


def quantities(text: str) -> list[Quantity]:
    """Every number of a text with its unit; in "2.0, 3.5 and 4.1 m" all three are metres."""
    found: list[Quantity] = []
    for match in _NUMBER.finditer(text):
        unit = _UNIT.match(text, match.end())
        names = list(_UNITS)
        name = next((names[int(key[1:])] for key, value in unit.groupdict().items() if value), "") if unit else ""
        found.append(Quantity(match.group().replace("\u2212", "-"), name, match.start(), match.end()))
    for at in range(len(found) - 2, -1, -1):
        one, after = found[at], found[at + 1]
        if not one.unit and _LISTED.fullmatch(text, one.end, after.start):
            found[at] = Quantity(one.number, after.unit, one.start, one.end)
    return found


def writings(item: Evidence) -> set[tuple[str, str]]:
    """(number, unit) pairs by which a text may state an evidence row; none for facts that are not stated."""
    write = WRITTEN.get(item.fact.partition("@")[0])
    return {(found.number, found.unit) for found in quantities(write(item.value))} if write else set()


def underived(text: str, evidence: Iterable[Evidence]) -> list[str]:
    """Numbers in `text`, with their unit, that no evidence row gives in this unit."""
    allowed = {pair for item in evidence for pair in writings(item)}
    return [str(found) for found in quantities(text) if (found.number, found.unit) not in allowed]
