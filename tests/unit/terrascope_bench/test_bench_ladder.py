"""Ladders: equal steps, the truth on its rung, no second draw, one text for all four hypotheses."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import exp, log

import pytest

from terra_cot.draw import draw
from terrascope_bench.ladder import RUNGS, count_scale, odds_scale, ratio_scale, significant

ODDS = odds_scale(5.0, 95.0)


@pytest.mark.parametrize("rung", range(RUNGS))
def test_truth_stands_on_its_rung(rung: int) -> None:
    ladder = ODDS.climb(30.0, rung)
    assert ladder is not None
    assert ladder.rung == rung
    assert ladder.letter == "ABCD"[rung]
    assert ODDS.nearest(30.0, ladder.values) == rung
    assert list(ladder.values) == sorted(set(ladder.values))


def test_steps_are_equal_on_the_scale() -> None:
    ladder = ODDS.climb(30.0, 1)
    assert ladder is not None
    places = [log(value / (100 - value)) for value in ladder.values]
    for low, high in pairwise(places):
        assert exp(high - low) == pytest.approx(1.6)


def test_neighbours_can_be_told_apart_and_the_truth_is_near_its_option() -> None:
    for tenths in range(60, 900):
        truth = tenths / 10
        for rung in range(RUNGS):
            ladder = ODDS.climb(truth, rung)
            if ladder is None:
                continue
            place = ODDS.forward(truth)
            gaps = sorted(abs(ODDS.forward(value) - place) for value in ladder.values)
            assert gaps[0] <= ODDS.step / 8 + 1e-9
            assert gaps[1] >= 7 * ODDS.step / 8 - 1e-9


def test_the_option_set_is_the_same_whichever_of_its_options_is_true() -> None:
    ladder = ODDS.climb(30.0, 2)
    assert ladder is not None
    for rung, value in enumerate(ladder.values):
        again = ODDS.climb(value, rung)
        assert again is not None
        assert again.values == ladder.values
        assert again.anchor == ladder.anchor


def test_a_ladder_out_of_range_is_refused_for_every_rung_of_the_same_set() -> None:
    assert ODDS.climb(5.0, 3) is None
    assert ODDS.climb(94.0, 0) is None
    assert ODDS.climb(0.0, 0) is None
    assert ODDS.climb(100.0, 0) is None


def test_distance_scale_starts_at_its_minimum() -> None:
    scale = ratio_scale(100.0, 1000.0)
    ladder = scale.climb(100.1, 0)
    assert ladder is not None
    assert [round(value, 3) for value in ladder.values] == [100.0, 150.0, 225.0, 337.5]
    assert scale.climb(900.0, 0) is None
    assert scale.nearest(0.0, [1.0, 2.0]) == 0


def test_counts_are_exact() -> None:
    scale = count_scale(5, 3, 40)
    ladder = scale.climb(13.0, 2)
    assert ladder is not None
    assert ladder.values == (3.0, 8.0, 13.0, 18.0)
    assert scale.climb(12.0, 2) is None
    assert scale.climb(30.0, 0) is None


def test_nearest_of_extremes() -> None:
    assert ODDS.nearest(0.0, [5.0, 10.0]) == 0
    assert ODDS.nearest(100.0, [5.0, 10.0]) == 1


def test_draws_are_uniform_and_belong_to_names() -> None:
    counts = Counter(draw(4, 0, "rung", number) for number in range(8000))
    assert all(abs(count - 2000) < 200 for count in counts.values())
    assert draw(4, 0, "a", "b") == draw(4, 0, "a", "b")
    assert [draw(1000, 0, "ab", "c"), draw(1000, 0, "a", "bc")] != [draw(1000, 0, "ab", "c")] * 2


def test_significant_digits() -> None:
    assert significant(1_234_567) == 1_230_000
    assert significant(0.012345) == 0.0123
