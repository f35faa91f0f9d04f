"""Every rule of a prediction line: what passes, and each defect at its line and field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from terra_cot.errors import DataError
from terra_cot.mask import encode
from terrascope_bench.prediction import Defect, Expected, PredictedMask, Prediction
from terrascope_bench.submission import find_defects, read_submission
from terrascope_bench.submission.check import Checker

QUESTIONS = {"ca-1-opt": Expected(4, 6, ("t0",)), "bce-2-opt-pair": Expected(4, 6, ("t0", "t1"))}
COUNTS = encode(np.eye(4, 6, dtype=bool))
MASK = {"frame": "t0", "label": "water", "size": [4, 6], "counts": COUNTS}


def check(value: Any) -> Prediction | list[Defect]:
    return Checker(QUESTIONS).check(value, 7)


def line(**changes: Any) -> dict[str, Any]:
    return {"question_id": "ca-1-opt", "answer": "A", **changes}


def masked(**changes: Any) -> dict[str, Any]:
    return line(masks=[{**MASK, **changes}])


def test_a_whole_line_passes_and_comes_back() -> None:
    row = {"question_id": "ca-1-opt", "response": "<answer>A</answer>", "answer": "A", "masks": [MASK]}
    checked = check(row)
    assert isinstance(checked, Prediction)
    assert checked.masks == (PredictedMask("t0", "water", (4, 6), COUNTS),)
    assert checked.to_row() == row


@pytest.mark.parametrize(
    "row",
    [
        line(),
        line(answer=None, response=""),
        line(answer=None, error="timeout"),
        line(masks=None),
        line(masks=[]),
        line(confidence=0.5, model="x"),
        masked(label=None),
        {"question_id": "ca-1-opt", "answer": "A", "masks": [{"size": [4, 6], "counts": COUNTS}]},
        {"question_id": "bce-2-opt-pair", "answer": "A", "masks": [{**MASK, "frame": "t1"}]},
    ],
)
def test_passes(row: dict[str, Any]) -> None:
    assert isinstance(check(row), Prediction)


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (None, "", "JSON object"),
        ([1], "", "JSON object"),
        ("x", "", "JSON object"),
        ({"answer": "A"}, "question_id", "missing"),
        ({"results": [{"image": "x", "predicted_answer": "A"}]}, "results", "official"),
        (line(question_id=3), "question_id", "text"),
        (line(question_id=["ca-1-opt"]), "question_id", "text"),
        (line(question_id="ca-1-op"), "question_id", 'did you mean "ca-1-opt"'),
        (line(question_id=""), "question_id", "no such question"),
        (line(answer=None), "response", "needs"),
        (line(answer=2), "answer", "text"),
        (line(response=["x"]), "response", "text"),
        (line(error=True), "error", "text"),
        (line(mask=[MASK]), "mask", 'did you mean "masks"'),
        (line(masks={}), "masks", "list"),
        (line(masks="x"), "masks", "list"),
        (line(masks=[MASK] * 65), "masks", "too many"),
        (line(masks=[3]), "masks[0]", "object"),
        (line(masks=[MASK, None]), "masks[1]", "object"),
        (masked(frame="t1"), "masks[0].frame", "not a frame"),
        (masked(frame=0), "masks[0].frame", "not a frame"),
        (masked(label=3), "masks[0].label", "text"),
        (masked(label="x" * 201), "masks[0].label", "too long"),
        (masked(size=[6, 4]), "masks[0].size", "not the size"),
        (masked(size=[4]), "masks[0].size", "whole pixels"),
        (masked(size=[4.0, 6.0]), "masks[0].size", "whole pixels"),
        (masked(size=[True, 6]), "masks[0].size", "whole pixels"),
        (masked(size="4x6"), "masks[0].size", "whole pixels"),
        (masked(size=[-4, -6]), "masks[0].size", "not the size"),
        (masked(size=[40_000, 25_000]), "masks[0].size", "not the size"),
        (masked(size=[2**70, 1]), "masks[0].size", "not the size"),
        (masked(counts=None), "masks[0].counts", "RLE text"),
        (masked(counts=5), "masks[0].counts", "RLE text"),
        (masked(counts=[1, 2, 3]), "masks[0].counts", "uncompressed"),
        (masked(counts=""), "masks[0].counts", "empty"),
        (masked(counts="~~~"), "masks[0].counts", "cannot hold"),
        (masked(counts="é"), "masks[0].counts", "ASCII"),
        (masked(counts="P"), "masks[0].counts", "ends inside"),
        (masked(counts="oooooooooooo0"), "masks[0].counts", "overflows"),
        (masked(counts="N"), "masks[0].counts", "negative"),
        (masked(counts="1"), "masks[0].counts", "do not fill"),
        (masked(counts="1" * 10_000), "masks[0].counts", "longer than"),
    ],
)
def test_defects(row: Any, field: str, words: str) -> None:
    defects = check(row)
    assert isinstance(defects, list)
    assert [defect.field for defect in defects] == [field]
    assert words in defects[0].problem
    assert str(defects[0]).startswith("line 7: ")
    assert "\n" not in str(defects[0])
    assert len(str(defects[0])) < 400


def test_a_pair_needs_the_frame() -> None:
    mask = {"size": [4, 6], "counts": COUNTS}
    (defect,) = check({"question_id": "bce-2-opt-pair", "answer": "A", "masks": [mask]})  # type: ignore[misc]
    assert isinstance(defect, Defect)
    assert defect.expected == "t0 or t1"


def test_all_defects_of_a_line_are_listed() -> None:
    defects = check({"question_id": "nope", "answer": 3, "masks": [{"size": 1, "counts": 2}, 5]})
    assert isinstance(defects, list)
    assert [defect.field for defect in defects] == [
        "question_id",
        "answer",
        "masks[0].size",
        "masks[0].counts",
        "masks[1]",
    ]


def test_duplicates_name_the_first_line() -> None:
    checker = Checker(QUESTIONS)
    assert isinstance(checker.check(line(), 1), Prediction)
    defects = checker.check(line(), 9)
    assert isinstance(defects, list)
    assert "answered already on line 1" in str(defects[0])


def read(tmp_path: Path, data: bytes, **options: Any) -> list[Prediction | Defect]:
    path = tmp_path / "p.jsonl"
    path.write_bytes(data)
    return list(read_submission(path, QUESTIONS, **options))


def test_lines_are_numbered_through_blanks_and_long_ones(tmp_path: Path) -> None:
    good = orjson.dumps(line())
    items = read(tmp_path, b"\xef\xbb\xbf\n\n" + b"x" * 5000 + b"\n" + good + b"\r\n" + b"{", max_line=1000)
    assert [item.line for item in items if isinstance(item, Defect)] == [3, 5]
    assert sum(isinstance(item, Prediction) for item in items) == 1
    assert "too long" in str(items[0])


def test_a_line_of_exactly_the_limit_passes(tmp_path: Path) -> None:
    good = orjson.dumps(line())
    (item,) = read(tmp_path, good + b"\n", max_line=len(good) + 1)
    assert isinstance(item, Prediction)
    (item,) = read(tmp_path, good, max_line=len(good))
    assert isinstance(item, Prediction)


@pytest.mark.parametrize(
    "data",
    [b"{", b"NaN", b'{"question_id": NaN}', b"\xff\xfe", b'"\\ud800"', b"[" * 100_000, b"{}" * 10, b'{"a":' * 20_000],
)
def test_what_is_not_json_is_a_defect(tmp_path: Path, data: bytes) -> None:
    (item,) = read(tmp_path, data)
    assert isinstance(item, Defect)
    assert item.line == 1


def test_an_empty_file_is_a_defect_for_validate_only(tmp_path: Path) -> None:
    assert read(tmp_path, b"") == []
    assert len(list(find_defects(tmp_path / "p.jsonl", QUESTIONS))) == 1


def test_parquet_has_the_same_rules(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [line(masks=[MASK], response=None), {"question_id": "bce-2-opt-pair", "response": "B"}, line()]
    path = tmp_path / "p.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    items = list(read_submission(path, QUESTIONS))
    assert [type(item) for item in items] == [Prediction, Prediction, Defect]
    assert "row 3" in str(items[2])
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match="Parquet"):
        list(read_submission(path, QUESTIONS))
    pq.write_table(pa.table({"id": [1]}), path)
    with pytest.raises(DataError, match="question_id"):
        list(read_submission(path, QUESTIONS))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        list(read_submission(tmp_path / "absent.jsonl", QUESTIONS))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_submission(tmp_path, QUESTIONS))
