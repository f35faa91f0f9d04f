"""The table of empty cases, matching by label and by assignment, and the price of missing and surplus masks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.mask import Mask, encode
from terrascope_bench.judge import aliases
from terrascope_bench.masks import NANO, boundary, boundary_iou, check_many, measure, score_many, score_masks
from terrascope_bench.prediction import PredictedMask

SIZE = (20, 30)
EMPTY = np.zeros(SIZE, bool)


def block(row: int, column: int, height: int = 5, width: int = 6) -> NDArray[np.bool_]:
    out = EMPTY.copy()
    out[row : row + height, column : column + width] = True
    return out


def truth(array: NDArray[np.bool_], label: str = "water", frame: str = "t0") -> Mask:
    return Mask.from_array(frame, label, array)


def predicted(array: NDArray[np.bool_], label: str | None = "water", frame: str = "t0") -> PredictedMask:
    return PredictedMask(frame, label, SIZE, encode(array))


A, B = block(0, 0), block(10, 10)


@pytest.mark.parametrize(
    ("truths", "guesses", "iou", "intersection", "union", "empty"),
    [
        ([A], [A], 1.0, 30, 30, 0),
        ([A], [B], 0.0, 0, 60, 0),
        ([EMPTY], [EMPTY], 1.0, 0, 0, 1),
        ([EMPTY], [A], 0.0, 0, 30, 0),
        ([A], [EMPTY], 0.0, 0, 30, 0),
        ([A], [], 0.0, 0, 30, 0),
        ([], [A], 0.0, 0, 30, 0),
        ([], [], 1.0, 0, 0, 1),
        ([A], [A, B], 0.5, 30, 60, 0),
        ([A], [A, EMPTY], 0.5, 30, 30, 0),
        ([A], [block(0, 0, 5, 3)], 0.5, 15, 30, 0),
    ],
)
def test_table(
    truths: list[NDArray[np.bool_]],
    guesses: list[NDArray[np.bool_]],
    iou: float,
    intersection: int,
    union: int,
    empty: int,
) -> None:
    for label in ("water", None):
        score = score_masks([truth(array) for array in truths], [predicted(array, label) for array in guesses])
        assert score.iou == round(iou * NANO)
        assert (score.intersection, score.union, score.empty_pairs) == (intersection, union, empty)


def test_labels_decide_even_where_pixels_would_not() -> None:
    score = score_masks([truth(A, "water"), truth(B, "crop")], [predicted(B, "water"), predicted(A, "crop")])
    assert score.iou == 0
    score = score_masks([truth(A, "water"), truth(B, "crop")], [predicted(B, "CROP"), predicted(A, " Water")])
    assert score.iou == NANO
    assert [pair.predicted for pair in score.pairs] == [1, 0]


def test_nameless_masks_go_where_they_fit_best() -> None:
    score = score_masks([truth(A, "water"), truth(B, "crop")], [predicted(B, None), predicted(A, None)])
    assert score.iou == NANO
    many = [predicted(block(0, 6 * k), None) for k in range(5)]
    score = score_masks([truth(block(0, 12), "water"), truth(block(0, 24), "crop")], many)
    assert [pair.predicted for pair in score.pairs] == [2, 4]
    assert score.surplus == 3
    assert score.iou == round(2 * NANO / 5)


def test_frames_are_not_mixed() -> None:
    score = score_masks([truth(A, "water", "t0")], [predicted(A, "water", "t1")])
    assert (score.iou, score.missing, score.surplus) == (0, 1, 1)
    score = score_masks([truth(A, "water", "t0")], [predicted(A, None, "t1")])
    assert score.iou == 0


def test_the_word_of_the_question_is_as_good_as_the_label() -> None:
    names = aliases("worldcover", "display")
    assert names["cropland"] == "crop"
    score = score_masks([truth(A, "crop")], [predicted(A, "Cropland")], names)
    assert score.iou == NANO
    assert aliases("xbd-damage", "native")["destroyed buildings"] == "destroyed building"
    assert aliases("xbd-damage", "native")["buildings"] == "building"
    assert aliases("unheard of", "native") == {}


def test_boundary_is_the_rim() -> None:
    mask = block(2, 3, 15, 20)
    rim = boundary(mask)
    inner = block(3, 4, 13, 18)
    assert (rim == (mask & ~inner)).all()
    assert boundary_iou(mask, mask) == 1.0
    assert boundary_iou(mask, EMPTY) == 0.0
    assert boundary_iou(EMPTY, EMPTY) == 1.0


def test_the_image_border_is_an_outside() -> None:
    assert int(boundary(np.ones(SIZE, bool)).sum()) == 2 * (20 + 30) - 4


def test_boundary_iou_is_stricter_than_iou_on_large_masks() -> None:
    score = score_masks([truth(block(0, 0, 18, 28))], [predicted(block(1, 1, 18, 28))])
    assert 0 < score.boundary_iou < score.iou


def test_pixels_of_both_sides_count_missing_and_surplus_masks() -> None:
    score = score_masks(
        [truth(A, "water"), truth(B, "crop")], [predicted(A, "water"), predicted(block(0, 0, 2, 2), "road")]
    )
    assert (score.truth_px, score.predicted_px, score.intersection) == (60, 34, 30)
    assert [(pair.truth_px, pair.predicted_px) for pair in score.pairs] == [(30, 30), (30, 0)]


def test_chunks_are_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    items = []
    for _ in range(40):
        noise = [rng.random(SIZE) < rng.random() for _ in range(4)]
        given = [predicted(array, label) for array, label in zip(noise[1:], ("water", None, None), strict=True)]
        items.append(([truth(noise[0]), truth(A, "crop")], given[: rng.integers(0, 4)], {}))
    together = score_many(items)
    assert together == [score_masks(*item) for item in items]
    for limit in (1, 1000):
        monkeypatch.setattr(measure, "_CHUNK", limit)
        assert score_many(items) == together


def test_masks_of_another_size_are_refused() -> None:
    small = PredictedMask("t0", "water", (3, 3), encode(np.ones((3, 3), bool)))
    with pytest.raises(DataError, match="differ in size"):
        score_masks([truth(A)], [small])


def test_a_text_that_is_no_mask_is_named() -> None:
    good, cut = predicted(A), PredictedMask("t0", "water", SIZE, encode(A)[:-1])
    for given in ([cut], [good, PredictedMask("t0", "crop", SIZE, "")]):
        with pytest.raises(DataError, match="RLE"):
            score_masks([truth(A)], given)
    found = check_many([(SIZE, good.counts), (SIZE, cut.counts), (SIZE, good.counts)])
    assert [error is None for error in found] == [True, False, True]


def test_texts_that_say_empty_in_two_ways_are_equal() -> None:
    runs = PredictedMask("t0", "water", SIZE, encode(EMPTY) + "0" + "0")
    assert check_many([(SIZE, runs.counts)]) == [None]
    score = score_masks([truth(EMPTY)], [runs])
    assert (score.iou, score.boundary_iou, score.empty_pairs) == (NANO, NANO, 1)
