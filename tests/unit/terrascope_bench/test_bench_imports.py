"""Import laws in a fresh interpreter: the scorer loads nothing heavy, and no package of this house prints."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "rasterio",
    "typer",
    "scipy",
    "numba",
    "transformers",
    "datasets",
    "cc3d",
    "skimage",
    "sklearn",
    "xgboost",
    "starlette",
    "uvicorn",
)


@pytest.mark.parametrize(
    "module",
    [
        "terrascope_bench",
        "terrascope_bench.score",
        "terrascope_bench.submission",
        "terrascope_bench.run",
        "terrascope_bench.blind",
        "terrascope_bench.review",
    ],
)
def test_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
