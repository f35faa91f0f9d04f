"""What is said beside an explanation: hidden ground, unknown cloud, and the option that the mask itself measures."""

from __future__ import annotations

from typing import Any

import pytest

from terrascope_bench.explain.follows import Follows, follows
from terrascope_bench.explain.remarks import caveat, remarks

TREES = "What percentage of the valid pixels of this image is taken up by tree cover? Choose the closest value."
OPTIONS = ("2.1%", "14.4%", "31%", "48%")


@pytest.mark.parametrize(
    ("question", "options", "label", "found"),
    [
        (TREES, OPTIONS, "tree", Follows("D", 47.0, "%")),
        (TREES, OPTIONS, "Tree cover", Follows("D", 47.0, "%")),
        (TREES, ("48 %", "14 %"), "tree", Follows("A", 47.0, "%")),
        (TREES, OPTIONS, "water", None),
        (TREES, OPTIONS, None, None),
        (TREES, ("a lot", "48 %"), "tree", None),
        (TREES, None, "tree", None),
        ("What percentage is not tree cover?", OPTIONS, "tree", None),
        (
            "How many square metres of this image are taken up by water? A pixel is 10 m wide and high. "
            "Choose the closest value.",
            ("1,000 m²", "4.6 ha", "9.4 ha"),
            "water",
            Follows("B", 47000.0, "m²"),
        ),
    ],
)
def test_an_option_follows_only_where_the_question_is_one_of_the_benchmark(
    question: str, options: tuple[str, ...] | None, label: str | None, found: Follows | None
) -> None:
    assert follows(question, options, label, 470, 1000, 10.0) == found


def note(**more: Any) -> dict[str, Any]:
    clear = {"found_by": "spectral", "share": 0.0, "hidden_share": 0.0, "shadow": False, "unknown": None}
    images = [{"frame": date, "modality": "optical", "cloud": dict(clear)} for date in ("t0", "t1")]
    made = {"answer": "B", "follows": None, "change": None, "scene": {"images": images}, "model": {"name": "mine"}}
    return {**made, **more}


def change(share: float | None) -> dict[str, Any]:
    return {"from": "t0", "to": "t1", "cloud": {"hidden_share": share}}


def test_nothing_is_said_where_there_is_nothing_to_say() -> None:
    assert remarks(note()) == remarks(note(change=change(0.0))) == []
    assert remarks(note(follows={"letter": "B", "value": 14.0, "unit": "%"})) == []


def test_another_option_than_the_answer_is_said() -> None:
    assert remarks(note(follows={"letter": "D", "value": 47.02, "unit": "%"})) == ["From the mask, D follows (47.0 %)."]
    assert "(47,000 m²)" in remarks(note(follows={"letter": "D", "value": 47e3, "unit": "m²"}))[0]


@pytest.mark.parametrize(
    ("share", "told"), [(0.5443, "54.4 %"), (0.0001, "less than 0.1 %"), (0.9999, "99.9 %"), (1.0, "100.0 %")]
)
def test_hidden_ground_of_a_change_is_said(share: float, told: str) -> None:
    (line,) = remarks(note(change=change(share)))
    assert line.startswith(f"{told} of the ground looks like cloud on t0 or t1")


def test_cloud_of_an_image_is_said_but_for_what_radar_shows() -> None:
    told = note()
    told["scene"]["images"][0]["cloud"] |= {"share": 0.3, "hidden_share": 0.0}
    told["scene"]["images"][1]["cloud"] |= {"share": 0.3, "hidden_share": 0.2}
    assert remarks(told) == ["20.0 % of t1 looks like cloud: a mask there is a guess."]


def test_unknown_cloud_is_said_once_for_a_reason() -> None:
    told = note(change=change(None))
    for image in told["scene"]["images"]:
        image["cloud"] = {"found_by": None, "share": None, "hidden_share": None, "shadow": False, "unknown": "8-bit"}
    assert remarks(told) == ["Cloud is not recognised on t0 and t1 (8-bit): ground under it is counted as seen."]
    assert remarks({**told, "change": None}) == ["Cloud is not recognised on t0 and t1 (8-bit)."]
    told["scene"]["images"][0]["cloud"] = None  # SAR
    assert remarks({**told, "change": None}) == ["Cloud is not recognised on t1 (8-bit)."]


def test_what_an_answer_is_worth() -> None:
    assert "real scenes" not in caveat(note())
    assert "knows little of real scenes" in caveat(note(model={"name": "terrascope-nano+measured"}))
