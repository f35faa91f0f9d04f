"""The paper's rows stand as printed, and a printed average that does not follow is refused."""

from __future__ import annotations

import pytest

from terrascope_bench.leaderboard.reported import reported, why_refused
from terrascope_bench.tasks import TASKS


def test_every_printed_row_is_shown_or_refused_by_name() -> None:
    found = reported()
    assert len(found["rows"]) == 14
    assert [row["name"] for row in found["refused"]] == ["Mint-CoT SFT", "Mint-CoT SFT+RL", "ThinkGeo", "EarthAgent"]
    assert all("without the values of its tasks" in row["reason"] for row in found["refused"])
    first, last = found["rows"][0], found["rows"][-1]
    assert (first["model"], first["macro"], first["tasks"]["BCE"]) == ("TerraScope 8B", 0.689, 0.521)
    assert (last["model"], last["macro"], last["tasks"]["BCE"]) == ("LHRS-bot 7B", 0.266, None)
    assert all(list(row["tasks"]) == list(TASKS) for row in found["rows"])


@pytest.mark.parametrize(
    ("tasks", "macro", "decimals", "good"),
    [
        ([27.6, 25.4, 54.3, 75.3, 22.5, 27.1], 38.7, 1, True),
        ([24.8, 19.5, 49.6, 69.2, 5.4, None], 33.7, 1, True),
        ([10.0, 20.0], 15.1, 1, True),  # the edge: 10.05 and 20.05 rounded down, their mean up
        ([10.0, 20.0], 15.2, 1, False),
        ([10.0, 20.0], 14.8, 1, False),
        ([10.0, 20.0, None], 10.0, 1, False),
        ([None], 10.0, 1, False),
        ([0.104, 0.105], 0.105, 3, True),
        ([0.104, 0.105], 0.106, 3, False),
    ],
)
def test_an_average_follows_within_the_rounding_of_its_digits(
    tasks: list[float | None], macro: float, decimals: int, good: bool
) -> None:
    assert (why_refused(tasks, macro, decimals) is None) == good
