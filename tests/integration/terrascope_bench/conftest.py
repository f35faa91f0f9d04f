"""A small dataset folder of real files, a benchmark built from it, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from benchfactory import write_dataset
from gate import LONG_S


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset", 120, 60)


@pytest.fixture(scope="session")
def bench(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from terrascope_bench.build import build_benchmark

    out = tmp_path_factory.mktemp("bench") / "bench"
    build_benchmark([dataset], out, per_task=24)
    return out


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Path]:
    return write_dataset


Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def cli() -> Cli:
    """Runs `terrascope-bench` as a user does, from another folder."""
    return _command("terrascope_bench")


@pytest.fixture(scope="session")
def cot() -> Cli:
    """Runs `terra-cot` in the same way."""
    return _command("terra_cot")


def _command(pipeline: str) -> Cli:
    def call(*arguments: object, cwd: Path | None = None, timeout: float = LONG_S) -> subprocess.CompletedProcess[str]:
        code = f"from pipelines.{pipeline} import main; main()"
        root = str(Path(__file__).parents[3])
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": root},
            timeout=timeout,
        )

    return call
