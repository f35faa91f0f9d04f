"""Lessons are made ahead by a process of their own, while the step before them is taken; they are the same lessons.

Half of a step of a small model is decoding pictures. The stream is a function of its state, so it does not matter who
makes it: what a checkpoint keeps is the state after the last batch that was *taken*, and what was made after it is made
again. Batches come as bytes through a pipe: torch would hand its tensors over in shared memory, which containers
have little of.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import torch

from terra_cot.engine.local import watch_parent
from terra_cot.errors import RunStopped
from terrascope_bench.terrascope.train.stream import Lessons
from terrascope_bench.terrascope.train.syllabus import Syllabus

State = dict[str, Any]


class Batches(Protocol):
    """The batches of a stage, one after another; `state` is that of their stream after the last one taken."""

    def take(self) -> list[Any]: ...

    def state(self) -> State: ...


class Here:
    """Batches of `size` made when they are asked for, by this process."""

    def __init__(self, lessons: Lessons, size: int) -> None:
        self._lessons, self._size = lessons, size

    def take(self) -> list[Any]:
        return self._lessons.take(self._size)

    def state(self) -> State:
        return self._lessons.state()


class Ahead:
    """`count` batches of `size` from `syllabus`, at most `ahead` of them made and not yet taken.

    Raises:
        RunStopped: by `take`, where the process that makes them is gone. What making a lesson raises, `take` raises.
    """

    def __init__(
        self, pool: ProcessPoolExecutor, ahead: int, syllabus: Syllabus, state: State | None, size: int, count: int
    ) -> None:
        self._pool, self._size, self._left = pool, size, count
        self._state = syllabus.lessons(state).state()
        self._begun = _submitted(pool, _begin, syllabus, state)
        self._waiting: deque[Future[bytes]] = deque()
        for _ in range(ahead):
            self._ask()

    def take(self) -> list[Any]:
        try:
            self._begun.result()
            made = self._waiting.popleft().result()
        except BrokenProcessPool:
            raise _gone() from None
        self._ask()
        batch, self._state = pickle.loads(made)
        return batch  # type: ignore[no-any-return]

    def state(self) -> State:
        return self._state

    def _ask(self) -> None:
        if self._left:
            self._left -= 1
            self._waiting.append(_submitted(self._pool, _make, self._size))


class Workshop:
    """The process that makes the lessons of all stages of a training; none where nothing is made `ahead`."""

    def __init__(self, ahead: int) -> None:
        self._ahead = ahead
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workshop:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def start(self) -> None:
        """Start the process, if there is to be one: it takes seconds to load what it needs."""
        if self._ahead and self._pool is None:
            # Not forked from this process: threads of torch do not survive that.
            there = "forkserver" in multiprocessing.get_all_start_methods()
            context = multiprocessing.get_context("forkserver" if there else "spawn")
            if there:
                # Loaded once for all trainings of this process.
                context.set_forkserver_preload([__name__])
            self._pool = ProcessPoolExecutor(1, context, initializer=_prepare)
            _submitted(self._pool, _begin, None, None)
            # Its process alone writes results. With our copy of that end closed, a death in the middle of one ends it;
            # else the pool's own thread would wait for the rest of it for ever.
            self._pool._result_queue._writer.close()  # type: ignore[attr-defined]

    def batches(self, syllabus: Syllabus, state: State | None, size: int, count: int) -> Batches:
        """`count` batches of `size` lessons, from the beginning of the stage or from a `state` of its stream."""
        self.start()
        if self._pool is None:
            return Here(syllabus.lessons(state), size)
        return Ahead(self._pool, self._ahead, syllabus, state, size, count)


def _submitted(pool: ProcessPoolExecutor, work: Callable[..., Any], *given: Any) -> Future[Any]:
    try:
        return pool.submit(work, *given)
    except BrokenProcessPool:
        raise _gone() from None


def _gone() -> RunStopped:
    return RunStopped(
        "the process that makes lessons died (killed, or out of memory); run the same command again to go on from the "
        "last checkpoint, with --set ahead=0 if memory was short"
    )


# What follows runs in the process that makes lessons.

_lessons: Lessons | None = None


def _prepare() -> None:
    """One thread; gone with its parent; whoever presses Ctrl-C means the parent, which ends this process in order."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    watch_parent()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _begin(syllabus: Syllabus | None, state: State | None) -> None:
    global _lessons
    _lessons = syllabus.lessons(state) if syllabus else None


def _make(size: int) -> bytes:
    """The next batch, and the state after it."""
    assert _lessons is not None
    return pickle.dumps((_lessons.take(size), _lessons.state()), protocol=pickle.HIGHEST_PROTOCOL)
