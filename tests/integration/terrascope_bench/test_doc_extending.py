"""docs/extending.md is true: its files, saved and registered as written, are a source, a metric and a model."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import geofactory as geo
import numpy as np
import pytest
from docpages import blocks
from terminal import call

from terra_cot import sources
from terra_cot.sources import SOURCES
from terrascope_bench.models import MODELS, Entry
from terrascope_bench.run import run_model
from terrascope_bench.score import score
from terrascope_bench.scorecard.rows import METRICS

PAGE = "extending.md"
FILES = {block.said: block for block in blocks(PAGE) if block.mark == "file:"}
LINES = [block.text for block in blocks(PAGE) if block.mark == "code"]


def saved(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_text(FILES[name].text, encoding="utf-8")
    return path


def line(holds: str) -> str:
    """The line of a registry that the page shows."""
    (found,) = [text for text in LINES if holds in text]
    return found


def test_every_block_of_the_page_is_run_here() -> None:
    assert set(FILES) == {"mine_source.py", "mine.py"}
    assert len(LINES) == 3
    rest = [block for block in blocks(PAGE) if not block.mark]
    assert [block.language for block in rest] == ["sh"]


def test_the_source_of_the_page_is_scanned_and_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved("mine_source.py", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("mine_source")
    name, place = next(iter(eval(f"{{{line('terra_cot.sources.')}}}").items()))
    monkeypatch.setitem(sys.modules, place, module)
    monkeypatch.setitem(SOURCES, name, place)
    archive = tmp_path / "archive"
    for number, scene in enumerate(("alps", "baltic")):
        pixels = np.stack([geo.reflectance(geo.noise(number + band, 300, 300)) for band in range(3)])
        at = geo.north_up(500_000 + 9000 * number, 5_000_000, 10)
        geo.write_tiff(archive / f"{scene}.tif", pixels, at, bands=("B02", "B03", "B04"))
        geo.write_tiff(archive / f"{scene}_label.tif", geo.mosaic(number, 300, 300), at)
    geo.write_tiff(archive / "crete.tif", pixels, at)
    done = call("terra-cot", "scan", name, archive, "-o", tmp_path / "scenes.parquet", "--json")
    assert done.returncode == 0, done.stderr
    found = list(sources.scan(name, archive))
    assert [getattr(entry, "scene_id", None) or entry.reason for entry in found] == ["alps", "baltic", "missing_label"]
    with pytest.raises(Exception, match="not my archive"):
        list(sources.scan(name, tmp_path))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"name: mine\nsource:\n  kind: {name}\n  root: {archive}\n")
    done = call("terra-cot", "run", recipe, "-o", tmp_path / "out", "--quiet")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "out/manifest.json").read_bytes())
    assert manifest["counts"]["tiles"]["kept"] == 2


def test_the_metric_of_the_page_is_in_the_scorecard(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (name, metric), *_ = eval(f"{{{line('known_right')}}}").items()
    monkeypatch.setitem(METRICS, name, metric)
    run_model("gold", bench, tmp_path / "gold.jsonl")
    card = score(tmp_path / "gold.jsonl", bench).card
    assert card["overall"]["macro"][name]["value"] == 1.0


def test_the_runner_of_the_page_runs_as_it_says(bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved("mine.py", tmp_path)
    command = next(block.text for block in blocks(PAGE) if block.language == "sh").split()
    (tmp_path / "bench").symlink_to(bench)
    monkeypatch.chdir(tmp_path)
    done = call(command[0], *command[1:], "--quiet")
    assert done.returncode == 0, done.stderr
    assert call("terrascope-bench", "validate", "mine.jsonl", "--bench", "bench").returncode == 0
    lines = [json.loads(text) for text in Path("mine.jsonl").read_text().splitlines()]
    assert {text["answer"] for text in lines} == {"A"}
    assert len(lines) == score(tmp_path / "mine.jsonl", bench).card["benchmark"]["n"] > 20
    # The same file, shipped: its line in the registry.
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), "mine.py", "exec"), space)
    (name, entry), *_ = eval(f"{{{line('Entry(')}}}", {"Entry": Entry, "Mine": space["Mine"]}).items()
    monkeypatch.setitem(MODELS, name, entry)
    assert run_model(name, bench, tmp_path / "shipped.jsonl").errors == {}
    assert (tmp_path / "shipped.jsonl").read_bytes() == (tmp_path / "mine.jsonl").read_bytes()
