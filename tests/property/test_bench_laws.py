"""Laws of the benchmark: nothing from outside raises, letters balance, scores stay in bounds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from terra_cot.errors import DataError
from terra_cot.mask import Mask, encode
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.ladder import RUNGS, odds_scale, ratio_scale
from terrascope_bench.masks import NANO, boundary, score_masks
from terrascope_bench.models.blind import guess
from terrascope_bench.prediction import Defect, Expected, PredictedMask, Prediction
from terrascope_bench.selection import PER_TILE, Pool
from terrascope_bench.submission import read_submission
from terrascope_bench.submission.check import Checker
from terrascope_bench.submission.source import _REFUSED
from terrascope_bench.tasks import Candidate

QUESTIONS = {"q": Expected(5, 7, ("t0", "t1"))}
COUNTS = encode(np.eye(5, 7, dtype=bool))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
field_values = json_values | st.sampled_from(["q", "t0", "t1", [5, 7], COUNTS, "A", [7, 5], COUNTS[:-1]])
masks = st.fixed_dictionaries({}, optional=dict.fromkeys(("frame", "label", "size", "counts"), field_values))
lines = st.fixed_dictionaries(
    {},
    optional={
        "question_id": st.just("q") | field_values,
        "response": st.text(max_size=10) | field_values,
        "answer": field_values,
        "error": field_values,
        "masks": st.lists(masks, max_size=3) | field_values,
        "mask": field_values,
    },
)
masks_hw = arrays(np.bool_, (9, 11))


@settings(deadline=None)
@given(lines | json_values)
def test_a_parsed_line_is_a_prediction_or_defects(value: Any) -> None:
    checked = Checker(QUESTIONS).check(value, 3)
    if isinstance(checked, Prediction):
        again = Checker(QUESTIONS).check(checked.to_row(), 3)
        assert again == checked
        for mask in checked.masks:
            assert Mask(mask.frame, "", mask.size, mask.counts).to_array().shape == (5, 7)
    else:
        assert checked
        assert all(isinstance(item, Defect) and item.line == 3 and "\n" not in str(item) for item in checked)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=60) | lines.map(lambda row: orjson.dumps(repr(row))), max_size=5))
def test_any_bytes_are_read_without_an_exception(pieces: list[bytes]) -> None:
    data = b"\n".join(pieces)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.jsonl"
        path.write_bytes(data)
        # What begins as another format is refused as that, in one line.
        if data.startswith((b"PAR1", b"\x1f\x8b", *_REFUSED)):
            with pytest.raises(DataError) as told:
                list(read_submission(path, QUESTIONS, max_line=50))
            assert "\n" not in str(told.value)
            return
        items = list(read_submission(path, QUESTIONS, max_line=50))
        filled = [number for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
        assert {item.line for item in items if isinstance(item, Defect)} <= set(filled)


@settings(deadline=None)
@given(st.text(), st.sampled_from([["Yes", "No"], ["1", "2", "3", "4"], ["a", "b", "c"]]))
def test_extractors_give_a_letter_of_the_question_or_nothing(text: str, options: list[str]) -> None:
    for extract in EXTRACTORS.values():
        for found in (extract(text, None, options), extract(None, text, options)):
            assert found is None or found in "ABCD"[: len(options)]


@settings(deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=6))
def test_the_blind_solver_always_takes_an_option(options: list[str]) -> None:
    assert guess(options) in range(len(options))


@settings(deadline=None)
@given(st.floats(0.5, 99.5), st.integers(0, 3), st.floats(1.2, 3.0))
def test_ladders_keep_their_range_and_their_truth(truth: float, rung: int, ratio: float) -> None:
    for scale in (odds_scale(2.0, 97.0, ratio), ratio_scale(2.0, 97.0, ratio)):
        ladder = scale.climb(truth, rung)
        if ladder is None:
            continue
        assert len(ladder.values) == RUNGS
        assert scale.nearest(truth, ladder.values) == rung
        assert scale.low * (1 - 1e-9) <= min(ladder.values)
        assert max(ladder.values) <= scale.high * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2), st.sampled_from("ABCD")), max_size=120),
    st.integers(1, 60),
)
def test_a_selection_is_balanced_whatever_there_is(entries: list[tuple[int, int, str]], target: int) -> None:
    pool = Pool(seed=0, target=target)
    for number, (tile, cell, letter) in enumerate(entries):
        pool.add(Candidate("CA", f"t{tile}", (f"n{number}",), "?", ("w", "x", "y", "z"), None, letter, str(cell)))
    selection = pool.select(set())
    counts = [Counter(entry.answer for entry in selection.chosen)[letter] for letter in "ABCD"]
    assert max(counts) - min(counts) <= 1
    assert len(selection.chosen) <= target
    assert max(Counter(entry.tile_id for entry in selection.chosen).values(), default=0) <= PER_TILE
    assert len(selection.chosen) + sum(selection.left.values()) == len(entries)
    assert sum(selection.levels) == len(selection.chosen)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 15), st.lists(st.integers(0, 7), min_size=1, max_size=4, unique=True)), max_size=60
    ),
    st.integers(1, 15).map(lambda sets: 4 * sets),
)
def test_turned_candidates_are_asked_once_and_balance_in_every_cell(
    entries: list[tuple[int, list[int]]], target: int
) -> None:
    """A truth at mark m stands on rung r of the ladder that begins at m - r."""
    pool = Pool(seed=3, target=target)
    for number, (mark, rungs) in enumerate(entries):
        made = [
            Candidate(
                "CA", f"t{number}", ("n",), "?", ("w", "x", "y", "z"), None, "ABCD"[rung % 4], str(mark - rung % 4)
            )
            for rung in rungs
        ]
        pool.add(replace(made[0], turns=tuple(made[1:])))
    selection = pool.select(set())
    assert len({entry.tile_id for entry in selection.chosen}) == len(selection.chosen)
    complete = selection.chosen[: selection.levels[0]]
    for cell in {entry.cell for entry in complete}:
        letters = Counter(entry.answer for entry in complete if entry.cell == cell)
        assert len(letters) == 4
        assert len(set(letters.values())) == 1
    assert len(selection.chosen) + sum(selection.left.values()) == len(entries)


@settings(deadline=None)
@given(masks_hw)
def test_a_boundary_lies_in_its_mask_and_touches_its_rim(mask: Any) -> None:
    rim = boundary(mask)
    assert not (rim & ~mask).any()
    assert bool(rim.any()) == bool(mask.any())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(masks_hw, st.sampled_from(["a", "b"])), max_size=3),
    st.lists(st.tuples(masks_hw, st.sampled_from(["a", "b", None])), max_size=4),
)
def test_mask_scores_stay_in_bounds_and_the_truth_scores_one(truths: Any, guesses: Any) -> None:
    truth = [Mask.from_array("t0", label, array) for array, label in truths]
    predicted = [PredictedMask("t0", label, (9, 11), encode(array)) for array, label in guesses]
    score = score_masks(truth, predicted)
    assert 0 <= score.iou <= NANO
    assert 0 <= score.boundary_iou <= NANO
    assert 0 <= score.intersection <= score.union
    assert score.surplus == len(predicted) - sum(pair.predicted is not None for pair in score.pairs)
    own = [PredictedMask(mask.frame, mask.label, mask.size, mask.counts) for mask in truth]
    assert score_masks(truth, own).iou == NANO
    surplus = score_masks(truth, [*own, PredictedMask("t0", None, (9, 11), encode(np.ones((9, 11), bool)))])
    assert surplus.iou < NANO
