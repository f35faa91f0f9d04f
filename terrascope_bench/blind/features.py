"""Features describe one option as someone sees it who has only the texts: numbers, digits, lengths, place, the others.

One row an option. They are many and blunt on purpose: a leak is found by what nobody thought of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from math import floor, log, nan
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.blind.riddle import Riddle
from terrascope_bench.blind.round_ratio import ratios, roundness_error

_DIGITS = re.compile(r"\d[\d,]*\.?\d*")
_LARGEST = 1e30  # the trees hold numbers of 32 bits; ratios of absurd options reach 1e200
_TASKS = ("CA", "AQ", "CR", "BRD", "DM", "BCE")


def features(riddles: Sequence[Riddle]) -> NDArray[np.float64]:
    """(options of all riddles, features) float64 within +-1e30, NaN where an option has no such feature."""
    rows = [row for riddle in riddles for row in _rows(riddle)]
    return np.array(rows, np.float64).reshape(len(rows), -1).clip(-_LARGEST, _LARGEST)


def _rows(riddle: Riddle) -> list[list[float]]:
    count = len(riddle.options)
    shared = [
        float(_TASKS.index(riddle.task)) if riddle.task in _TASKS else nan,
        float(count),
        nan if not riddle.gsd_m else log(riddle.gsd_m),
        float(len(riddle.question)),
        float(len(riddle.question.split())),
    ]
    looks = [_looks(option) for option in riddle.options]
    lengths = sorted(len(option) for option in riddle.options)
    out = []
    for k, option in enumerate(riddle.options):
        others = [look for i, look in enumerate(looks) if i != k]
        out.append(
            [
                *shared,
                float(k),
                float(lengths.index(len(option))),
                float(option.casefold() in riddle.question.casefold()),
                float(riddle.question.casefold().find(option.casefold())),
                *looks[k],
                *(mine - fmean(column) for mine, column in zip(looks[k], zip(*others, strict=True), strict=True)),
                *_among(riddle, k),
            ]
        )
    return out


@cache
def _looks(option: str) -> tuple[float, ...]:
    """How an option is written: lengths, digits, zeros at the end, decimals, the last digits."""
    found = _DIGITS.search(option)
    number = found[0].replace(",", "") if found else ""
    whole, _, decimals = number.partition(".")
    digits = (whole + decimals).lstrip("0")
    significant = digits.rstrip("0")
    return (
        float(len(option)),
        float(len(option.split())),
        float(len(whole)),
        float(len(decimals)),
        float(len(significant)),
        float(len(digits) - len(significant)),
        float(digits[-1]) if digits else -1.0,
        float(int(digits[-1]) % 2) if digits else -1.0,
        float(significant[-1]) if significant else -1.0,
        float(int(significant[-1]) % 2) if significant else -1.0,
        float(digits[0]) if digits else -1.0,
        float(sum(map(int, digits)) % 9) if digits else -1.0,
    )


_AMONG = 15


def _among(riddle: Riddle, k: int) -> list[float]:
    """Where the value of option k stands among the others; NaN without numbers, or with a zero among them."""
    values = riddle.values
    if values is None or min(values) <= 0:
        return [nan] * _AMONG
    value, order = values[k], sorted(values)
    others = ratios(values, k)
    place = order.index(value)
    padded = [*others, *[nan] * 3][:3]
    pixels = value / riddle.gsd_m**2 if riddle.gsd_m else nan
    return [
        float(place),
        log(value),
        log(value / order[0]),
        log(value / order[-1]),
        log(value / median(order)),
        log(value / fmean(order)),
        *padded,
        log(value / order[place - 1]) if place else nan,
        log(order[place + 1] / value) if place + 1 < len(order) else nan,
        roundness_error(values, k),
        roundness_error([1 / v for v in values], k),
        pixels - floor(pixels) if 0 < pixels < 1e12 else nan,
        value - floor(value) if value < 1e12 else nan,
    ]
