"""Side by side: every result once, nothing read ahead, and a stop that loses nothing finished."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import pytest
from gate import LONG_S

from terrascope_bench import pool
from terrascope_bench.pool import side_by_side


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_every_item_once_and_no_more_than_threads_are_held(threads: int) -> None:
    given, held, most = [0], [0], [0]
    lock = threading.Lock()

    def items() -> Iterator[int]:
        for number in range(40):
            with lock:
                held[0] += 1
                most[0] = max(most[0], held[0])
            given[0] += 1
            yield number

    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    results = []
    for result in side_by_side(work, items(), threads):
        with lock:
            held[0] -= 1
        results.append(result)
    assert sorted(results) == [number * number for number in range(40)]
    assert most[0] <= threads
    assert threads > 1 or results == sorted(results)


def test_what_is_under_way_at_a_stop_is_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are done only once the error is known: before that, each that is done lets another begin."""
    started, known = threading.Barrier(3), threading.Event()
    asked: list[int] = []

    class Told(SimpleQueue[Any]):
        def get(self, *given: Any, **named: Any) -> Any:
            got = super().get(*given, **named)
            if isinstance(got, tuple) and isinstance(got[1], KeyError):
                known.set()
            return got

    monkeypatch.setattr(pool, "SimpleQueue", Told)

    def work(number: int) -> int:
        asked.append(number)
        started.wait(LONG_S)
        if number == 0:
            raise KeyError("stop")
        assert known.wait(LONG_S)
        return number

    results: list[int] = []
    with pytest.raises(KeyError, match="stop"):
        results.extend(side_by_side(work, range(100), 3))
    assert sorted(results) == [1, 2]
    assert sorted(asked) == [0, 1, 2], "nothing new is begun"


def test_a_signal_that_does_not_wake_the_wait_is_heard_all_the_same() -> None:
    """It comes to another thread: the main one, which waits for a result, is not woken by it."""
    program = """
import signal, threading, time
from terrascope_bench.pool import side_by_side

def work(item):
    if item == 1:
        time.sleep(0.5)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    time.sleep(600)

try:
    list(side_by_side(work, [0, 1], 2))
except KeyboardInterrupt:
    print("heard")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=LONG_S, check=True)
    assert done.stdout == "heard\n"
