"""Every engine does all of the work once, passes on what a task raises, and says in one line when a worker is gone."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from terra_cot.engine import Crew, WorkerLost
from terra_cot.errors import ConfigError, DataError

RAY = pytest.param(
    Crew(2, "ray"),
    marks=pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason='pip install "terra-cot[ray]"'),
    id="ray",
)
CREWS = [pytest.param(Crew(1), id="one"), pytest.param(Crew(2), id="processes"), RAY]


@pytest.fixture(scope="module", autouse=True)
def started() -> Iterator[None]:
    """One Ray for all tests: it takes seconds to start. That the engine starts its own is tested with the command."""
    if importlib.util.find_spec("ray") is None:
        yield
        return
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def square(number: int) -> int:
    return number * number


def die(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse(number: int) -> int:
    raise DataError("bad", file=f"{number}.tif", reason="wrong_size")


def note(path: Path) -> int:
    path.write_text("done")
    return 0


@pytest.mark.parametrize("crew", CREWS)
def test_all_the_work_is_done_whoever_does_it(crew: Crew) -> None:
    assert sorted(crew.work(square, iter(range(20)), 20)) == [number * number for number in range(20)]
    assert list(crew.work(square, (), 0)) == []


@pytest.mark.parametrize("crew", CREWS)
def test_a_users_error_crosses_from_a_worker(crew: Crew) -> None:
    with pytest.raises(DataError, match=r"\d\.tif: bad") as caught:
        list(crew.work(refuse, [1, 2], 2))
    assert caught.value.reason == "wrong_size"


@pytest.mark.parametrize("crew", CREWS[1:])
def test_a_killed_worker_is_told_in_one_line(crew: Crew) -> None:
    with pytest.raises(WorkerLost, match="run the same command again") as caught:
        list(crew.work(die, range(8), 8))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("crew", CREWS)
def test_tasks_are_taken_only_as_they_are_needed(crew: Crew, tmp_path: Path) -> None:
    taken = []

    def tasks() -> Iterator[Path]:
        for number in range(200):
            taken.append(number)
            yield tmp_path / str(number)

    results = crew.work(note, tasks(), 200)
    next(results)
    assert len(taken) <= 8
    results.close()  # type: ignore[attr-defined]


def test_an_unknown_engine_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'no engine rya.*"ray"'):
        Crew(2, "rya")
