"""A chain is read a look a line, whatever its model leaves out."""

from __future__ import annotations

import pytest

from terrascope_bench.explain.chain import in_lines


@pytest.mark.parametrize(
    ("chain", "lines"),
    [
        (
            "tree: [SEG] (9 px, 29 parts)crop: [SEG] (7 px) So 9 px.",
            ["tree: [SEG] (9 px, 29 parts)", "crop: [SEG] (7 px) So 9 px."],
        ),
        ("tree: [SEG]crop: [SEG] So 9 px.", ["tree: [SEG]", "crop: [SEG] So 9 px."]),
        (
            "Image: t0 water: [SEG] (1 part) Image: t1 water: [SEG]",
            ["Image: t0 water: [SEG] (1 part)", "Image: t1 water: [SEG]"],
        ),
        ("Image: t0 water: [SEG] Image: t1 [SEG].", ["Image: t0 water: [SEG]", "Image: t1 [SEG]."]),
        ("Most (nearly all) is water [SEG], so yes.", ["Most (nearly all) is water [SEG], so yes."]),
    ],
)
def test_each_look_begins_a_line(chain: str, lines: list[str]) -> None:
    assert in_lines(chain).split("\n") == lines
