"""Turns are evenly spaced whoever asks, and a pause that the server asks for holds everybody."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from terra_cot.llm.pace import LONGEST_PAUSE_S, Pace, retry_after_s


def test_turns_are_spaced_over_threads() -> None:
    """The k-th to be let through comes no earlier than k gaps after the first may: however late each is noted."""
    start, pace = time.monotonic(), Pace(per_minute=1200)
    times: list[float] = []

    def turn(_: int) -> None:
        pace.before()
        times.append(time.monotonic())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(turn, range(12)))
    assert all(at - start >= 0.05 * turn - 1e-6 for turn, at in enumerate(sorted(times)))


def test_a_pause_holds_all_and_a_too_long_one_nobody() -> None:
    pace = Pace()
    start = time.monotonic()
    pace.after(SimpleNamespace(status_code=429, headers={"retry-after": "0.4"}))
    pace.before()
    assert time.monotonic() - start >= 0.4 - 1e-6
    for status, told in ((429, str(LONGEST_PAUSE_S + 1)), (200, "800"), (503, "soon")):
        pace.after(SimpleNamespace(status_code=status, headers={"retry-after": told}))
        start = time.monotonic()
        pace.before()
        assert time.monotonic() - start < 300


@pytest.mark.parametrize(
    ("told", "seconds"), [("2", 2.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("inf", None), ("later", None)]
)
def test_what_the_header_says(told: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": told}) == seconds
    assert retry_after_s({}) is None


def test_a_date_is_read() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert retry_after_s({"retry-after": at}) == pytest.approx(3600, abs=300)
