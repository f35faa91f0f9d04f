"""The number that a reply states: units, separators, exponents, what is no measurement, and hostile text."""

from __future__ import annotations

import pytest

from terrascope_bench.stated import AREA_M2, DESTROYED_COUNT, LENGTH_M, PERCENT, Quantity, Stated, stated_number

ROWS: list[tuple[Quantity, str, float | None]] = [
    (PERCENT, "Crop covers 2,345 of 10,000 pixels, that is 23.45%.", 23.45),
    (PERCENT, "about 23 percent of the image", 23.0),
    (PERCENT, "23.5 per cent", 23.5),
    (PERCENT, "between 20% and 24%", 24.0),
    (PERCENT, "2345 pixels", None),
    (PERCENT, "<think>24%</think><answer>B. 30%</answer>", 24.0),
    (PERCENT, "It is 24%. <answer>30%</answer>", 24.0),
    (AREA_M2, "2,841,200 m²", 2_841_200.0),
    (AREA_M2, "2841200 square meters", 2_841_200.0),
    (AREA_M2, "2.8412e+06 m2", 2_841_200.0),
    (AREA_M2, "284.12 ha", 2_841_200.0),
    (AREA_M2, "2.8412 km²", 2_841_200.0),
    (AREA_M2, "28412 pixels x 100 m2 a pixel = 2.84 sq km", 2_840_000.0),
    (AREA_M2, "300 m", None),
    (LENGTH_M, "15 pixels at 10 m per pixel: 150 m", 150.0),
    (LENGTH_M, "150 m apart (15 pixels at 10 m per pixel)", 150.0),
    (LENGTH_M, "150 m apart at 10 m/pixel", 150.0),
    (LENGTH_M, "1.5 km", 1500.0),
    (LENGTH_M, "0.15 kilometres", 150.0),
    (LENGTH_M, "200 m² of water", None),
    (LENGTH_M, "B04 m", None),
    (DESTROYED_COUNT, "Of 40 buildings, 12 are destroyed.", 12.0),
    (DESTROYED_COUNT, "12 destroyed of 40", 12.0),
    (DESTROYED_COUNT, "destroyed buildings: 12", 12.0),
    (DESTROYED_COUNT, "30% destroyed", None),
    (DESTROYED_COUNT, "40 buildings", None),
]


@pytest.mark.parametrize(("quantity", "text", "value"), ROWS)
def test_what_is_read(quantity: Quantity, text: str, value: float | None) -> None:
    found = stated_number(text, quantity, None)
    assert (None if found is None else pytest.approx(found.value)) == value


def test_an_option_is_passed_over_where_another_number_is_stated() -> None:
    options = (12.0, 25.0)
    assert stated_number("23.4%, so 25.0%", PERCENT, options) == Stated(23.4, 0.05)
    assert stated_number("so 25.0%", PERCENT, options) == Stated(25.0, 0.05)


def test_a_number_follows_as_far_as_it_was_written() -> None:
    assert Stated(24.0, 0.5).follows(24.4)
    assert Stated(24.0, 0.5).follows(25.2)
    assert not Stated(24.0, 0.5).follows(25.4)
    assert Stated(0.0, 0.5).follows(0.4)
    assert not Stated(0.0, 0.05).follows(0.4)


@pytest.mark.parametrize("quantity", [PERCENT, AREA_M2, LENGTH_M, DESTROYED_COUNT])
def test_what_is_written_is_read_again(quantity: Quantity) -> None:
    for value in (3.0, 24.4375, 2_841_200.0, 123_456_789.0):
        found = stated_number(quantity.write(value), quantity, None)
        assert found is not None
        assert found.follows(value)


@pytest.mark.parametrize("piece", ["1", "1,", "1 ", "destroyed ", "1.", "a ", "12 km", "²"])
def test_hostile_text_costs_no_more_than_its_window(piece: str) -> None:
    text = piece * (4_000_000 // len(piece))
    for quantity in (PERCENT, AREA_M2, LENGTH_M, DESTROYED_COUNT):
        assert stated_number(text, quantity, (1.0,)) == stated_number(text[-65_536:], quantity, (1.0,))
