"""RLE text from outside is refused before C code sees it; our own makes the round trip."""

from __future__ import annotations

import numpy as np
import pytest

from terra_cot.errors import DataError
from terra_cot.mask import Mask, area, check_counts, encode, runs


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("column", range(5))
def test_one_pixel_comes_back_where_it_was(row: int, column: int) -> None:
    """Height and width differ: rows and columns cannot be exchanged."""
    array = np.zeros((3, 5), np.bool_)
    array[row, column] = True
    mask = Mask.from_array("t0", "water", array)
    assert mask.size == (3, 5)
    np.testing.assert_array_equal(mask.to_array(), array)
    assert runs(mask.counts.encode())[0] == column * 3 + row, "column-major, as COCO has it"
    assert Mask.from_row(mask.to_row()) == mask


@pytest.mark.parametrize("value", [False, True])
def test_empty_and_full_masks(value: bool) -> None:
    array = np.full((4, 6), value)
    counts = encode(array)
    np.testing.assert_array_equal(Mask("t0", "x", (4, 6), counts).to_array(), array)
    assert area(counts) == 24 * value
    assert check_counts((4, 6), counts).sum() == 24


def test_only_two_dimensions_are_a_mask() -> None:
    with pytest.raises(ValueError, match="HW"):
        encode(np.zeros((2, 3, 1), np.bool_))


def number(value: int) -> str:
    """One number in RLE text, by the format's own words."""
    text = ""
    while True:
        bits, value = value & 0x1F, value >> 5
        more = not ((value == 0 and not bits & 0x10) or (value == -1 and bits & 0x10))
        text += chr(48 + bits + 0x20 * more)
        if not more:
            return text


def test_numbers_are_read_as_the_format_says() -> None:
    assert runs((number(3) + number(4) + number(5)).encode()).tolist() == [3, 4, 5]
    # From the fourth on: the difference to the run two places before.
    assert runs((number(3) + number(4) + number(5) + number(-1)).encode()).tolist() == [3, 4, 5, 3]
    assert runs(number(1000).encode()).tolist() == [1000]


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ("", "empty"),
        (" ", "character"),
        ("\x00", "character"),
        ("p", "character"),
        ("é12", "ASCII"),
        ("\ud800", "ASCII"),
        ("o", "ends inside"),
        (number(-3), "negative"),
        (number(2) + number(1) + number(1) + number(-9), "negative"),
        (number(24), "fill"),
        (number(26), "fill"),
        (number(10) + number(10), "fill"),
        ("o" * 7 + "0", "overflow"),
        ("o" * 8 + "1", "overflow"),
        (number(1_000_000_000), "fill"),
        ("0" * 10_000, "longer"),
    ],
)
def test_hostile_text_is_refused_with_its_reason(counts: str, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        check_counts((5, 5), counts)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (-5, -5), (5,), (5, 5, 1), (5.0, 5), ("5", 5), (10**9, 10**9), None])
def test_hostile_sizes_are_refused(size: object) -> None:
    with pytest.raises(DataError):
        check_counts(size, encode(np.zeros((5, 5), np.bool_)))  # type: ignore[arg-type]


@pytest.mark.parametrize("counts", [None, 5, b"1", ["1"], {}])
def test_counts_of_another_type_are_refused(counts: object) -> None:
    with pytest.raises(DataError):
        check_counts((5, 5), counts)  # type: ignore[arg-type]
