"""The default engine: a pool of processes on this machine."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

from terra_cot.engine.lost import WorkerLost

Task = TypeVar("Task")
Result = TypeVar("Result")


def work(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Results of `function` over `tasks`, as they finish. At most a few tasks are in flight; `tasks` is streamed.

    Raises:
        WorkerLost: a process died. What other parts wrote stays.
    """
    if workers <= 1:
        yield from map(function, tasks)
        return
    queue = iter(tasks)
    # Spawned, not forked: GDAL and thread pools of the parent do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=watch_parent) as pool:
        running: set[Future[Result]] = {pool.submit(function, task) for task in islice(queue, workers + 1)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    running |= {pool.submit(function, task) for task in islice(queue, 1)}
        except BrokenProcessPool:
            raise WorkerLost from None
        finally:
            for future in running:
                future.cancel()


def watch_parent() -> None:
    """End this worker the moment its parent is gone: a killed run must not leave processes that write."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
