"""Whatever a user hands in, the error about it is one line that names the place."""

from __future__ import annotations

import pickle

import pytest

from terra_cot.errors import ConfigError, DataError, GridError, TerraError, did_you_mean, shorten

HOSTILE = ["two\nlines", "tab\there", "x" * 5000, {"key": ["value\n"] * 400}, b"\x00\xff\n", "\r\n\x85\u2028"]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_an_error_is_one_short_line(value: object) -> None:
    line = str(DataError("bad value", file="a.tif", row=3, field="bands", got=value, expected=value, fix="mend it"))
    assert len(line.splitlines()) == 1
    assert len(line) < 400
    assert line.startswith("a.tif:3:bands: bad value; got ")
    assert line.endswith("; mend it")


def test_a_place_is_told_as_far_as_it_is_known() -> None:
    assert str(DataError("bad")) == "bad"
    assert str(DataError("bad", row=0)) == "0: bad"
    assert str(DataError("bad", file="a", field="b", got=0, expected=1)) == "a:b: bad; got 0, expected 1"


def test_an_error_crosses_process_borders_whole() -> None:
    """Workers raise it, the parent prints it and counts its reason."""
    error = GridError("no CRS", file="a.tif", got=(1, 2), fix="write one", reason="no_crs")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is GridError
    assert str(copy) == str(error)
    assert (copy.reason, copy.file, copy.got, copy.fix) == ("no_crs", "a.tif", (1, 2), "write one")


def test_reasons_are_words_to_count_by() -> None:
    assert DataError("x").reason == "unreadable"
    assert GridError("x").reason == "no_place"
    assert DataError("x", reason="no_date").reason == "no_date"


def test_every_error_of_a_user_is_a_terra_error() -> None:
    assert issubclass(DataError, TerraError)
    assert issubclass(ConfigError, TerraError)
    assert not issubclass(TerraError, ValueError | OSError)


def test_a_near_name_is_offered_and_a_far_one_is_not() -> None:
    assert did_you_mean("worldcovr", ("worldcover", "corine-19")) == '; did you mean "worldcover"?'
    assert did_you_mean("zebra", ["worldcover"]) == ""


def test_shortening_says_that_it_cut() -> None:
    assert shorten("abc") == "abc"
    assert shorten("x" * 200, 10) == "x" * 9 + "…"
