"""Kappas are those of scikit-learn (Cohen) and statsmodels (Fleiss), to 1e-10."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

from terrascope_bench.review import agreement
from terrascope_bench.review.checks import GRADES


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("raters", [2, 3, 5])
def test_kappas_are_the_reference_s(seed: int, raters: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, 40, p=[0.1, 0.3, 0.6])
    wrong = rng.random((40, raters)) < rng.uniform(0.05, 0.9)
    grades = np.where(wrong, rng.choice(3, (40, raters)), truth[:, None])
    rows = [[GRADES[grade] for grade in row] for row in grades]
    first, second = [row[0] for row in rows], [row[1] for row in rows]
    mine = agreement.cohen_kappa(first, second)
    assert mine == pytest.approx(cohen_kappa_score(first, second, labels=list(GRADES)), abs=1e-10)
    table, _ = aggregate_raters(grades, n_cat=3)
    assert agreement.fleiss_kappa(rows) == pytest.approx(fleiss_kappa(table, method="fleiss"), abs=1e-10)


def test_nothing_to_measure_is_none() -> None:
    assert agreement.cohen_kappa([], []) is None
    assert agreement.fleiss_kappa([]) is None
    assert agreement.observed([]) is None
    assert agreement.cohen_kappa(["high"] * 4, ["high"] * 4) is None
    assert agreement.fleiss_kappa([["high", "high"]] * 4) is None
    assert agreement.observed([["high", "high"]] * 4) == 1.0


def test_total_disagreement_is_below_chance() -> None:
    assert agreement.cohen_kappa(["low", "high"], ["high", "low"]) == pytest.approx(-1.0)
    assert agreement.fleiss_kappa([["low", "high"], ["low", "high"]]) == pytest.approx(-1.0)
