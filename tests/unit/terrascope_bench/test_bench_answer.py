"""The golden table of answers: four extractors side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from terrascope_bench.answer import EXTRACTORS

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "answers.json").read_text())


@pytest.mark.parametrize("row", GOLDEN, ids=[row["why"] for row in GOLDEN])
def test_golden(row: dict[str, Any]) -> None:
    got = {name: extract(row["response"], row["answer"], row["options"]) for name, extract in EXTRACTORS.items()}
    assert got == {name: row[name] for name in EXTRACTORS}


def test_no_reply_is_no_letter() -> None:
    for extract in EXTRACTORS.values():
        assert extract(None, None, ["x", "y"]) is None


def test_hostile_length_is_read_in_linear_time() -> None:
    for text in ("<answer>" * 200_000, "(" * 1_000_000, "a " * 500_000, "</think>" * 100_000, "B. " * 300_000):
        for extract in EXTRACTORS.values():
            extract(text, None, ["x", "y"])


@pytest.mark.parametrize(
    ("piece", "size"),
    [
        ("<answer>", 2**24),
        ("B", 2**24),
        *(
            (piece, 2**22)
            for piece in ("</answer>", "<answer>B</answer>", "\\boxed{", "\\boxed{B}", "</think>", " ", "{")
        ),
    ],
)
def test_hostile_replies_of_16_mib(piece: str, size: int) -> None:
    text = piece * (size // len(piece))
    for extract in EXTRACTORS.values():
        extract(text, None, ["x", "y"])
        extract(None, text, ["x", "y"])


@pytest.mark.parametrize(
    "sign", ["(", "[", "$", "`", "{", '"', "_", "*", " ", "ﷺ", "\\boxed{", "answer:", "option ", "a."]
)
def test_hostile_answers_of_ten_thousand_signs(sign: str) -> None:
    text = sign * (10_000 // len(sign))
    for extract in EXTRACTORS.values():
        for reply in (text, f"{text}B", f"{text}B{text}"[:10_000]):
            extract(reply, None, [text, "y"])


def test_the_page_of_extractors_is_made_from_code_and_golden_file() -> None:
    from extractortable import PAGE, rendered

    page = PAGE.read_text()
    assert rendered(page) == page, "run `python tests/extractortable.py`"


def test_the_golden_file_is_broad() -> None:
    assert len(GOLDEN) >= 100
    assert len({row["why"] for row in GOLDEN}) == len(GOLDEN)
    for name in EXTRACTORS:
        assert {row[name] for row in GOLDEN} >= {"A", "B", "C", "D", None}
    for one in EXTRACTORS:
        for other in EXTRACTORS:
            assert one == other or any(row[one] != row[other] for row in GOLDEN)
