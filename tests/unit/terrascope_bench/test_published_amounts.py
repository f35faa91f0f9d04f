"""Options are numbers only where all of them read as one number in one unit of the task."""

from __future__ import annotations

import pytest

from terrascope_bench.published.amounts import option_values

METRES, AREA, SHARE = "How many metres apart?", "How many square meters?", "What percentage is it?"


@pytest.mark.parametrize(
    ("task", "question", "options", "values"),
    [
        ("DM", "How far?", ("35 m", "50 m", "60m", "70 meters"), (35, 50, 60, 70)),
        ("DM", "How far?", ("0.5 km", "1.2 km"), (500, 1200)),
        ("DM", "How far?", ("0.5 km", "1200 m"), None),
        ("DM", "How far?", ("35", "50"), None),
        ("DM", METRES, ("35", "50"), (35, 50)),
        ("DM", "How many meters or kilometers?", ("35", "50"), None),
        ("DM", "How far?", ("3 px", "5 px"), None),
        ("DM", "How far?", ("3 ha", "5 ha"), None),
        ("AQ", "Area?", ("284,120 m²", "1,420,600 m²"), (284120, 1420600)),
        ("AQ", "Area?", ("284120 m2", "1420600 square metres"), (284120, 1420600)),
        ("AQ", "Area?", ("2 841 200 m^2", "5\u202f682\u202f400 sq m"), (2841200, 5682400)),
        ("AQ", "Area?", ("28.41 ha", "142.06 hectares"), (284100, 1420600)),
        ("AQ", "Area?", ("0.28 km²", "1.42 km2"), (280000, 1420000)),
        ("AQ", "Area?", ("0.28 km²", "1420000 m2"), None),
        ("AQ", AREA, ("284120", "1420600"), (284120, 1420600)),
        ("AQ", "At 10 m per pixel, how many square meters?", ("284120", "1420600"), (284120, 1420600)),
        ("AQ", "At 10 m per pixel, how large?", ("284120", "1420600"), None),
        ("AQ", "How large (km²)?", ("0.5", "1"), (500000, 1000000)),
        ("AQ", "Area?", ("2,5 ha", "3,5 ha"), None),
        ("AQ", "Area?", ("1e400 m2", "2 m2"), None),
        ("AQ", "Area?", ("9" * 79, "2"), None),
        ("CA", "Share?", ("12.5%", "20 %", "30 percent", "~41%"), (12.5, 20, 30, 41)),
        ("CA", "Share?", ("about 12%", "approximately 20%."), (12, 20)),
        ("CA", SHARE, ("12", "20"), (12, 20)),
        ("CA", "Share?", ("12", "20"), None),
        ("CA", "Share?", ("10-20%", "20-30%"), None),
        ("CA", "Share?", ("-5%", "20%"), None),
        ("CA", "Share?", ("12%", "most of it"), None),
        ("BCE", "How many buildings are destroyed?", ("12", "20"), (12, 20)),
        ("BCE", "How many are destroyed?", ("12 buildings", "20 buildings"), (12, 20)),
        ("BCE", "What percentage of the buildings is destroyed?", ("12", "20"), (12, 20)),
        ("BCE", "What share?", ("12%", "20%"), (12, 20)),
        ("CR", "Which is larger?", ("12%", "20%"), None),
        ("BRD", "Do they touch?", ("Yes", "No"), None),
    ],
)
def test_values(task: str, question: str, options: tuple[str, ...], values: tuple[float, ...] | None) -> None:
    found = option_values(task, question, options)
    assert found == (None if values is None else pytest.approx(values))
