"""The distributed engine: Ray core, on this machine or on the cluster that RAY_ADDRESS names.

On a cluster the output folder and the archives must lie on a file system that all machines share, and the package must
be installed on each of them: what travels is the description of a part, never its pixels.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from terra_cot.engine.lost import WorkerLost
from terra_cot.errors import ConfigError

Task = TypeVar("Task")
Result = TypeVar("Result")


def work(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Results of `function` over `tasks`, as they finish. At most a few tasks are in flight; `tasks` is streamed.

    Raises:
        WorkerLost: a worker died more often than Ray tries again.
        ConfigError: Ray is not installed.
    """
    try:
        import ray
        from ray.exceptions import RayTaskError, WorkerCrashedError
    except ImportError:
        raise ConfigError('--engine ray needs Ray: pip install "terra-cot[ray]"') from None
    own = not ray.is_initialized()
    if own:
        _start(ray, workers)
    remote = ray.remote(max_retries=1)(function)
    queue = iter(tasks)
    running: list[Any] = [remote.remote(task) for task in islice(queue, workers + 1)]
    try:
        while running:
            done, running = ray.wait(running, num_returns=1)
            for found in done:
                yield ray.get(found)
                running += [remote.remote(task) for task in islice(queue, 1)]
    except RayTaskError as error:
        raise error.cause from None
    except WorkerCrashedError:
        raise WorkerLost from None
    finally:
        for waiting in running:
            ray.cancel(waiting, force=True)
        if own:
            ray.shutdown()


def _start(ray: Any, workers: int) -> None:
    """A Ray of our own with one CPU a worker, or the cluster of RAY_ADDRESS."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
    else:
        ray.init(num_cpus=workers, include_dashboard=False, **quiet)
