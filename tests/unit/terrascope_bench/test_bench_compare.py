"""Differences, their intervals and p-values: by hand, against SciPy and statsmodels, and by a simulated study."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from terrascope_bench.compare import Own, Questions, paired, sums_by_task
from terrascope_bench.masks import NANO
from terrascope_bench.significance import exact_p, holm


def questions(tasks: list[str], stems: list[int] | None = None, known: bool = True) -> Questions:
    n = len(tasks)
    stem = np.arange(n) if stems is None else np.array(stems)
    return Questions([str(k) for k in range(n)], np.array(tasks), stem.astype(np.int64), np.full(n, known))


def own(right: np.ndarray, iou: np.ndarray | None = None) -> Own:
    share = np.zeros(len(right)) if iou is None else iou
    whole = (share * NANO).astype(np.int64)
    return np.stack([right, whole, right & (share >= 0.5)], axis=1).astype(np.int64)


def test_one_pair_by_hand() -> None:
    first = own(np.array([1, 1, 0, 0, 1, 0], bool), np.array([1, 0.5, 0, 0, 1, 1]))
    second = own(np.array([1, 1, 1, 0, 0, 1], bool), np.array([1, 0.25, 0, 0, 0, 1]))
    asked = questions(["CA", "CA", "CA", "CA", "CR", "CR"])
    found = paired(asked, [first, second], sums_by_task(asked, [first, second], 0), 0, 1)
    ca, cr = found["tasks"]["CA"], found["tasks"]["CR"]
    assert (ca["n"], ca["stems"], ca["only_first"], ca["only_second"], ca["p"]) == (4, 4, 0, 1, 1.0)
    assert (ca["accuracy"]["first"], ca["accuracy"]["second"]) == (0.5, 0.75)
    assert ca["accuracy"]["difference"]["value"] == 0.25
    assert ca["giou"]["difference"]["value"] == -0.0625
    assert ca["grounded_accuracy"]["difference"]["value"] == -0.25
    assert cr["accuracy"]["difference"]["value"] == 0.0
    assert cr["giou"]["difference"]["value"] == -0.5
    macro, micro = found["overall"]["macro"], found["overall"]["micro"]
    assert macro["accuracy"]["difference"]["value"] == 0.125
    assert micro["accuracy"]["difference"]["value"] == round(1 / 6, 6)
    assert (micro["only_first"], micro["only_second"]) == (1, 2)
    for entry in (ca, cr, macro, micro):
        for metric in ("accuracy", "giou", "grounded_accuracy"):
            difference = entry[metric]["difference"]
            assert difference["low"] <= difference["value"] <= difference["high"]


def test_a_model_against_itself_differs_by_nothing() -> None:
    rng = np.random.default_rng(1)
    same = own(rng.random(90) < 0.6, rng.random(90))
    asked = questions(["CA", "BRD", "DM"] * 30)
    found = paired(asked, [same, same], sums_by_task(asked, [same, same], 3), 0, 1)
    nothing = {"value": 0.0, "low": 0.0, "high": 0.0}
    for entry in (*found["tasks"].values(), *found["overall"].values()):
        assert all(entry[metric]["difference"] == nothing for metric in ("accuracy", "giou", "grounded_accuracy"))
        assert entry.get("p", 1.0) == entry.get("holm_p", 1.0) == 1.0


def test_swapping_the_models_turns_every_sign() -> None:
    rng = np.random.default_rng(2)
    both = [own(rng.random(80) < share, rng.random(80)) for share in (0.5, 0.7)]
    asked = questions(["CA"] * 50 + ["DM"] * 30, [k // 2 for k in range(80)])
    sums = sums_by_task(asked, both, 0)
    there, back = paired(asked, both, sums, 0, 1), paired(asked, both, sums, 1, 0)
    for name in ("CA", "DM"):
        one, two = there["tasks"][name], back["tasks"][name]
        assert (one["p"], one["holm_p"], one["only_first"]) == (two["p"], two["holm_p"], two["only_second"])
        a, b = one["accuracy"]["difference"], two["accuracy"]["difference"]
        assert (a["value"], a["low"], a["high"]) == pytest.approx((-b["value"], -b["high"], -b["low"]), abs=1e-6)


def test_without_evidence_there_is_no_mask_metric() -> None:
    both = [own(np.array([True, False])), own(np.array([True, True]))]
    asked = questions(["CA", "CA"], known=False)
    found = paired(asked, both, sums_by_task(asked, both, 0), 0, 1)
    assert found["tasks"]["CA"]["giou"] is found["overall"]["macro"]["grounded_accuracy"] is None
    assert found["tasks"]["CA"]["accuracy"] is not None


@pytest.mark.parametrize(("minus", "plus"), [(0, 0), (0, 1), (1, 0), (3, 12), (12, 3), (7, 7), (40, 61), (200, 300)])
def test_p_of_single_questions_is_the_exact_mcnemar_test(minus: int, plus: int) -> None:
    differences = np.array([-1] * minus + [1] * plus + [0] * 11, np.int64)
    found = exact_p(differences)
    theirs = mcnemar([[5, minus], [plus, 6]], exact=True).pvalue if minus + plus else 1.0
    assert found == pytest.approx(min(1.0, theirs), rel=1e-5)
    assert found == pytest.approx(binomtest(plus, minus + plus, 0.5).pvalue if minus + plus else 1.0, rel=1e-5)


@pytest.mark.parametrize("differences", [(2, 1, -1), (3, -2, 2, 1), (2, 2, 2), (-3, 1, 1, 1, 2, -1, 2), (2, -2)])
def test_p_of_groups_counts_every_swap(differences: tuple[int, ...]) -> None:
    seen = abs(sum(differences))
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    share = sum(abs(total) >= seen for total in sums) / len(sums)
    assert exact_p(np.array(differences)) == pytest.approx(share, rel=1e-5)


def test_variants_of_a_question_are_no_independent_evidence() -> None:
    """The same ten questions shown three times each must not look like thirty."""
    right = np.array([True] * 9 + [False])
    once, thrice = questions(["CA"] * 10), questions(["CA"] * 30, [k // 3 for k in range(30)])
    one = [own(~right), own(right)]
    three = [own(np.repeat(~right, 3)), own(np.repeat(right, 3))]
    a = paired(once, one, sums_by_task(once, one, 0), 0, 1)["tasks"]["CA"]
    b = paired(thrice, three, sums_by_task(thrice, three, 0), 0, 1)["tasks"]["CA"]
    assert (a["p"], a["accuracy"]) == (b["p"], b["accuracy"])
    assert (b["n"], b["stems"]) == (30, 10)


@pytest.mark.parametrize("values", [(0.01, 0.04, 0.03, 0.005), (0.5,), (1.0, 1.0), (0.2, 0.2, 0.001, 0.049, 0.01, 0.9)])
def test_holm_is_that_of_statsmodels(values: tuple[float, ...]) -> None:
    assert holm(values) == pytest.approx(list(multipletests(values, method="holm")[1]), rel=1e-5)


@pytest.mark.parametrize(("size", "spread"), [(1, 0.0), (2, 0.25)], ids=["single", "variants"])
def test_the_interval_holds_the_true_difference_as_often_as_it_says(size: int, spread: float) -> None:
    """300 made studies of 200 stems; the true difference is 0.1. 95 % within three standard errors: 0.912 to 0.988."""
    stems, runs, hits = 200, 300, 0
    asked = questions(["CA"] * (stems * size), [k // size for k in range(stems * size)])
    for run in range(runs):
        rng = np.random.default_rng((7, size, run))
        ease = np.repeat(rng.uniform(-spread, spread, stems), size)  # variants of a stem are easy or hard together
        gain = np.repeat(rng.choice([0.0, 0.2], stems), size)
        both = [own(rng.random(stems * size) < 0.5 + ease), own(rng.random(stems * size) < 0.5 + ease + gain)]
        found = paired(asked, both, sums_by_task(asked, both, run), 0, 1)["tasks"]["CA"]["accuracy"]["difference"]
        hits += found["low"] <= 0.1 <= found["high"]
    assert 0.912 <= hits / runs <= 0.988, hits / runs
