"""Imports go one way, and nothing heavy is loaded before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ORDER = ("terra_cot", "terrascope_bench", "pipelines")  # each may import those before it
HEAVY = ("torch", "rasterio", "typer", "numba", "transformers", "datasets", "ray", "sklearn", "xgboost")
KERNEL = ("errors", "mask", "legend", "sample", "tile", "evidence", "facts", "chains", "generate")
STORE = ("store.shards", "store.manifest", "store.atomic")
SCORER = ("answer", "masks", "prediction", "submission", "statistics", "score", "outcome", "judge")


def loaded_by(module: str) -> list[str]:
    code = f"import {module}, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "module",
    [
        "terra_cot",
        "terrascope_bench",
        ", ".join(f"terra_cot.{name}" for name in KERNEL + STORE),
        ", ".join(f"terrascope_bench.{name}" for name in SCORER),
        "terrascope_bench.tasks",
        "terrascope_bench.terrascope, terrascope_bench.terrascope.config, terrascope_bench.terrascope.prompt",
        "terra_cot.errors",
    ],
)
def test_the_kernel_and_the_scorer_load_nothing_heavy(module: str) -> None:
    assert loaded_by(module) == []


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its direction"
            names.add((node.module or "").partition(".")[0])
    return names


FILES = [(package, path) for package in ORDER for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize(("package", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_no_file_imports_upwards(package: str, path: Path) -> None:
    above = set(ORDER[ORDER.index(package) + 1 :])
    assert not imported(path) & (above | {"tests"})


def test_packages_neither_print_nor_exit() -> None:
    """They raise; the command line prints one line and chooses the exit code."""
    for package, path in FILES:
        if package == "pipelines":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "exit", "quit"), f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("sys", "exit"), f"{path}:{node.lineno}"


def test_every_file_begins_with_its_law() -> None:
    for _, path in FILES:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, f"{path} has no docstring"
        assert len(text.splitlines()[0]) > 15, f"{path}: {text.splitlines()[0]}"
