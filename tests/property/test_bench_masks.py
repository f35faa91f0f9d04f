"""Laws of mask scores: bounds, symmetry, the price of surplus, no order, many at once are as one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.mask import Mask, check_counts, encode
from terrascope_bench.masks import NANO, MaskScore, check_many, resized, score_many, score_masks
from terrascope_bench.prediction import PredictedMask

BoolMask = NDArray[np.bool_]
sizes = st.tuples(st.integers(1, 140), st.integers(1, 12)) | st.sampled_from([(64, 3), (128, 4), (63, 5), (65, 5)])
seeds = st.integers(0, 2**32 - 1)


def made(size: tuple[int, int], seed: int) -> BoolMask:
    """A mask of rectangles: runs of every length, with the full and the empty one among them."""
    rng = np.random.default_rng(seed)
    out = np.full(size, rng.random() < 0.3)
    for _ in range(rng.integers(0, 5)):
        rows, columns = np.sort(rng.integers(0, size[0] + 1, 2)), np.sort(rng.integers(0, size[1] + 1, 2))
        out[rows[0] : rows[1], columns[0] : columns[1]] ^= True
    return out


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[Mask], list[PredictedMask], dict[str, str]]:
    size = draw(sizes)
    frames = st.sampled_from(["t0", "t1"])
    truth = draw(st.lists(st.tuples(frames, st.sampled_from(["a", "b"]), seeds), max_size=3))
    guess = draw(st.lists(st.tuples(frames, st.sampled_from(["a", "B ", "cropland", None]), seeds), max_size=4))
    return (
        [Mask.from_array(frame, label, made(size, seed)) for frame, label, seed in truth],
        [PredictedMask(frame, label, size, encode(made(size, seed))) for frame, label, seed in guess],
        draw(st.sampled_from([{}, {"cropland": "a"}])),
    )


def sums(score: MaskScore) -> tuple[int, ...]:
    return score.iou, score.intersection, score.union, score.truth_px, score.predicted_px, score.missing, score.surplus


@settings(max_examples=60, deadline=None)
@given(st.lists(questions(), max_size=6))
def test_many_at_once_are_as_one_by_one(items: Any) -> None:
    assert score_many(items) == [score_masks(*item) for item in items]


@settings(max_examples=100, deadline=None)
@given(questions())
def test_scores_stay_in_bounds(item: Any) -> None:
    truth, predicted, _ = item
    score = score_masks(*item)
    assert 0 <= score.iou <= NANO
    assert 0 <= score.boundary_iou <= NANO
    assert 0 <= score.intersection <= min(score.truth_px, score.predicted_px)
    assert score.union == score.truth_px + score.predicted_px - score.intersection
    assert score.truth_px == sum(int(mask.to_array().sum()) for mask in truth)
    assert len(score.pairs) - score.missing + score.surplus == len(predicted)


@settings(max_examples=60, deadline=None)
@given(sizes, seeds, seeds)
def test_truth_and_prediction_may_change_places(size: tuple[int, int], first: int, second: int) -> None:
    texts = [encode(made(size, seed)) for seed in (first, second)]
    there, back = (
        score_masks([Mask("t0", "x", size, texts[k])], [PredictedMask("t0", "x", size, texts[1 - k])]) for k in (0, 1)
    )
    assert (there.iou, there.boundary_iou, there.intersection, there.union) == (
        back.iou,
        back.boundary_iou,
        back.intersection,
        back.union,
    )
    assert (there.truth_px, there.predicted_px) == (back.predicted_px, back.truth_px)


@settings(max_examples=60, deadline=None)
@given(questions(), seeds)
def test_a_mask_of_no_truth_only_lowers(item: Any, seed: int) -> None:
    truth, predicted, aliases = item
    size = (truth[0] if truth else predicted[0]).size if truth or predicted else (5, 5)
    more = [*predicted, PredictedMask("t0", "nobody asked for this", size, encode(made(size, seed)))]
    before, after = score_masks(*item), score_masks(truth, more, aliases)
    assert after.iou <= before.iou
    assert after.boundary_iou <= before.boundary_iou
    assert after.union >= before.union
    assert after.intersection == before.intersection


@settings(max_examples=60, deadline=None)
@given(questions(), st.randoms(use_true_random=False))
def test_the_order_of_masks_does_not_matter(item: Any, random: Any) -> None:
    truth, predicted, aliases = item
    # One mask a place and name: where two pairings are equally good, the first in order is taken.
    predicted = list({(mask.frame, mask.label): mask for mask in predicted if mask.label is not None}.values())
    truth = list({(mask.frame, mask.label): mask for mask in truth}.values())
    turned, mixed = list(truth), list(predicted)
    random.shuffle(turned)
    random.shuffle(mixed)
    aliases = {} if any(mask.label == "cropland" for mask in predicted) else aliases
    assert sums(score_masks(truth, predicted, aliases)) == sums(score_masks(turned, mixed, aliases))


texts = (
    st.text(st.characters(min_codepoint=44, max_codepoint=115), max_size=24)
    | st.text(max_size=6)
    | st.builds(made, st.just((6, 5)), seeds).map(encode)
    | st.builds(lambda seed, cut: encode(made((6, 5), seed))[:cut], seeds, st.integers(0, 8))
    | st.sampled_from(["", "o" * 9 + "0", "N0", "PP", "oooooooo0", "n0", "0n0", "1" * 400])
)


@settings(max_examples=300, deadline=None)
@given(st.lists(texts, max_size=6))
def test_a_batch_lets_through_what_passes_alone_and_says_the_same_of_the_rest(given_texts: list[str]) -> None:
    def alone(text: str) -> str | None:
        try:
            check_counts((6, 5), text)
        except DataError as error:
            return str(error)
        return None

    found = check_many([((6, 5), text) for text in given_texts])
    assert [None if error is None else str(error) for error in found] == [alone(text) for text in given_texts]


@settings(max_examples=60, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))), st.integers(1, 4), st.integers(1, 4))
def test_enlarging_repeats_pixels_and_shrinking_back_finds_them(mask: BoolMask, down: int, right: int) -> None:
    size = (int(mask.shape[0]), int(mask.shape[1]))
    given_mask = PredictedMask("t0", None, size, encode(mask))
    large = resized(given_mask, (size[0] * down, size[1] * right))
    assert large.counts == encode(np.repeat(np.repeat(mask, down, axis=0), right, axis=1))
    assert resized(large, size) == given_mask
