"""Laws of the published file: any row is kept or refused by name; numbers survive their texts; words never crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terrascope_bench.published.amounts import option_values
from terrascope_bench.published.ask import Asked, Unclear, understand
from terrascope_bench.published.row import PublishedRow, Refused, parse_row
from terrascope_bench.tasks import TASKS

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
VOCABULARY = """water crop tree forest bare land built up area not larger smaller than yes no share boundary > <
mangrove pastures touch ? , n't a the of image"""
WORDS = st.lists(st.sampled_from(sorted(set(VOCABULARY.split()))), max_size=14).map(" ".join)


@given(st.fixed_dictionaries(dict.fromkeys(("image", "question", "candidates", "answer", "task_type"), ANYTHING)))
def test_any_row_is_kept_or_refused(raw: dict[str, Any]) -> None:
    row = parse_row(5, raw)
    assert isinstance(row, Refused | PublishedRow)
    if isinstance(row, Refused):
        assert row.reason.replace("_", "").isalnum()
        json.dumps(row.to_row())


@given(
    st.lists(st.integers(1, 10**9), min_size=2, max_size=4),
    st.sampled_from([("DM", "{} m", 1), ("DM", "{:,} km", 1000), ("AQ", "{:,} m²", 1), ("AQ", "about {} ha", 1e4)]),
)
def test_numbers_survive_their_texts(numbers: list[int], form: tuple[str, str, float]) -> None:
    task, text, factor = form
    found = option_values(task, "Which?", [text.format(number) for number in numbers])
    assert found == pytest.approx([number * factor for number in numbers])


@given(st.sampled_from(sorted(TASKS)), st.lists(st.text(max_size=90), min_size=2, max_size=4), st.text(max_size=90))
def test_any_text_is_numbers_or_none(task: str, options: list[str], question: str) -> None:
    found = option_values(task, question, options)
    assert found is None or len(found) == len(options)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(TASKS)), WORDS | st.text(max_size=60), st.lists(WORDS, min_size=2, max_size=2),
    st.sampled_from(["worldcover", "corine-19"]),
)  # fmt: skip
def test_any_question_is_understood_or_has_a_reason(task: str, text: str, options: list[str], legend: str) -> None:
    found = understand(task, text, options, legend)
    if isinstance(found, Asked):
        assert len(found.names) == len(set(found.names)) == (1 if task in ("CA", "AQ") else 2)
    else:
        assert isinstance(found, Unclear)


@given(WORDS, WORDS, WORDS)
def test_a_comparison_follows_its_options(question: str, first: str, second: str) -> None:
    """Options that change places change the classes' places."""
    one = understand("CR", question, (first, second), "worldcover")
    two = understand("CR", question, (second, first), "worldcover")
    if isinstance(one, Asked):
        assert isinstance(two, Asked)
        assert set(two.names) == set(one.names)
        assert two.names == one.names[::-1]
    else:
        assert isinstance(two, Unclear)
