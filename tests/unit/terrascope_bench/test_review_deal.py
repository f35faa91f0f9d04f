"""Dealing: everyone has as much to do, every pair meets, and what was begun stays with whom it was."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terra_cot.errors import ConfigError
from terrascope_bench.review.deal import deal

PEOPLE = ["Ana", "Ben", "Chen", "Dora", "Eve", "Fay"]


@settings(deadline=None, max_examples=60)
@given(n=st.integers(1, 80), people=st.integers(1, 6), per=st.integers(1, 4), seed=st.integers(0, 9))
def test_each_question_has_k_experts_and_loads_differ_by_one(n: int, people: int, per: int, seed: int) -> None:
    names = PEOPLE[:people]
    units = {f"q{k}": [f"q{k}-opt"] for k in range(n)}
    if per > people:
        with pytest.raises(ConfigError, match="--per-question"):
            deal(units, names, per, seed)
        return
    dealt = deal(units, names, per, seed)
    assert dealt.keys() == {f"q{k}-opt" for k in range(n)}
    assert all(len(set(given)) == per and set(given) <= set(names) for given in dealt.values())
    load = Counter(dict.fromkeys(names, 0))
    load.update(name for given in dealt.values() for name in given)
    assert max(load.values()) - min(load.values()) <= 1
    assert dealt == deal(dict(reversed(units.items())), list(reversed(names)), per, seed)


def test_every_pair_meets_as_often() -> None:
    dealt = deal({f"q{k}": [f"q{k}"] for k in range(600)}, PEOPLE[:4], 2, 0)
    met = Counter(dealt.values())
    assert set(met) == set(combinations(PEOPLE[:4], 2))
    assert max(met.values()) - min(met.values()) <= 2, met


def test_variants_go_together() -> None:
    units = {f"q{k}": [f"q{k}-opt", f"q{k}-sar"] for k in range(50)}
    dealt = deal(units, PEOPLE[:3], 2, 0)
    assert all(dealt[f"q{k}-opt"] == dealt[f"q{k}-sar"] for k in range(50))


def test_what_was_begun_stays_when_someone_joins() -> None:
    units = {f"q{k}": [f"q{k}"] for k in range(60)}
    first = deal(units, PEOPLE[:2], 2, 0)
    begun = {f"q{k}": list(first[f"q{k}"]) for k in range(10)} | {f"q{k}": ["Ana"] for k in range(10, 20)}
    second = deal(units, PEOPLE[:3], 2, 0, begun)
    assert all(second[f"q{k}"] == ("Ana", "Ben") for k in range(10))
    assert all("Ana" in second[f"q{k}"] for k in range(10, 20))
    load = Counter(name for given in second.values() for name in given)
    assert max(load.values()) - min(load.values()) <= 1
