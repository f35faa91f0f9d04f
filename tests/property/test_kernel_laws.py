"""Laws of masks, draws and numbers, for whatever hypothesis thinks of."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from terra_cot.chains import numbers
from terra_cot.draw import draw, pick, seed_of, shuffled
from terra_cot.errors import DataError
from terra_cot.evidence import FACTS, evidence
from terra_cot.mask import area, check_counts, decode, encode, runs

MASKS = hnp.arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))
SEEDS = st.integers(0, 2**63 - 1)


@given(MASKS)
def test_a_mask_makes_the_round_trip(mask: NDArray[np.bool_]) -> None:
    counts = encode(mask)
    np.testing.assert_array_equal(decode(mask.shape, counts), mask)
    assert area(counts) == np.count_nonzero(mask)
    lengths = check_counts((mask.shape[0], mask.shape[1]), counts)
    assert lengths.sum() == mask.size
    assert (lengths[1:] > 0).all(), "only the first run may be empty"


@given(MASKS, st.data())
def test_a_damaged_text_is_refused_or_fills_the_mask(mask: NDArray[np.bool_], data: st.DataObject) -> None:
    """Whatever character changes: DataError, or runs that add up, which the C decoder can be given."""
    counts = encode(mask)
    at = data.draw(st.integers(0, len(counts) - 1))
    text = counts[:at] + data.draw(st.characters(codec="utf-8")) + counts[at + data.draw(st.integers(0, 1)) :]
    with contextlib.suppress(DataError):
        lengths = check_counts((mask.shape[0], mask.shape[1]), text)
        assert lengths.min() >= 0
        assert decode(mask.shape, text).shape == mask.shape


@given(st.binary(min_size=1, max_size=60))
def test_bytes_are_runs_or_a_value_error(text: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert (runs(text) >= 0).all()


@given(st.integers(1, 1000), SEEDS, st.text(max_size=8))
def test_a_draw_is_in_range_and_a_function_of_its_names(choices: int, seed: int, name: str) -> None:
    value = draw(choices, seed, name)
    assert 0 <= value < choices
    assert draw(choices, seed, name) == value
    assert 0 <= seed_of(seed, name) < 2**63


@given(st.lists(st.integers(), max_size=20, unique=True), SEEDS)
def test_shuffling_keeps_everything(items: list[int], seed: int) -> None:
    order = shuffled(items, seed, "x")
    assert sorted(order) == sorted(items)
    assert shuffled(tuple(items), seed, "x") == order
    if items:
        assert pick(items, seed, "x") in items


def test_draws_are_even_and_names_do_not_run_together() -> None:
    counts = np.bincount([draw(6, 0, "tile", number) for number in range(12_000)], minlength=6)
    assert abs(counts / 2000 - 1).max() < 0.1
    assert seed_of(0, "a", "bc") != seed_of(0, "ab", "c")
    assert seed_of(1, "a") != seed_of(11, "a") != seed_of(1, 1, "a")


def test_the_draws_of_a_release_do_not_change() -> None:
    """Other machines and later releases must make the same data: these are frozen."""
    assert [draw(1000, 0, "tile", number) for number in range(5)] == [353, 382, 357, 116, 855]
    assert shuffled("abcdef", 7, "x") == ["b", "e", "d", "a", "f", "c"]


WRITTEN = sorted(numbers.WRITTEN)
RANGES = {
    **{"row": (0, 1), "column": (0, 1), "share": (0, 100), "area_difference": (0, 100)},
    **{"gsd": (0.01, 1000), "buffer": (0.1, 10_000)},
}


@given(st.sampled_from(WRITTEN), st.floats(0, 1), st.floats(0, 1e9))
@settings(max_examples=300)
def test_what_is_written_is_derived_and_near(fact: str, share: float, value: float) -> None:
    """Each unit has one way to be written, which is found again, and differs from the value by its rounding only."""
    low, high = RANGES.get(fact, (0, 1e9))
    value = low + share * (high - low) if fact in RANGES else float(round(value)) if fact.endswith("pixels") else value
    item = evidence(fact, tuple(range(1 if FACTS[fact].masks is None else FACTS[fact].masks)), value)
    text = numbers.WRITTEN[fact](value)
    assert numbers.underived(f"It is {text}, so there.", [item]) == []
    (written,) = numbers.numbers_in(text)
    scale = {"ha": 1e4, "km2": 1e6, "km": 1e3}.get(text.split()[-1], 0.01 if fact in ("row", "column") else 1)
    assert float(written.replace(",", "")) * scale == pytest.approx(value, abs=0.51 * scale, rel=1e-2)


@given(st.text(alphabet="0123456789,. -abm%t", max_size=30))
def test_no_digit_that_does_not_belong_to_a_name_escapes(text: str) -> None:
    """Against a reading of its own: every digit with no letter before its run of digits is part of a number found."""
    seen = "".join(numbers.numbers_in(text))
    expected = 0
    for at, char in enumerate(text):
        if not char.isdecimal():
            continue
        start = at
        while start > 0 and (text[start - 1].isdecimal()):
            start -= 1
        before = text[start - 1] if start else " "
        named = before.isalpha() or (before == "-" and start > 1 and text[start - 2].isalpha())
        expected += not named
    assert sum(char.isdecimal() for char in seen) == expected
