"""Masks and evidence come from the map by the tasks' own rules; what cannot be restored or decided has a reason."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from terra_cot.evidence import Ground, measure_fact
from terra_cot.tile import FrameRecord
from terrascope_bench.ladder import odds_scale
from terrascope_bench.published.amounts import option_values
from terrascope_bench.published.maps import LabelMap
from terrascope_bench.published.restore import Restored, restore
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS

WATER, CROP, TREE, MANGROVE = 80, 40, 10, 95
CODES = np.full((100, 100), CROP, np.uint16)
CODES[:, :30] = WATER
CODES[:10] = 0
CODES[50, 95] = TREE  # one pixel: an opening removes it
CODES[80:90, 60:70] = MANGROVE


def question(task: str, text: str, options: tuple[str, ...], answer: str = "A") -> Question:
    frame = FrameRecord("t0", "optical", None, b"", None, (), None, 0.0, (0.0, 0.0), None, None, "alone")
    values = option_values(task, text, options)
    head = (f"{task.lower()}-0-opt", task, text, options, values, answer, (frame,), None, ())
    return Question(*head, None, None, None, None, "test", 100, 100, None, "s", "i.png", "l")


def found(codes: NDArray[np.uint16] = CODES, legend: str = "worldcover") -> LabelMap:
    return LabelMap(codes, legend, 10.0, "chatearthnet", "i", "0" * 64)


@pytest.mark.parametrize(
    ("task", "text", "options", "value", "unit", "follows"),
    [
        ("CA", "What share is water?", ("10%", "30%", "50%", "70%"), 30.0, "%", "B"),
        ("CA", "What share is water?", ("70%", "50%", "31%", "10%"), 30.0, "%", "C"),
        ("AQ", "How large is water?", ("27 ha", "13.5 ha", "54 ha", "2.7 ha"), 270_000.0, "m2", "A"),
        ("AQ", "How large is mangrove?", ("20,000 m²", "10,000 m²", "5,000 m²", "1,000 m²"), 10_000.0, "m2", "B"),
        ("DM", "How far is mangrove from water?", ("217 m", "310 m", "372 m", "434 m"), 310.0, "m", "B"),
        ("BRD", "Does water touch crop?", ("Yes", "No"), 1.0, "bool", "A"),
        ("BRD", "Does water touch mangrove?", ("Yes, it does", "No, it does not"), 0.0, "bool", "B"),
        ("CR", "Which is larger, water or crop?", ("Water", "Crop"), 100 * 3499 / 6199, "%", "B"),
        ("CR", "Which is smaller, water or crop?", ("Water", "Crop"), 100 * 3499 / 6199, "%", "A"),
        ("CR", "Is water larger than crop?", ("No", "Yes"), 100 * 3499 / 6199, "%", "A"),
    ],
)
def test_what_follows(task: str, text: str, options: tuple[str, ...], value: float, unit: str, follows: str) -> None:
    asked = question(task, text, options, follows)
    result = restore(asked, found())
    assert isinstance(result, Restored)
    assert (result.value, result.unit, result.follows) == (pytest.approx(value), unit, follows)
    assert result.agrees
    proven = result.question
    assert (proven.answer, proven.legend, proven.view, proven.gsd_m) == (follows, "worldcover", "display", 10.0)
    assert proven.masks
    arrays = [mask.to_array() for mask in proven.masks]
    for item in proven.evidence:
        assert measure_fact(item, arrays, Ground(9000, 10.0)) == item.value
    option = TASKS[task].follow(proven, list(map(Region.of, arrays)))
    assert option is not None
    assert proven.letters[option] == follows


@pytest.mark.parametrize(
    ("task", "text", "reason"),
    [
        ("CA", "What share is snow?", "class_not_in_map"),
        ("CA", "What share is it?", "no_class_named"),
        ("DM", "How far is tree from water?", "nothing_left_after_opening"),
        ("BCE", "How many buildings are destroyed?", "task_without_rule"),
    ],
)
def test_what_cannot_be_restored(task: str, text: str, reason: str) -> None:
    assert restore(question(task, text, ("10%", "20%", "30%", "40%")), found()) == reason


def test_a_map_of_another_size_or_legend() -> None:
    asked = question("CA", "What share is water?", ("10%", "20%"))
    assert restore(asked, found(CODES[:50])) == "label_map_of_another_size"
    assert restore(asked, found(CODES, "corine-19")) == "unknown_label_code"


def test_masks_without_a_verdict() -> None:
    result = restore(question("CA", "What share is water?", ("some", "much", "more", "most")), found())
    assert isinstance(result, Restored)
    assert (result.follows, result.reason) == (None, "options_not_numbers")
    assert result.question.masks
    equal = np.where(np.arange(100) < 50, WATER, CROP).astype(np.uint16) * np.ones((100, 1), np.uint16)
    result = restore(question("CR", "Which is larger, water or crop?", ("Water", "Crop")), found(equal))
    assert isinstance(result, Restored)
    assert (result.follows, result.reason) == (None, "nothing_follows")


def test_a_wrong_answer_is_told_with_what_was_measured() -> None:
    result = restore(question("CA", "What share is water?", ("10%", "30%"), "A"), found())
    assert isinstance(result, Restored)
    assert not result.agrees
    line = result.disagreement(12)
    assert (line["row"], line["published"], line["published_text"]) == (12, "A", "10%")
    assert (line["follows"], line["follows_text"], line["value"], line["unit"]) == ("B", "30%", 30.0, "%")


def test_the_nearest_option_beyond_the_scale_in_any_order() -> None:
    scale = odds_scale(5, 95)
    assert scale.nearest(0, (40, 10, 20)) == 1
    assert scale.nearest(100, (10, 40, 20)) == 1
    assert scale.nearest(100, (10, 200, 100, 50)) == 2
    assert scale.nearest(0, (10, 0, 20)) == 1
