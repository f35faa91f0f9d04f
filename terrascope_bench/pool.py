"""Work side by side, results as they come: nothing is read ahead of the threads, a stop loses nothing finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_LISTEN_S = 0.2
"""A signal that comes just before the wait for a result, or to another thread, does not end the wait: listen again."""


class _End:
    """No more items."""


def side_by_side(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Results of `work` in the order in which they are finished; with one thread in the order of the items.

    At most `threads` items are held. Where `work` raises, no further item is taken, what is under way is finished and
    given out, and then the first error is raised. The threads do not keep the process alive: Ctrl-C ends it at once.
    """
    if threads == 1:
        yield from map(work, items)
        return
    todo: SimpleQueue[T | type[_End]] = SimpleQueue()
    done: SimpleQueue[tuple[list[R], BaseException | None]] = SimpleQueue()

    def loop() -> None:
        while (item := todo.get()) is not _End:
            try:
                done.put(([work(item)], None))  # type: ignore[arg-type]
            except BaseException as error:  # noqa: BLE001  carried to the caller's thread, raised there
                done.put(([], error))

    for _ in range(threads):
        Thread(target=loop, daemon=True).start()
    source = iter(items)
    under_way, failed = 0, None
    try:
        while True:
            while failed is None and under_way < threads:
                item = next(source, _End)
                if item is _End:
                    break
                todo.put(item)
                under_way += 1
            if not under_way:
                break
            try:
                results, error = done.get(timeout=_LISTEN_S)
            except Empty:
                continue
            under_way -= 1
            failed = failed or error
            yield from results
    finally:
        for _ in range(threads):
            todo.put(_End)
    if failed is not None:
        raise failed
