"""A scorecard computed by hand, intervals, and the shape of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from terra_cot.mask import Mask, encode
from terrascope_bench.judge import Faith, Judgement
from terrascope_bench.masks import score_masks
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import PredictedMask
from terrascope_bench.question import LETTERS
from terrascope_bench.scorecard import METRICS, tabulate
from terrascope_bench.statistics import RESAMPLES, mean_of_ratios, ratio, resample
from terrascope_bench.tally import CODES, UNKNOWN, Tally
from terrascope_bench.tasks import TASKS
from terrascope_bench.verdicts import SCHEMA

SIZE = (10, 10)


def square(side: int) -> np.ndarray:  # type: ignore[type-arg]
    out = np.zeros(SIZE, bool)
    out[:side, :side] = True
    return out


def judgement(
    outcome: Outcome,
    guess: int | None = None,
    truth: int | None = 4,
    faithful: bool | None = None,
    states: bool | None = None,
    confidence: float | None = None,
) -> Judgement:
    letter = {Outcome.CORRECT: "A", Outcome.WRONG: "B"}.get(outcome)
    masks = None
    if truth is not None:
        guesses = [] if guess is None else [PredictedMask("t0", None, SIZE, encode(square(guess)))]
        masks = score_masks([Mask.from_array("t0", "water", square(truth))], guesses)
    return Judgement(outcome, letter, (letter,) * 4, masks, Faith(faithful, states), confidence)


def tally(judged: list[tuple[str, Judgement]], names: list[str] | None = None, blind: list[int] | None = None) -> Tally:
    """The tally of judgements of questions whose right letter is A."""
    n = len(judged)
    out = Tally(
        names or [f"q{k}" for k in range(n)],
        np.array([CODES.index(task) for task, _ in judged], np.int8),
        np.full(n, LETTERS.index("A"), np.int8),
        np.full(n, UNKNOWN, np.int16) if blind is None else np.array(blind, np.int16),
    )
    for row, (_, entry) in enumerate(judged):
        out.add(row, entry)
    return out


def test_by_hand() -> None:
    judged = [
        ("CA", judgement(Outcome.CORRECT, 4, faithful=True, states=False)),
        ("CA", judgement(Outcome.CORRECT, 2, faithful=False)),
        ("CA", judgement(Outcome.WRONG, 4, faithful=True, states=True)),
        ("CA", judgement(Outcome.MISSING)),
        ("CR", judgement(Outcome.CORRECT, truth=None)),
        ("CR", judgement(Outcome.UNPARSED, truth=None)),
        ("CR", judgement(Outcome.ERROR, truth=None)),
    ]
    card = tabulate(tally(judged), 0)
    ca, cr = card["tasks"]["CA"], card["tasks"]["CR"]
    counts = ("n", "correct", "wrong", "unparsed", "missing", "error")
    assert [ca[name] for name in counts] == [4, 2, 1, 0, 1, 0]
    assert [cr[name] for name in counts] == [3, 1, 0, 1, 0, 1]
    assert ca["accuracy"]["value"] == 0.5
    assert ca["giou"]["value"] == (1 + 0.25 + 1 + 0) / 4
    assert ca["ciou"]["value"] == round((16 + 4 + 16) / (16 * 4), 6)
    assert ca["grounded_accuracy"]["value"] == 0.25
    assert ca["lucky"]["value"] == 0.25
    assert ca["misread"]["value"] == 0.25
    assert ca["precision"]["value"] == 1.0
    assert ca["recall"]["value"] == round(36 / 64, 6)
    assert ca["option_faithfulness"]["value"] == round(2 / 3, 6)
    assert ca["number_faithfulness"]["value"] == 0.5
    assert ca["faithfulness"]["value"] == round(1 / 3, 6)
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
    r = analysis["pearson_r"]["all"]
    assert r["value"] == pytest.approx(np.corrcoef([1, 1, 0, 0], [1, 0.25, 1, 0])[0, 1], abs=1e-6)
    assert -1 <= r["low"] <= r["value"] <= r["high"] <= 1
    assert analysis["pearson_r"]["CA"]["value"] == r["value"]
    assert analysis["pearson_r"]["CR"] is None
    curve = {entry["threshold"]: entry for entry in analysis["curve"]}
    assert [curve[t]["grounded_accuracy"]["value"] for t in (0.2, 0.3, 0.9)] == [0.5, 0.25, 0.25]
    assert [curve[t]["reached"]["value"] for t in (0.2, 0.3, 0.9)] == [0.75, 0.5, 0.5]
    assert analysis["faithfulness"] == {"asked": 3, "letters": 3, "numbers": 2}
    assert analysis["calibration"] is None
    assert analysis["unseen"] is None
    assert analysis["masks"] == {"questions": 4, "missing": 1, "surplus": 0, "empty_pairs": 0}
    assert analysis["extractors"]["paper"] == {"accuracy": round(3 / 7, 6), "none_found": 3, "changed": 0}


def test_nothing_is_null_not_zero() -> None:
    card = tabulate(tally([]), 0)
    assert set(card["tasks"]) == set(TASKS)
    assert all(value is None for value in card["overall"]["macro"].values())
    assert all(value is None for value in card["overall"]["micro"].values())
    assert card["classes"] == {}
    assert all(value is None for value in card["analysis"]["pearson_r"].values())
    assert card["analysis"]["curve"] == []


def test_values_lie_in_their_intervals_and_seeds_are_kept() -> None:
    entries = [("CA", judgement(Outcome.CORRECT if n % 3 else Outcome.WRONG, 1 + n % 4)) for n in range(90)]
    judged = tally(entries)
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
    same = tally([("CA", judgement(Outcome.CORRECT, 1 + n % 3)) for n in range(6)])
    assert tabulate(same, 0)["analysis"]["pearson_r"]["CA"] is None
    line = tally([("CA", judgement(Outcome.CORRECT if n % 2 else Outcome.WRONG, 4 if n % 2 else 1)) for n in range(6)])
    assert tabulate(line, 0)["analysis"]["pearson_r"]["CA"]["value"] == pytest.approx(1.0)


def test_calibration_by_hand() -> None:
    told = [(0.95, True), (0.95, False), (0.25, False), (0.25, True), (1.0, True), (0.0, False)]
    entries = [("CA", judgement(Outcome.CORRECT if right else Outcome.WRONG, confidence=sure)) for sure, right in told]
    found = tabulate(tally([*entries, ("CA", judgement(Outcome.CORRECT))]), 0)["analysis"]["calibration"]
    assert found["n"] == 6
    assert found["brier"]["value"] == round(sum((sure - right) ** 2 for sure, right in told) / 6, 6)
    gaps = [abs(2 - 2.9), abs(1 - 0.5), 0.0]  # bins from 0.9, from 0.2, from 0
    assert found["ece"]["value"] == pytest.approx(sum(gaps) / 6, abs=1e-6)
    assert sum(entry["n"] for entry in found["bins"]) == 6
    assert found["bins"][9] == {"low": 0.9, "high": 1.0, "n": 3, "confidence": 0.966667, "accuracy": 0.666667}


def test_variants_are_paired_by_stem_and_drawn_together() -> None:
    names, entries = [], []
    for n in range(40):
        for variant, right in (("opt", n % 2 == 0), ("opt+sar", n % 4 != 1)):
            names.append(f"ca-{n:04d}-{variant}")
            entries.append(("CA", judgement(Outcome.CORRECT if right else Outcome.WRONG, 4)))
    card = tabulate(tally(entries, names), 0)
    found = card["analysis"]["variants"]
    assert {name: entry["n"] for name, entry in found["by_variant"].items()} == {"opt": 40, "opt+sar": 40}
    (gain,) = found["gains"]
    assert (gain["of"], gain["over"], gain["n"]) == ("opt+sar", "opt", 40)
    assert gain["gain"]["value"] == 0.25
    assert gain["gain"]["low"] <= 0.25 <= gain["gain"]["high"]
    assert gain["same_letter"]["value"] == 0.75
    assert gain["both_right"]["value"] == 0.5
    doubled = tabulate(tally([entry for entry in entries[::2] for _ in range(2)], names), 0)["tasks"]["CA"]["accuracy"]
    once = tabulate(tally(entries[::2]), 0)["tasks"]["CA"]["accuracy"]
    assert doubled == once, "showing a question twice makes nobody surer"


def test_questions_that_no_blind_solver_gets() -> None:
    entries = [("CA", judgement(Outcome.CORRECT if n < 3 else Outcome.WRONG)) for n in range(8)]
    found = tabulate(tally(entries, blind=[0, 1, 2, 0, 0, 0, 3, 1]), 0)["analysis"]["unseen"]
    assert found["all"]["n"] == found["CA"]["n"] == 4
    assert found["CA"]["accuracy"]["value"] == 0.25
    assert found["DM"] == {"n": 0, "accuracy": None}


def test_verdicts_hold_every_question_with_nulls_where_nothing_is_known() -> None:
    entries = [
        ("CA", judgement(Outcome.CORRECT, 4, faithful=True, confidence=0.5)),
        ("BRD", judgement(Outcome.MISSING, truth=None)),
    ]
    rows = tally(entries, ["ca-1-opt", "x"], [1, 0]).table().to_pylist()
    assert list(rows[0]) == SCHEMA.names
    assert rows[0] | {"letters": None} == {
        "question_id": "ca-1-opt", "task": "CA", "variant": "opt", "outcome": "correct", "letter": "A", "truth": "A",
        "letters": None, "confidence": 0.5, "blind": 1, "iou": 10**9, "boundary_iou": 10**9, "intersection": 16,
        "union": 16, "predicted_px": 16, "truth_px": 16, "missing": 0, "surplus": 0, "follows": True, "states": None,
        "stated": None, "measured": None,
    }  # fmt: skip
    unknown = {name for name, value in rows[1].items() if value is None}
    assert unknown == set(SCHEMA.names) - {"question_id", "task", "outcome", "truth", "letters", "blind"}
    assert rows[1]["letters"] == [None] * 4
