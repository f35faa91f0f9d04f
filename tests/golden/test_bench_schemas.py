"""The shipped schemas say what the code accepts, on rows that any reader can understand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import MAX_COUNTS, MAX_LABEL, MAX_MASKS, Expected, Prediction
from terrascope_bench.scorecard import METRICS, tabulate
from terrascope_bench.submission.check import Checker
from terrascope_bench.tally import Tally
from terrascope_bench.tasks import TASKS

ROOT = Path(__file__).parents[2] / "schemas"


def schema(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(content)
    return content


ROWS = [
    ({"question_id": "q", "answer": "A"}, True),
    ({"question_id": "q", "response": "", "masks": None}, True),
    ({"question_id": "q", "error": "timeout", "answer": None}, True),
    ({"question_id": "q", "answer": "A", "masks": [{"size": [2, 3], "counts": "6"}]}, True),
    ({"question_id": "q", "answer": "A", "confidence": 0.25}, True),
    ({"question_id": "q", "answer": "A", "confidence": None}, True),
    ({"question_id": "q", "answer": "A", "confidence": 1.5}, False),
    ({"question_id": "q", "answer": "A", "confidence": "high"}, False),
    ({"question_id": "q"}, False),
    ({"question_id": "q", "answer": None}, False),
    ({"question_id": 1, "answer": "A"}, False),
    ({"question_id": "q", "answer": 1}, False),
    ({"question_id": "q", "answer": "A", "masks": [{"size": [2, 3, 1], "counts": "6"}]}, False),
    ({"question_id": "q", "answer": "A", "masks": [{"size": [2, 3], "counts": [6]}]}, False),
    ({"question_id": "q", "answer": "A", "masks": [{"size": [2, 3], "counts": "~"}]}, False),
    ({"question_id": "q", "answer": "A", "masks": [{"counts": "6"}]}, False),
]


@pytest.mark.parametrize(("row", "good"), ROWS)
def test_prediction_schema_agrees_with_the_reader(row: dict[str, Any], good: bool) -> None:
    assert Draft202012Validator(schema("prediction")).is_valid(row) == good
    checked = Checker({"q": Expected(2, 3, ("t0",))}).check(row, 1)
    assert isinstance(checked, Prediction) == good


def test_limits_and_names_are_the_code_s() -> None:
    prediction, card = schema("prediction"), schema("scorecard")
    assert prediction["properties"]["masks"]["maxItems"] == MAX_MASKS
    assert prediction["$defs"]["mask"]["properties"]["label"]["maxLength"] == MAX_LABEL
    assert prediction["$defs"]["mask"]["properties"]["counts"]["maxLength"] == MAX_COUNTS
    assert card["properties"]["tasks"]["propertyNames"]["enum"] == list(TASKS)
    assert card["properties"]["extractor"]["enum"] == list(EXTRACTORS)
    assert card["$defs"]["metrics"]["required"] == list(METRICS)
    assert set(card["$defs"]["task"]["required"]) == {"n", *(outcome.value for outcome in Outcome), *METRICS}
    assert schema("benchmark_manifest")["properties"]["tasks"]["propertyNames"]["enum"] == list(TASKS)


def test_an_empty_scorecard_is_valid() -> None:
    empty = Tally([], np.zeros(0, np.int8), np.zeros(0, np.int8), np.zeros(0, np.int16))
    card = {
        "format_version": 1,
        "model": "x",
        "benchmark": {"sha256": "0" * 64, "n": 0},
        "predictions": {"sha256": "0" * 64, "n": 0},
        "code_version": "0",
        "extractor": "strict",
        "seed": 0,
        "resize": False,
        **tabulate(empty, 0),
    }
    Draft202012Validator(schema("scorecard")).validate(card)
