"""No request leaves before its turn: an even rate, and a pause for all threads when the server asks one to wait.

`before` and `after` are hooks of the HTTP client, so retries wait their turn too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_PAUSE_S = 900.0
"""A server that asks for more is not waited for: the request fails, and says so."""


class Pace:
    """At most `per_minute` requests a minute, evenly spaced (None: as many as there are threads)."""

    def __init__(self, per_minute: float | None = None) -> None:
        self._gap_s = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._held_until = 0.0
        self._lock = threading.Lock()

    def before(self, request: Any = None) -> None:
        """Wait for a turn."""
        with self._lock:
            turn = max(time.monotonic(), self._next)
            self._next = turn + self._gap_s
        while (wait := max(turn, self._held_until) - time.monotonic()) > 0:
            time.sleep(min(wait, 1.0))

    def after(self, response: Any) -> None:
        """Hold everybody where the server says how long."""
        if response.status_code in (429, 503):
            pause = retry_after_s(response.headers)
            if pause is not None and pause <= LONGEST_PAUSE_S:
                with self._lock:
                    self._held_until = max(self._held_until, time.monotonic() + pause)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks to wait: `Retry-After` as a number or a date; None where it says nothing readable."""
    told = headers.get("retry-after")
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        try:
            at = parsedate_to_datetime(told)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return seconds if 0 <= seconds < float("inf") else None
