"""What the numbers of a file mean: reflectance by scale and offset, SAR by its unit; stated, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.scene import SarUnit, Scale

DECIBEL = {"linear": 10.0, "amplitude": 20.0}
"""dB = factor * log10(value)."""

_UNITS: dict[str, SarUnit] = {
    **dict.fromkeys(("db", "decibel", "decibels"), "dB"),
    **dict.fromkeys(("linear", "power", "linear power", "intensity", "m2/m2", "m^2/m^2"), "linear"),
    **dict.fromkeys(("amplitude", "linear amplitude"), "amplitude"),
}
_UNIT_TAGS = ("unit", "units", "unittype")


def sar_unit(units: Sequence[str | None], tags: Iterable[Mapping[str, str]]) -> SarUnit | None:
    """The unit that a file states: by the unit type of its bands, or by a tag UNIT or UNITS of a band or the file.

    None where it says nothing. Raises:
        DataError: a word that means no unit of SAR, or two units in one file.
    """
    said = [unit for unit in units if unit]
    said += [value for held in tags for key, value in held.items() if key.lower() in _UNIT_TAGS and value.strip()]
    known = {word: _UNITS.get(word.strip().lower()) for word in said}
    if None in known.values():
        strange = next(word for word, unit in known.items() if unit is None)
        raise DataError(
            "a unit that is none of SAR",
            field="unit",
            got=strange,
            expected="dB, linear, amplitude",
            fix="state `unit` of these frames in the recipe",
            reason="unknown_sar_unit",
        )
    found = {unit for unit in known.values() if unit is not None}
    if len(found) > 1:
        raise DataError(
            "bands in different units", field="unit", got=sorted(found), expected="one", reason="unknown_sar_unit"
        )
    return found.pop() if found else None


def in_db(pixels: NDArray[np.generic], unit: SarUnit) -> tuple[NDArray[np.generic], NDArray[np.bool_] | bool]:
    """CHW pixels in dB, and HW where all of them have one: power is above zero. What is in dB stays as it is."""
    if unit == "dB":
        return pixels, True
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (DECIBEL[unit] * np.log10(pixels.astype(np.float64))).astype(np.float32)
    return found, np.asarray(np.isfinite(found).all(axis=0))


def rescaled(pixels: NDArray[np.generic], scales: Sequence[Scale]) -> NDArray[np.generic]:
    """CHW pixels, band by band value * factor + add.

    Whole numbers that only move stay in their dtype: below its least value they become that value (negative
    reflectance of dark water 0, as in the harmonised collections of Earth Engine and Sentinel Hub). Else float32.
    """
    if all((scale.factor, scale.add) == (1, 0) for scale in scales):
        return pixels
    moves = all(scale.factor == 1 and float(scale.add).is_integer() for scale in scales)
    if moves and np.issubdtype(pixels.dtype, np.integer):
        limits = np.iinfo(pixels.dtype.type)  # type: ignore[type-var]
        add = np.array([int(scale.add) for scale in scales], np.int64)[:, None, None]
        return np.asarray(np.clip(pixels.astype(np.int64) + add, limits.min, limits.max), pixels.dtype)
    factors, adds = np.array([[scale.factor, scale.add] for scale in scales]).T[..., None, None]
    return np.asarray(pixels.astype(np.float64) * factors + adds, np.float32)
