"""A scorecard computed by hand, intervals, and the shape of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from terra_cot.mask import Mask, encode
from terrascope_bench.judge import Judgement
from terrascope_bench.mask_metrics import score_masks
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import PredictedMask
from terrascope_bench.score import METRICS, tabulate
from terrascope_bench.statistics import RESAMPLES, mean_of_ratios, pearson, ratio, resample
from terrascope_bench.tasks import TASKS

SIZE = (10, 10)


def square(side: int) -> np.ndarray:  # type: ignore[type-arg]
    out = np.zeros(SIZE, bool)
    out[:side, :side] = True
    return out


def judgement(
    task: str, outcome: Outcome, guess: int | None = None, truth: int | None = 4, faithful: bool | None = None
) -> Judgement:
    letter = {Outcome.CORRECT: "A", Outcome.WRONG: "B"}.get(outcome)
    masks = None
    if truth is not None:
        guesses = [] if guess is None else [PredictedMask("t0", None, SIZE, encode(square(guess)))]
        masks = score_masks([Mask.from_array("t0", "water", square(truth))], guesses)
    return Judgement(task, outcome, "A", (letter,) * 4, masks, faithful)


def test_by_hand() -> None:
    judged = [
        judgement("CA", Outcome.CORRECT, 4, faithful=True),
        judgement("CA", Outcome.CORRECT, 2, faithful=False),
        judgement("CA", Outcome.WRONG, 4, faithful=True),
        judgement("CA", Outcome.MISSING),
        judgement("CR", Outcome.CORRECT, truth=None),
        judgement("CR", Outcome.UNPARSED, truth=None),
        judgement("CR", Outcome.ERROR, truth=None),
    ]
    card = tabulate(judged, 0)
    ca, cr = card["tasks"]["CA"], card["tasks"]["CR"]
    counts = ("n", "correct", "wrong", "unparsed", "missing", "error")
    assert [ca[name] for name in counts] == [4, 2, 1, 0, 1, 0]
    assert [cr[name] for name in counts] == [3, 1, 0, 1, 0, 1]
    assert ca["accuracy"]["value"] == 0.5
    assert ca["giou"]["value"] == (1 + 0.25 + 1 + 0) / 4
    assert ca["ciou"]["value"] == round((16 + 4 + 16) / (16 * 4), 6)
    assert ca["grounded_accuracy"]["value"] == 0.25
    assert ca["faithfulness"]["value"] == round(2 / 3, 6)
    assert cr["giou"] is None
    assert card["overall"]["macro"]["accuracy"]["value"] == round((0.5 + 1 / 3) / 2, 6)
    assert card["overall"]["micro"]["accuracy"]["value"] == round(3 / 7, 6)
    assert card["overall"]["macro"]["giou"] == ca["giou"]
    assert card["tasks"]["DM"]["n"] == 0
    assert all(card["tasks"]["DM"][name] is None for name in METRICS)
    assert card["classes"]["water"]["n"] == 4
    assert card["classes"]["water"]["giou"]["value"] == ca["giou"]["value"]
    analysis = card["analysis"]
    assert analysis["iou_when_right"]["value"] == 0.625
    assert analysis["iou_when_wrong"]["value"] == 0.5
    assert analysis["pearson_r"] == pytest.approx(np.corrcoef([1, 1, 0, 0], [1, 0.25, 1, 0])[0, 1], abs=1e-6)
    assert analysis["masks"] == {"questions": 4, "missing": 1, "surplus": 0, "empty_pairs": 0}
    assert analysis["extractors"]["paper"] == {"accuracy": round(3 / 7, 6), "changed": 0}


def test_nothing_is_null_not_zero() -> None:
    card = tabulate([], 0)
    assert set(card["tasks"]) == set(TASKS)
    assert all(value is None for value in card["overall"]["macro"].values())
    assert all(value is None for value in card["overall"]["micro"].values())
    assert card["classes"] == {}
    assert card["analysis"]["pearson_r"] is None


def test_values_lie_in_their_intervals_and_seeds_are_kept() -> None:
    judged = [judgement("CA", Outcome.CORRECT if n % 3 else Outcome.WRONG, 1 + n % 4) for n in range(90)]
    card = tabulate(judged, 0)
    assert card == tabulate(judged, 0)
    assert card != tabulate(judged, 1)
    for metric in METRICS:
        value = card["tasks"]["CA"][metric]
        if value is not None:
            assert value["low"] <= value["value"] <= value["high"]
    accuracy = card["tasks"]["CA"]["accuracy"]
    assert 0.15 < accuracy["high"] - accuracy["low"] < 0.25


def test_resampling_draws_whole_rows() -> None:
    rows = np.array([[1, 10], [2, 20], [3, 30], [4, 40]], np.int64)
    sums = resample(rows, 0, "x")
    assert sums.drawn.shape == (RESAMPLES, 2)
    assert (sums.drawn[:, 1] == 10 * sums.drawn[:, 0]).all()
    assert abs(sums.drawn[:, 0].mean() - 10) < 0.3
    assert sums.drawn[:, 0].min() >= 4
    assert sums.drawn[:, 0].max() <= 16


def test_ratio_of_nothing() -> None:
    nothing = resample(np.zeros((5, 2), np.int64), 0, "x")
    assert ratio(nothing, 0, 1) is None
    assert mean_of_ratios([nothing], 0, 1) is None
    assert mean_of_ratios([], 0, 1) is None


def test_a_draw_without_anything_to_measure_is_left_out_of_the_interval() -> None:
    rows = np.array([[1, 1], [0, 0], [0, 0]], np.int64)
    assert ratio(resample(rows, 0, "x"), 0, 1) == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_pearson_needs_variation() -> None:
    assert pearson([1.0], [1.0]) is None
    assert pearson([1.0, 1.0], [0.0, 1.0]) is None
    assert pearson([0.0, 1.0], [0.2, 0.4]) == 1.0
