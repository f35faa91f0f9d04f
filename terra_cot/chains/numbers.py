"""No number without evidence: each unit has one way to be written, and every number in a text must be one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from terra_cot.sample import Evidence

# Digits after a letter belong to a name (t0, m2, B08, Sentinel-2); all others are a number, whatever follows (15m).
_NUMBER = re.compile(r"(?<!\w)(?<![^\W\d_]-)(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+")
_HA_M2, _KM2_M2 = 10_000.0, 1_000_000.0


def pixels(value: float) -> str:
    return f"{value:,.0f} pixel" if value == 1 else f"{value:,.0f} pixels"


def percent(value: float) -> str:
    return f"{value:.1f} %"


def count(value: float) -> str:
    return f"{value:,.0f}"


def metres(value: float) -> str:
    """Decimetres below a hundred metres: aerial images resolve them."""
    return f"{value:,.1f} m" if round(value, 1) < 100 else f"{value:,.0f} m"


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
    "largest_pixels": pixels,
    "largest_area": area,
    "largest_distance": metres,
    "buffer": gsd,
    "near_share": percent,
    "above_share": percent,
    "left_share": percent,
    "joint_share": percent,
}
"""How each fact is written; facts that no text states (adjacent) are not here."""


def numbers_in(text: str) -> list[str]:
    """The numbers that a text states, as written."""
    return _NUMBER.findall(text)


def underived(text: str, evidence: Iterable[Evidence]) -> list[str]:
    """Numbers in `text` that no evidence row gives."""
    allowed = {
        number for item in evidence if item.fact in WRITTEN for number in numbers_in(WRITTEN[item.fact](item.value))
    }
    return [number for number in numbers_in(text) if number not in allowed]
