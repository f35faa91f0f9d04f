"""A doubt names what its author probably meant, and changes nothing: neither what is scored nor an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from terra_cot.mask import encode
from terrascope_bench.judge import aliases
from terrascope_bench.prediction import Expected, PredictedMask, Prediction
from terrascope_bench.submission.doubts import Doubts
from terrascope_bench.submission.inventory import take_inventory

ASKED = frozenset({("t0", "tree"), ("t0", "crop")})
WORDS = aliases("worldcover", "display")


def given(*masks: tuple[str, str | None], answer: str = "A") -> Prediction:
    return Prediction("q-opt", None, answer, tuple(PredictedMask(frame, label, (4, 6), "") for frame, label in masks))


def test_labels_that_pair_are_no_doubt() -> None:
    doubts = Doubts()
    for label in ("tree", "Tree", "TREE_COVER", "tree cover", "cropland", " crop ", None):
        doubts.look(given(("t0", label)), ASKED, WORDS, 4)
    doubts.look(given(("t0", "anything")), None, WORDS, 4)  # evidence not known
    assert doubts.lines() == doubts.to_json() == []


def test_labels_that_pair_with_nothing_are_counted_and_the_nearest_named() -> None:
    doubts = Doubts()
    for label in ("trees", "trees", "forest"):
        doubts.look(given(("t0", label), ("t0", "crop")), ASKED, WORDS, 4)
    assert doubts.lines() == [
        "3 masks have a label that their question does not ask for: "
        "2 x 'trees' (did you mean 'tree'?), 1 x 'forest' (asked, for example: 'crop', 'tree')"
    ]
    (told,) = doubts.to_json()
    assert (told["kind"], told["n"], told["of"]) == ("label_not_asked", 3, {"'trees'": 2, "'forest'": 1})
    assert told["message"] == doubts.lines()[0]


def test_a_label_on_another_frame_is_told_where_it_belongs() -> None:
    asked = frozenset({("t0", "building"), ("t1", "destroyed building")})
    doubts = Doubts()
    doubts.look(given(("t1", "building"), ("t1", "destroyed building")), asked, {}, 4)
    assert doubts.lines() == [
        "1 mask has a label that its question asks for on another frame: 'building' on t1 (asked on t0)"
    ]


def test_answers_that_are_no_option_are_counted() -> None:
    doubts = Doubts()
    for answer in ("E", "(e)", "D", "B. no", "the first"):
        doubts.look(given(answer=answer), ASKED, WORDS, 4)
    doubts.look(given(answer="C"), ASKED, WORDS, 2)
    assert doubts.lines() == ["3 answers are none of the options of the question: 2 x E, 1 x C"]


def test_hostile_labels_neither_flood_nor_steer() -> None:
    doubts = Doubts()
    for number in range(3000):
        doubts.look(given(("t0", f"\x1b[2J{number}{'x' * 190}")), ASKED, WORDS, 4)
    (line,) = doubts.lines()
    assert line.startswith("3000 masks")
    assert "\x1b" not in line
    assert len(line) < 700
    assert len(doubts.counts["label_not_asked"]) <= 1001


def test_an_inventory_holds_the_doubts_and_no_defect(tmp_path: Path) -> None:
    counts = encode(np.zeros((4, 6), bool))
    path = tmp_path / "p.jsonl"
    mask = {"frame": "t0", "label": "trees", "size": [4, 6], "counts": counts}
    path.write_text(json.dumps({"question_id": "q-opt", "answer": "E", "masks": [mask]}))
    question = Expected(4, 6, ("t0",), asked=ASKED, legend="worldcover", view="display", options=4)
    found = take_inventory(path, {"q-opt": question})
    assert (found.n, found.sound) == (0, 1)
    assert [entry["kind"] for entry in found.to_json()["warnings"]] == ["label_not_asked", "answer_no_option"]
