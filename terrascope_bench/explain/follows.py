"""Which option follows from the model's own mask, by the rule of the benchmark's faithfulness; None where none applies.

A free question has no task. Those asked in the words of the benchmark for a share or an area of one class have: the
quantity is measured on the one mask that the reply looked at for that class, and the option is the nearest on the
task's own scale. Anything else is not guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from terra_cot.legend import LEGENDS
from terrascope_bench.judge import aliases
from terrascope_bench.ladder import Scale
from terrascope_bench.masks import name_of
from terrascope_bench.question import LETTERS
from terrascope_bench.stated import AREA_M2, PERCENT, Quantity, stated_number
from terrascope_bench.tasks import area, coverage

_FORMS: tuple[tuple[re.Pattern[str], Quantity, Scale], ...] = (
    (
        re.compile(
            r"What percentage of the valid pixels of this image is taken up by (.+)\? Choose the closest value\."
        ),
        PERCENT,
        coverage.SCALE,
    ),
    (
        re.compile(
            r"How many square metres of this image are taken up by (.+)\? A pixel is [\d.]+ m wide and high\. "
            r"Choose the closest value\."
        ),
        AREA_M2,
        area.SCALE,
    ),
)


@dataclass(frozen=True, slots=True)
class Follows:
    """`letter` of the option that `value` (in `unit`) of the mask is nearest to."""

    letter: str
    value: float
    unit: str


def follows(
    question: str, options: Sequence[str] | None, label: str | None, pixels: int, valid_px: int, gsd_m: float
) -> Follows | None:
    """What follows from the one mask of a reply: `pixels` of the `valid_px` that the image shows."""
    for form, quantity, scale in _FORMS:
        asked = form.fullmatch(" ".join(question.split()))
        if asked is None or not options or not valid_px or not _same(asked[1], label):
            continue
        stated = [stated_number(text, quantity, None) for text in options]
        if None in stated:
            return None
        values = [number.value for number in stated if number is not None]
        whole = 100.0 if quantity is PERCENT else valid_px * gsd_m**2
        share = 100.0 * pixels / valid_px
        option = scale.nearest(share, [100.0 * value / whole for value in values])
        return Follows(LETTERS[option], share / 100.0 * whole, quantity.unit)
    return None


def _same(noun: str, label: str | None) -> bool:
    """Whether a question's word for a class is the class that a chain names, in any legend."""
    if label is None:
        return False
    wanted, named = name_of(noun), name_of(label)
    known = {aliases(legend, view).get(wanted) for legend in LEGENDS for view in ("native", "display")}
    return named == wanted or named in known
