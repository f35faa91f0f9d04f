"""One question, judged: outcomes, and whether the letter follows from the model's own masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from terra_cot.mask import Mask, encode
from terra_cot.sample import Evidence
from terrascope_bench.judge import UNASKED, judge
from terrascope_bench.masks import NANO
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import PredictedMask, Prediction
from terrascope_bench.question import Question

SIZE = (10, 10)


def left(columns: int) -> NDArray[np.bool_]:
    out = np.zeros(SIZE, bool)
    out[:, :columns] = True
    return out


QUESTION = Question(
    question_id="q",
    task="CA",
    question="How much?",
    options=("12.0%", "20.0%", "30.0%", "42.0%"),
    option_values=(12.0, 20.0, 30.0, 42.0),
    answer="C",
    frames=(),
    masks=(Mask.from_array("t0", "crop", left(3)),),
    evidence=(Evidence("valid_pixels", (), 100.0, "px"),),
    tile_id="t",
    legend="worldcover",
    view="display",
    label_frame="t0",
    split="test",
    width=10,
    height=10,
    gsd_m=10.0,
    source="s",
    source_id="0",
    licence="CC0-1.0",
)


def prediction(answer: str | None, columns: int | None, label: str | None = "crop") -> Prediction:
    masks = () if columns is None else (PredictedMask("t0", label, SIZE, encode(left(columns))),)
    return Prediction("q", None, answer, masks)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("C", Outcome.CORRECT), ("30.0%", Outcome.CORRECT), ("B", Outcome.WRONG), ("maybe", Outcome.UNPARSED)],
)
def test_outcomes(answer: str, outcome: Outcome) -> None:
    assert judge(QUESTION, prediction(answer, None), "strict").outcome is outcome


def test_missing_and_error() -> None:
    missing = judge(QUESTION, None, "strict")
    assert missing.outcome is Outcome.MISSING
    assert missing.masks is not None
    assert missing.masks.missing == 1
    failed = judge(QUESTION, Prediction("q", None, None, error="timeout"), "strict")
    assert failed.outcome is Outcome.ERROR


@pytest.mark.parametrize(
    ("answer", "columns", "label", "faithful"),
    [
        ("C", 3, "crop", True),
        ("B", 2, "cropland", True),
        ("C", 2, "crop", False),
        ("A", 0, None, True),
        ("D", 10, None, True),
        ("C", 3, "water", False),
        ("C", None, None, None),
        ("maybe", 3, "crop", None),
    ],
)
def test_faithfulness(answer: str, columns: int | None, label: str | None, faithful: bool | None) -> None:
    assert judge(QUESTION, prediction(answer, columns, label), "strict").faith.follows is faithful


def test_what_is_not_known_is_not_measured() -> None:
    blank = judge(replace(QUESTION, masks=None), prediction("C", 3), "strict")
    assert (blank.masks, blank.faith) == (None, UNASKED)
    foreign = judge(replace(QUESTION, option_values=None), prediction("C", 3), "strict")
    assert foreign.faith.follows is None
    assert foreign.faith.measured == 30.0
    assert foreign.masks is not None
    assert foreign.masks.iou == NANO


def test_a_question_without_its_answer_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="none of"):
        replace(QUESTION, answer="E")


@pytest.mark.parametrize(
    ("chain", "columns", "states", "stated"),
    [
        ("Crop covers 30.2% here.", 3, True, 30.2),
        ("Crop covers 30.2% here, nearest is 42.0%.", 3, True, 30.2),
        ("Crop covers about 45 percent.", 3, False, 45.0),
        ("It covers 30%.", 3, True, 30.0),
        ("Crop covers 1,234 pixels.", 3, None, None),
        ("Crop covers 30.2% here.", 5, False, 30.2),
    ],
)
def test_the_stated_number_follows_from_the_model_s_own_masks(
    chain: str, columns: int, states: bool | None, stated: float | None
) -> None:
    response = f"<think>{chain}</think><answer>C</answer>"
    masks = (PredictedMask("t0", "crop", SIZE, encode(left(columns))),)
    faith = judge(QUESTION, Prediction("q", response, None, masks), "strict").faith
    assert (faith.states, faith.stated, faith.measured) == (states, stated, 10.0 * columns)


def test_a_mask_that_the_quantity_needs_and_nobody_gave_is_not_faithful() -> None:
    two = replace(QUESTION, task="CR", options=("crop", "water"), option_values=None, answer="A")
    two = replace(two, masks=(*(QUESTION.masks or ()), Mask.from_array("t0", "water", left(1))))
    faith = judge(two, prediction("A", 3), "strict").faith
    assert (faith.follows, faith.states, faith.measured) == (False, None, None)
