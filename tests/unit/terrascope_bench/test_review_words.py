"""What an expert may send, what becomes of it, and what stays of a repaired question."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from terra_cot.errors import ConfigError, ConflictError, DataError
from terra_cot.evidence import evidence
from terra_cot.mask import Mask, encode
from terrascope_bench.question import Question
from terrascope_bench.review.checks import MAX_COMMENT, Review, parse_review
from terrascope_bench.review.consensus import decide
from terrascope_bench.review.ledger import open_ledger
from terrascope_bench.review.repair import Dropped, repair

GRADES = {"mask": "high", "answer": "high", "distractors": "low", "clarity": "medium"}
ALL_HIGH = ("high",) * 4
VERSION = "0" * 64


def square(side: int, px: int = 20) -> np.ndarray[Any, np.dtype[np.bool_]]:
    array = np.zeros((px, px), bool)
    array[:side, :side] = True
    return array


MASK = Mask.from_array("t0", "water", square(8))


def test_a_review_is_read_and_told_again() -> None:
    repaired = encode(square(9))
    review = parse_review({"grades": GRADES, "comment": "look\n\u202e<b>", "masks": [repaired]}, [MASK])
    assert review == Review(("high", "high", "low", "medium"), "look\n\u202e<b>", (repaired,))
    assert parse_review(review.to_json(), [MASK]) == review
    assert review.complete(True)
    assert not review.high(True)


def test_a_mask_that_is_as_it_was_is_no_repair() -> None:
    review = parse_review({"grades": GRADES, "masks": [MASK.counts]}, [MASK])
    assert not review.repaired
    # Other RLE text of the same pixels (an empty run in the middle) is none either.
    flat = square(2, 4).ravel(order="F")
    assert encode(flat.reshape(4, 4, order="F")) != "02002222000:"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "a review is an object"),
        ({"grades": GRADES, "more": 1}, "a review is an object"),
        ({}, "grades"),
        ({"grades": {"taste": "high"}}, "grades"),
        ({"grades": {"mask": "great"}}, "mask"),
        ({"grades": {"mask": ["high"]}}, "mask"),
        ({"grades": {}, "comment": 1}, "comment"),
        ({"grades": {}, "comment": "x" * (MAX_COMMENT + 1)}, "comment"),
        ({"grades": {}, "comment": "\ud800"}, "comment"),
        ({"grades": {}, "masks": "no"}, "masks"),
        ({"grades": {}, "masks": []}, "masks"),
        ({"grades": {}, "masks": [None, None]}, "masks"),
        ({"grades": {}, "masks": ["~~~"]}, "counts"),
        ({"grades": {}, "masks": ["1"]}, "counts"),
        ({"grades": {}, "masks": [7]}, "counts"),
    ],
)
def test_what_is_no_review_is_refused(body: Any, field: str) -> None:
    with pytest.raises(DataError, match=field):
        parse_review(body, [MASK])


def test_a_question_without_masks_has_no_mask_check() -> None:
    rest = {check: "high" for check in GRADES if check != "mask"}
    assert parse_review({"grades": rest}, None).high(False)
    assert not parse_review({"grades": rest}, None).complete(True)
    with pytest.raises(DataError, match="no masks"):
        parse_review({"grades": GRADES}, None)


def test_only_unanimous_high_on_the_same_masks_stays() -> None:
    high, low = Review(ALL_HIGH), Review(("high", "high", "medium", "high"))
    other = Review(ALL_HIGH, "", ("1",))
    people = ["Ana", "Ben"]
    assert decide(people, {"Ana": high, "Ben": high}, True).reason is None
    assert decide(people, {"Ana": high, "Ben": low}, True).reason == "not_high"
    assert decide(people, {"Ana": high}, True).reason == "incomplete"
    assert decide([], {}, True).reason == "incomplete"
    assert decide(people, {"Ana": high, "Ben": other}, True).reason == "masks_differ"
    assert decide(people, {"Ana": other, "Ben": other}, True).repairs == ("1",)
    no_mask = Review((None, "high", "high", "high"))
    assert decide(people, {"Ana": no_mask, "Ben": no_mask}, False).reason is None
    assert decide(people, {"Ana": no_mask, "Ben": no_mask}, True).reason == "not_high"


def test_agreement_counts_what_was_said_before_others_were_seen(tmp_path: Any) -> None:
    with open_ledger(tmp_path, VERSION) as ledger:
        ledger.enrol(["Ana", "Ben"], None, {"q": ["q"]})
        low, high = Review(("low",) * 4), Review(ALL_HIGH)
        ledger.save("q", "Ana", low)
        ledger.save("q", "Ana", Review(("medium",) * 4))
        assert not ledger.all_done("q")
        ledger.save("q", "Ben", high)
        assert ledger.all_done("q")
        ledger.save("q", "Ana", high)
        assert {a.reviewer: a.review.grades[0] for a in ledger.answers()} == {"Ana": "high", "Ben": "high"}
        assert {a.reviewer: a.review.grades[0] for a in ledger.answers(blind=True)} == {"Ana": "medium", "Ben": "high"}


def test_names_and_numbers_of_a_review_are_held_to(tmp_path: Any) -> None:
    units = {f"q{k}": [f"q{k}"] for k in range(4)}
    with open_ledger(tmp_path, VERSION) as ledger:
        with pytest.raises(ConfigError, match="--reviewer"):
            ledger.enrol([], None, units)
        with pytest.raises(ConfigError, match="--per-question 1"):
            ledger.enrol(["Ana"], None, units)
        for name in ("", " Ana", "a\x1b[2J", "x" * 61):
            with pytest.raises(ConfigError, match="a name is"):
                ledger.enrol([name, "Ben"], None, units)
        assert ledger.reviewers == []
        ledger.enrol(["Ana", "Ben"], None, units)
        with pytest.raises(ConfigError, match="told apart"):
            ledger.enrol(["ana"], None, units)
        with pytest.raises(ConfigError, match="this review has 2"):
            ledger.enrol([], 3, units)
        ledger.enrol([], None, units)
        ledger.enrol(["Ana"], 2, units)
        assert ledger.reviewers == ["Ana", "Ben"]
    with pytest.raises(ConflictError, match="another version"):
        open_ledger(tmp_path, "1" * 64)
    with pytest.raises(DataError, match="nothing was reviewed"):
        open_ledger(tmp_path / "none", VERSION, create=False)


def test_a_file_that_is_no_database_is_a_user_s_fault(tmp_path: Any) -> None:
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "review.sqlite").write_bytes(b"not a database " * 100)
    with pytest.raises(DataError, match="review database"):
        open_ledger(tmp_path, VERSION)


def coverage() -> Question:
    """64 of 400 px are water: 16 %, option B."""
    return Question(
        question_id="ca-0-opt", task="CA", question="How much?", options=("8.0%", "16.0%", "28.0%", "45.0%"),
        option_values=(8.0, 16.0, 28.0, 45.0), answer="B", frames=(), masks=(MASK,),
        evidence=(evidence("pixels", (0,), 64), evidence("valid_pixels", (), 400), evidence("share", (0,), 16.0)),
        tile_id="t", legend="worldcover", view="display", label_frame="t0", split="test", width=20, height=20,
        gsd_m=10.0, source="s", source_id="1", licence="CC0-1.0",
    )  # fmt: skip


def test_evidence_is_measured_again_on_repaired_masks() -> None:
    made = repair(coverage(), (replace(MASK, counts=encode(square(9))),))
    assert isinstance(made, Question)
    assert [item.value for item in made.evidence] == [81.0, 400.0, 20.25]
    assert made.masks is not None
    assert int(made.masks[0].to_array().sum()) == 81


def test_what_no_longer_follows_is_dropped_with_a_reason() -> None:
    larger = repair(coverage(), (replace(MASK, counts=encode(square(11))),))
    assert isinstance(larger, Dropped)
    assert (larger.reason, larger.detail) == ("answer_does_not_follow", "answer B, from the masks C: 30.25")
    empty = repair(coverage(), (replace(MASK, counts=encode(square(0))),))
    assert isinstance(empty, Dropped)
    assert empty.reason == "mask_empty"
    with pytest.raises(DataError, match="another question"):
        repair(coverage(), (replace(MASK, label="grass"),))
