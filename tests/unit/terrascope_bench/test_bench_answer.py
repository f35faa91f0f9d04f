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
