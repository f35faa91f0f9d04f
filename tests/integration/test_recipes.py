"""Every shipped recipe is valid, and those that join or shape archives give what they promise, on the world's truth."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from archives import bigearthnet
from archives.chatearthnet import chatearthnet
from archives.deepglobe_road import deepglobe_road
from geofactory import cli_here

from pipelines.recipes import recipe_path, shipped
from terra_cot.recipe import load_recipe
from terra_cot.sources import source
from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terra_cot.world import WorldConfig, write_world

SHIPPED = tuple(shipped())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_is_valid_to_its_sources_too(name: str) -> None:
    recipe = load_recipe(recipe_path(name))
    assert recipe.name == name
    for spec in recipe.archives():
        source(spec.kind).options.model_validate(spec.options())


def test_the_recipes_that_users_ask_for_are_there() -> None:
    promised = {"demo", "bigearthnet", "chatearthnet", "xbd", "terra-cot-1m", "stac-sentinel"}
    assert promised | {"flood-response", "deforestation", "safe", "deepglobe-road"} <= set(SHIPPED)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world") / "world"
    write_world(root, WorldConfig(scenes=4, size_px=512, pairs=3, pair_size_px=512, cloud_cover=0.0))
    return root


@pytest.fixture(scope="module")
def places(world: Path) -> Path:
    """The world's places in the layout that flood-response and deforestation ask for."""
    root = world.parent / "places"
    for scene in sorted((world / "scenes").iterdir()):
        folder = root / scene.name
        folder.mkdir(parents=True)
        for path in scene.glob("S2_*_10m.tif"):
            os.link(path, folder / path.name.replace("_10m", ""))
        for path in scene.glob("S1_*.tif"):
            os.link(path, folder / path.name)
        for path in (world / "truth" / scene.name).glob("labels_*.tif"):
            os.link(path, folder / path.name.replace("labels_", "landcover_"))
    return root


def run(name: str, out: Path, *settings: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The manifest and the samples of a verified run of a shipped recipe."""
    done = cli_here("run", name, "-o", out, "--quiet", *(f"--set={setting}" for setting in settings))
    assert done.returncode == 0, done.stderr
    checked = cli_here("verify", out, "--quiet")
    assert checked.returncode == 0, checked.stderr
    samples = [row for path in SAMPLES.parts(out) for row in read_rows(path, SAMPLES)]
    return json.loads((out / "manifest.json").read_bytes()), samples


@pytest.mark.parametrize(("name", "task"), [("flood-response", "flood_extent"), ("deforestation", "clearing")])
def test_changes_of_the_world_are_told_over_its_dates(name: str, task: str, places: Path, tmp_path: Path) -> None:
    manifest, samples = run(name, tmp_path / "out", f"source.root={places}")
    tasks = Counter(row["task"] for row in samples)
    assert tasks[task] > 0
    assert tasks["permanence"] > 0
    told = [row for row in samples if row["task"] == task]
    assert all("Image: t" in row["chain"] for row in told if row["masks"])
    assert len({row["answer"].split()[0] for row in told}) > 1, "some changes happened, some did not"
    for group, share in manifest["mix"]["shares"]["task"].items():
        missed = any(line.startswith(f"task {group}:") for line in manifest["mix"]["scarce"])
        assert missed or abs((share["taken"] or 0) - share["asked"]) <= max(0.01, 1 / manifest["mix"]["taken"])


def test_damage_is_counted_in_pairs(world: Path, tmp_path: Path) -> None:
    _, samples = run("xbd", tmp_path / "out", f"source.root={world / 'disaster'}")
    assert {row["task"] for row in samples} <= {"building_damage", "damage_grades"}
    assert {tuple(sorted({frame["frame"] for frame in row["frames"]})) for row in samples} == {("t0", "t1")}


def test_a_million_in_one_file_on_a_trial_of_every_archive(world: Path, tmp_path: Path) -> None:
    """Small archives of four publishers in one run: all of them give tiles, and the shares are met or named."""
    roots = {
        "bigearthnet": bigearthnet.bigearthnet_v2(tmp_path / "ben"),
        "chatearthnet": chatearthnet(tmp_path / "cen"),
        "xbd": world / "disaster",
        "deepglobe": deepglobe_road(tmp_path / "roads"),
    }
    settings = [f"sources.{name}.root={root}" for name, root in roots.items()]
    manifest, samples = run("terra-cot-1m", tmp_path / "out", *settings, "mix.samples=60", "near_duplicate_bits=null")
    tiles = [row for path in TILES.parts(tmp_path / "out") for row in read_rows(path, TILES, ["source", "split"])]
    assert {row["source"] for row in tiles} == {"bigearthnet", "chatearthnet", "xbd", "deepglobe-road"}
    assert {entry["source"] for entry in manifest["sources"]} == {row["source"] for row in tiles}
    assert {row["tier"] for row in samples} <= {"caption", "l1", "l2_spatial", "l2_semantic"}
    assert len(samples) == manifest["mix"]["taken"]
    assert manifest["mix"]["taken"] == 60 or any(
        line.startswith("samples: asked 60") for line in manifest["mix"]["scarce"]
    )


def test_one_source_or_several_never_both(tmp_path: Path) -> None:
    done = cli_here("run", "terra-cot-1m", "-o", tmp_path / "out", "--set", "source.kind=xbd", "--set", "source.root=x")
    assert done.returncode == 2
    assert "give `source`, or several by name under `sources`" in done.stderr
