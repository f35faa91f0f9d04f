"""Every field of a published row is checked, and every fault has a name."""

from __future__ import annotations

import json
from typing import Any

import publishedfactory as factory
import pytest

from terrascope_bench.published.names import CODES, nearest, task_code
from terrascope_bench.published.row import PublishedRow, Refused, parse_row
from terrascope_bench.tasks import TASKS

GOOD: dict[str, Any] = factory.make({"coverage_percentage": 1}, scenes=3).rows[0]


def parsed(**changes: Any) -> PublishedRow:
    row = parse_row(0, GOOD | changes)
    assert isinstance(row, PublishedRow), row
    return row


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("coverage_percentage", "CA"),
        ("absolute_area", "AQ"),
        ("area_quantification", "AQ"),
        ("comparative_area", "CR"),
        ("Area Ranking", "CR"),
        ("boundary_detection", "BRD"),
        ("boundary-relationship-detection", "BRD"),
        ("distance_measurement", "DM"),
        ("building_change", "BCE"),
        ("building_change_estimation", "BCE"),
        (" BRD ", "BRD"),
        ("area", None),
        ("boundary_detections", None),
        ("", None),
    ],
)
def test_task_types(name: str, code: str | None) -> None:
    assert task_code(name) == code


def test_every_task_is_known_by_its_own_names_and_no_name_means_two() -> None:
    assert set(CODES.values()) == set(TASKS)
    for code, task in TASKS.items():
        assert task_code(task.name) == task_code(code) == code


def test_an_unknown_task_type_is_refused_with_the_nearest_name() -> None:
    row = parse_row(7, GOOD | {"task_type": "distance_measurment"})
    assert isinstance(row, Refused)
    assert (row.row, row.reason, row.field) == (7, "unknown_task_type", "task_type")
    assert 'did you mean "distance_measurement"?' in row.expected
    # What is proposed is among the names that are listed.
    for wrong in ("area_comparisons", "comparitive_area", "complex_reasoning"):
        listed, _, hint = nearest(wrong).partition("; did you mean ")
        assert all(name in listed.removeprefix("one of ").split(", ") for name in [hint.strip('"?')] if name)


@pytest.mark.parametrize(
    "candidates",
    [
        '{"A": "12%", "B": "20%"}',
        '{"B": "20%", "A": "12%"}',
        '{" a ": "12%", "b": "20%"}',
        b'{"A": "12%", "B": "20%"}',
        {"A": "12%", "B": "20%", "C": None, "D": None},
        [("A", "12%"), ("B", "20%")],
    ],
)
def test_candidates_in_any_form_stand_in_the_order_of_their_letters(candidates: object) -> None:
    assert parsed(candidates=candidates, answer="b").options == ("12%", "20%")
    assert parsed(candidates=candidates, answer="b").answer == "B"


def test_numbers_are_texts_as_they_are_written() -> None:
    assert parsed(candidates='{"A": 12, "B": 2.50}', answer="A").options == ("12", "2.5")
    row = parse_row(0, GOOD | {"candidates": '{"A": true, "B": 1}', "answer": "A"})
    assert isinstance(row, Refused)
    assert row.reason == "empty_candidate"


def test_image_bytes_alone_are_an_image_without_a_name() -> None:
    assert parsed(image=GOOD["image"]["bytes"]).path is None
    assert parsed(image={"bytes": GOOD["image"]["bytes"], "path": ""}).path is None


_IN_ROW = [(reason, row) for reason, row in factory.faults(GOOD) if not reason.startswith(("image_", "unreadable"))]


@pytest.mark.parametrize(("reason", "raw"), _IN_ROW, ids=[f"{k}-{entry[0]}" for k, entry in enumerate(_IN_ROW)])
def test_faults_are_named(reason: str, raw: dict[str, Any]) -> None:
    row = parse_row(3, raw)
    assert isinstance(row, Refused)
    assert row.reason == reason
    line = row.to_row()
    assert line["row"] == 3
    assert line["field"]
    assert len(json.dumps(line)) < 2_000
