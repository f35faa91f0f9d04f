"""`terrascope-bench train` killed from outside: nothing of it is left running, and it goes on with the same losses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import terrascopefactory as factory  # skips where torch is absent
from exportfactory import changed, small_dataset
from gate import LONG_S, Gate

from terra_cot.sample import Sample
from terra_cot.tile import TileRecord
from terrascope_bench.terrascope import store
from terrascope_bench.terrascope.train.log import read_log

Cli = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = (sys.executable, "-c", "from pipelines.terrascope_bench import main; main()", "train")
RECIPE = (
    "name: test\nmodel: {start}\nsplit: null\nsave_every: 3\n"
    "stages: [{{name: masks, teaches: masks, trains: [mask_decoder], lr: 0.001, batch: 2, steps: {steps}}}]\n"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights to start from, a dataset, and a recipe of 40 steps."""
    house = tmp_path_factory.mktemp("train")
    store.save(*factory.make(), house / "start")
    small_dataset(house)
    (house / "recipe.yaml").write_text(RECIPE.format(start=house / "start", steps=40))
    return house


def begun(house: Path, out: Path) -> subprocess.Popen[str]:
    """A training that has taken six steps and stands before it keeps its second checkpoint: it cannot end by itself."""
    words = [*PROGRAM, house / "recipe.yaml", "-o", out, "--data", house / "dataset", "--quiet", "--set", "threads=1"]
    gate = Gate(out.with_name("gate"), "*/checkpoint.pt", at=2)
    going = subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, text=True, env=gate.environment())
    gate.wait(going)
    return going


def test_killed_it_leaves_nothing_running_and_goes_on_with_the_same_losses(
    house: Path, tmp_path: Path, cli: Cli
) -> None:
    import psutil

    going = begun(house, tmp_path / "killed")
    others = psutil.Process(going.pid).children(recursive=True)
    assert others
    os.kill(going.pid, signal.SIGKILL)
    going.wait()
    assert len(read_log(tmp_path / "killed")) == 6
    _, left = psutil.wait_procs(others, timeout=LONG_S)
    assert not left
    for name, ahead in (("killed", 4), ("whole", 0)):
        words = (house / "recipe.yaml", "-o", tmp_path / name, "--data", house / "dataset", "--set", f"ahead={ahead}")
        done = cli("train", *words, "--set", "threads=1")
        assert done.returncode == 0, done.stderr
        assert ("went on after step 3" in done.stdout) == (name == "killed")
    told = [[(row["step"], row["loss"]) for row in read_log(tmp_path / name)] for name in ("killed", "whole")]
    assert told[0] == told[1]
    assert len(told[0]) == 40


def test_interrupted_it_says_so_in_one_line_and_leaves_nothing_running(house: Path, tmp_path: Path) -> None:
    import psutil

    going = begun(house, tmp_path / "out")
    others = psutil.Process(going.pid).children(recursive=True)
    for process in (psutil.Process(going.pid), *others):  # as a terminal does: to all of them
        process.send_signal(signal.SIGINT)
    _, told = going.communicate(timeout=LONG_S)
    assert going.returncode == 130, told
    assert told == "stopped; run the same command again to go on\n"
    assert not psutil.wait_procs(others, timeout=LONG_S)[1]


def test_what_the_maker_of_lessons_cannot_read_is_told_in_one_line(house: Path, tmp_path: Path, cli: Cli) -> None:
    def spoil(tile: TileRecord, samples: list[Sample]) -> tuple[TileRecord, list[Sample]]:
        return replace(tile, frames=tuple(replace(frame, image=b"none") for frame in tile.frames)), samples

    spoilt = changed(house / "dataset", tmp_path / "spoilt", spoil)
    done = cli("train", house / "recipe.yaml", "-o", tmp_path / "out", "--data", spoilt, "--quiet")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: image: not a picture")
    assert done.stderr.count("\n") == 1
