"""`scan` takes a kind with its root or a recipe; what it cannot take it says with the names that there are."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from geofactory import cli_here, rasters_archive


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(rasters_archive(tmp_path / "in", scenes=3, side=64)))
    return path


def refused(*arguments: object) -> str:
    done = cli_here(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.strip().splitlines()
    return line.removeprefix("error: ")


def test_a_recipe_says_where_and_what(recipe: Path, tmp_path: Path) -> None:
    done = cli_here("scan", recipe, "-o", tmp_path / "all.parquet")
    assert done.returncode == 0, done.stderr
    assert "3 scenes read, 3 kept" in done.stdout
    frames = f"source.frames={yaml.safe_load(recipe.read_text())['source']['frames']}"
    given = (frames, "source.licence=CC0-1.0", "source.label='{scene}/labels.tif'", "source.legend=worldcover")
    more = [word for setting in given for word in ("--set", setting)]
    assert cli_here("scan", "rasters", tmp_path / "in", "-o", tmp_path / "kind.parquet", *more).returncode == 0
    assert pq.read_table(tmp_path / "all.parquet") == pq.read_table(tmp_path / "kind.parquet")
    for limit in (("--limit", 2), ("--set", "limit=2")):
        assert cli_here("scan", recipe, "-o", tmp_path / "two.parquet", "--force", *limit).returncode == 0
        assert pq.read_table(tmp_path / "two.parquet").num_rows == 2


def test_several_archives_of_a_recipe(recipe: Path, tmp_path: Path) -> None:
    source = yaml.safe_load(recipe.read_text())["source"]
    rasters_archive(tmp_path / "other", scenes=2, side=64)
    other = source | {"root": str(tmp_path / "other"), "licence": "CC-BY-4.0"}
    recipe.write_text(yaml.safe_dump({"name": "two", "sources": {"a": source, "b": other}}))
    done = cli_here("scan", recipe, "-o", tmp_path / "s.parquet", "-q")
    assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 3, "names that both have are kept once"


def test_what_a_scan_does_not_take(recipe: Path, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "s.parquet")
    line = refused("scan", "bigearthnet", tmp_path, *out, "--set", "seed=1")
    assert line.startswith("--set seed=1: a scan of bigearthnet has the options source.splits, source.sar, ")
    assert "--alignment" in line
    assert refused("scan", "bigearthnet", *out).startswith("give the root of a BigEarthNet archive: terra-cot scan big")
    line = refused("scan", "bigearthnet", tmp_path, *out, "--set", "source.gsd_m=3")
    assert line.startswith("source.gsd_m: unknown key (known: kind, root, splits, sar, ")
    assert f"--set source.root={tmp_path}" in refused("scan", recipe, tmp_path, *out)
    assert "no such recipe" in refused("scan", tmp_path / "absent.yaml", *out)
    assert not (tmp_path / "s.parquet").exists()


def test_a_shipped_recipe_without_its_place(tmp_path: Path) -> None:
    out = ("-o", tmp_path / "out")
    line = "source.root is still the recipe's placeholder 'bigearthnet': --set source.root=/your/archive"
    assert refused("run", "bigearthnet", *out) == line
    assert 'source.rot: unknown key; did you mean "root"?' in refused(
        "run", "bigearthnet", *out, "--set", "source.rot=/a"
    )
    assert "/nowhere: no such folder" in refused("run", "bigearthnet", *out, "--set", "source.root=/nowhere")
    line = refused("run", "terra-cot-1m", *out, "--set", f"sources.bigearthnet.root={tmp_path}")
    assert line.startswith("sources.chatearthnet.root is still the recipe's placeholder")
