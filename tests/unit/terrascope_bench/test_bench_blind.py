"""The blind solver knows the published leak, and has nothing to say about anything else."""

from __future__ import annotations

import pytest

from terrascope_bench.models.blind import guess

PRINTED = [
    (["35 m", "50 m", "60 m", "70 m"], 1),
    (["21", "30", "36", "42"], 1),
    (["105 m", "150 m", "180 m", "210 m"], 1),
    (["284120", "1420600", "2841200", "5682400"], 2),
    (["1,962,379 m2", "2,803,400 m2", "3,644,420 m2", "4,205,100 m2"], 1),
]


@pytest.mark.parametrize(("options", "right"), PRINTED)
def test_right_on_every_printed_example(options: list[str], right: int) -> None:
    assert guess(options) == right
    assert guess(options[::-1]) == len(options) - 1 - right


@pytest.mark.parametrize(
    ("options", "taken"),
    [(["Yes", "No"], 0), (["No", "Yes"], 1), (["wetland", "cropland"], 1), (["foo", "bar"], 0)],
)
def test_general_knowledge(options: list[str], taken: int) -> None:
    assert guess(options) == taken


def test_any_options_have_a_guess() -> None:
    assert guess(["12.5%", "20.0%", "n/a", "40.0%"]) in range(4)
    assert guess(["1e400", "2", "3", "4"]) in range(4)
    assert guess(["0", "0", "0", "0"]) in range(4)
