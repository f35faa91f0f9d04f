"""Foreign text cannot steer a screen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terra_cot.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Ärger, 水, 🌍", "plain, Ärger, 水, 🌍"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\u202egnp.exe", "a⟨U+202E⟩gnp.exe"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("two\u2028lines", "two⟨U+2028⟩lines"),
        ("a\nb\tc", "a b c"),
        ("\x00\x7f\x9b", "␀␡⟨U+009B⟩"),
        ("\ud800", "⟨U+D800⟩"),
        ("a\u00a0b", "a b"),
    ],
)
def test_steering_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_lines_are_kept_where_asked_and_long_text_is_cut() -> None:
    assert visible("a\r\nb\tc\rd", lines=True) == "a\nb\tc␍d"
    assert visible("abcdef", limit=4) == "abc…"
    assert visible("abcd", limit=4) == "abcd"


@given(st.text(st.characters()))
def test_what_is_shown_is_printable_but_for_spaces(text: str) -> None:
    from unicodedata import category

    assert not {category(character) for character in visible(text)} & {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
