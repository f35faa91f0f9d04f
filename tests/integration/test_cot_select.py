"""Through the real command line: splits by place, copies left out, shares met, benchmarks kept out of training."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from geofactory import cli, cli_here, rasters_archive

from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terrascope_bench.build import build_benchmark


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Six scenes, 54 tiles of 640 m, 20 km apart; the last is a copy of the first under another name and place."""
    recipe = rasters_archive(tmp_path_factory.mktemp("archive") / "data", scenes=6)
    root = Path(recipe["source"]["root"])
    shutil.copytree(root / "place0", root / "place6")
    return recipe | {"part_tiles": 4}


def run(folder: Path, recipe: dict[str, Any], *more: object, code: int = 0) -> str:
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    done = cli_here("run", path, "-o", folder / "out", "--quiet", *more)
    assert done.returncode == code, done.stderr
    return done.stderr


def rows(folder: Path, table: Any) -> list[dict[str, Any]]:
    return [row for path in table.parts(folder) for row in read_rows(path, table)]


def manifest(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return body


def test_a_copy_gives_no_samples_and_says_of_what(archive: dict[str, Any], tmp_path: Path) -> None:
    run(tmp_path, archive)
    out = tmp_path / "out"
    dropped = [json.loads(line) for line in (out / "dropped.jsonl").read_bytes().splitlines()]
    copies = [drop for drop in dropped if drop["reason"] == "near_duplicate"]
    assert [drop["item"] for drop in copies] == [f"place6_r{r:03d}_c{c:03d}" for r in range(3) for c in range(3)]
    assert copies[0]["detail"] == "shows what place0_r000_c000 shows"
    assert not any(row["tile_id"].startswith("place6") for row in rows(out, SAMPLES))
    annotated = manifest(out)["counts"]["annotated_tiles"]
    assert annotated["read"] == annotated["kept"] + sum(annotated["dropped"].values()) == 63
    assert cli_here("verify", out, "--quiet").returncode == 0

    assert cli_here("generate", out, "--set", "near_duplicate_bits=null", "--quiet").returncode == 0
    assert any(row["tile_id"].startswith("place6") for row in rows(out, SAMPLES))


def test_splits_by_place_share_no_ground(archive: dict[str, Any], tmp_path: Path) -> None:
    splits = {"shares": {"train": 0.5, "test": 0.5}, "cell_km": 2.0, "gap_km": 0.7}
    run(tmp_path, archive | {"splits": splits})
    out = tmp_path / "out"
    tiles = rows(out, TILES)
    counts = manifest(out)["counts"]["tiles"]
    assert set(counts["by_split"]) == {"train", "test"}
    assert counts["read"] == counts["kept"] + sum(counts["dropped"].values())
    for train in (tile for tile in tiles if tile["split"] == "train"):
        for test in (tile for tile in tiles if tile["split"] == "test"):
            if train["transform"][5] == test["transform"][5] or train["crs"] == test["crs"]:
                east, north = (abs(train["transform"][at] - test["transform"][at]) for at in (2, 5))
                assert max(east, north) >= 640 + 690
    assert {row["split"] for row in rows(out, SAMPLES)} == {"train", "test"}
    assert cli_here("verify", out, "--quiet").returncode == 0
    refused = cli_here("generate", out, "--set", "seed=5", "--quiet")
    assert refused.returncode == 2
    assert "the splits of these tiles were dealt with seed 0" in refused.stderr


def test_a_mixture_is_met_whatever_the_workers(archive: dict[str, Any], tmp_path: Path) -> None:
    mix = {
        "samples": 120,
        "tiers": {"res": 0.4, "caption": 0.2, "l1": 0.4},
        "modality": {"optical": 0.5, "sar": 0.25, "optical+sar": 0.25},
        "classes": "balanced",
    }
    made = []
    for workers in (1, 2):
        folder = tmp_path / str(workers)
        folder.mkdir()
        run(folder, archive | {"mix": mix}, "--workers", workers)
        made.append({path.name: path.read_bytes() for path in SAMPLES.parts(folder / "out")})
    assert made[0] == made[1]
    out = tmp_path / "1/out"
    found = rows(out, SAMPLES)
    assert len(found) == 120
    report = manifest(out)["mix"]
    assert report["scarce"] == []
    assert report["taken"] == 120
    tiers = Counter(row["tier"] for row in found)
    assert {tier: number / 120 for tier, number in tiers.items()} == pytest.approx(mix["tiers"], abs=0.0101)
    shown = Counter("+".join(sorted({frame["modality"] for frame in row["frames"]})) for row in found)
    assert {name: number / 120 for name, number in shown.items()} == pytest.approx(mix["modality"], abs=0.0101)
    assert cli_here("verify", out, "--quiet").returncode == 0


def test_what_is_scarce_is_told_at_the_terminal(archive: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(archive | {"mix": {"samples": 100, "tasks": {"area": 0.5, "counting": 0.5}}}))
    done = cli("run", path, "-o", tmp_path / "out", "--limit", 1)
    assert done.returncode == 0, done.stderr
    assert "scarce: samples: asked 100, got" in done.stdout + done.stderr


def test_a_benchmark_is_kept_out_of_training(archive: dict[str, Any], tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.mkdir()
    run(held, archive | {"source": archive["source"] | {"split": "test"}}, "--limit", 2)
    build_benchmark([held / "out"], tmp_path / "bench", per_task=4)
    message = run(tmp_path, archive | {"held_out": [str(tmp_path / "bench")]}, code=2)
    assert "training tiles show what the benchmark" in message
    assert "place0_r" in message
    assert not (tmp_path / "out/manifest.json").exists()
    absent = run(tmp_path, archive | {"held_out": [str(tmp_path / "nothing")]}, "--force", code=2)
    assert "places.parquet" in absent
