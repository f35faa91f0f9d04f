"""Temporal samples through the command line: the world's series and pairs, real damage, and what verify finds."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from geofactory import cli, cli_here, north_up, reflectance, write_tiff
from geofactory import noise as texture

from terra_cot.mask import decode, encode
from terra_cot.store.shards import SAMPLES, TILES, Table, read_rows, write_part

Row = dict[str, Any]
NONE = {"res": 0, "caption": 0, "l1_min": 0, "l1_max": 0, "l2_min": 0, "l2_max": 0}
TEMPORAL = {**NONE, "temporal_min": 9, "temporal_max": 9, "sensor_share": 1.0}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("temporal")
    assert cli("world", folder / "w", "--scenes", "3", "--pairs", "2", "--size-px", "512", "--quiet").returncode == 0
    recipe = {
        "name": "t",
        "source": {"kind": "world", "root": str(folder / "w")},
        "tile": {"size_px": 256, "cloud": {"reflectance": {"scale": 0.0001, "level": "surface"}}},
        "generate": TEMPORAL,
        "part_tiles": 64,
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(recipe))
    done = cli("run", folder / "r.yaml", "-o", folder / "d", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


def samples(folder: Path) -> list[Row]:
    return [row for path in SAMPLES.parts(folder) for row in read_rows(path, SAMPLES)]


def tiles(folder: Path) -> list[Row]:
    return [row for path in TILES.parts(folder) for row in read_rows(path, TILES)]


def test_the_world_gives_every_kind_that_it_holds_and_verifies(world: Path) -> None:
    rows = samples(world / "d")
    assert {row["task"] for row in rows} >= {
        "building_damage", "damage_grades", "flood_extent", "clearing", "urban_growth", "what_changed", "first_seen",
        "permanence",
    }  # fmt: skip
    done = cli("verify", world / "d", "--json")
    assert done.returncode == 0, done.stdout
    for row in rows:
        assert re.findall(r"Image: (t\d+) \[SEG\]", row["chain"]) == [mask["frame"] for mask in row["masks"]]
        assert row["chain"].count("[SEG]") == len(row["masks"])
    shown = {tuple(sorted({frame["modality"] for frame in row["frames"]})) for row in rows}
    assert shown >= {("sar",), ("optical", "sar")}


def test_the_world_s_maps_are_those_of_its_dates(world: Path) -> None:
    """A tile has a map on every date, and the maps differ only by the events that the world wrote down."""
    events = {scene["name"]: scene["changes"] for scene in json.loads((world / "w/world.json").read_bytes())["scenes"]}
    for row in tiles(world / "d"):
        if row["legend"] == "worldcover":
            assert [entry["frame"] for entry in row["label_series"]] == ["t1", "t2", "t3"]
        else:
            assert row["label_series"] is None
    floods = [name for name, found in events.items() if any(change["kind"] == "flood" for change in found)]
    answers = {row["answer"] for row in samples(world / "d") if row["task"] == "permanence"}
    assert floods
    assert "permanent change" in answers | {"cannot be told from this series"}


def test_two_workers_give_the_same_bytes(world: Path) -> None:
    done = cli("run", world / "r.yaml", "-o", world / "again", "--workers", "2", "--quiet")
    assert done.returncode == 0
    for path in SAMPLES.parts(world / "d"):
        assert path.read_bytes() == (world / "again" / "samples" / path.name).read_bytes()


@pytest.fixture
def dataset(world: Path, tmp_path: Path) -> Path:
    shutil.copytree(world / "d", tmp_path / "d", ignore=shutil.ignore_patterns(".progress"))
    return tmp_path / "d"


def rewrite(folder: Path, table: Table, edit: Callable[[list[Row]], Any]) -> Any:
    """Alter rows of part 0 and mend checksum, size and rows in the manifest."""
    rows = list(read_rows(table.part(folder, 0), table))
    altered = edit(rows)
    part = write_part(folder, table, 0, rows)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["parts"] = [asdict(part) if entry["path"] == part.path else entry for entry in manifest["parts"]]
    path.write_text(json.dumps(manifest))
    return altered


def of(rows: list[Row], task: str) -> Row:
    return next(row for row in rows if row["task"] == task)


def wider_mask(rows: list[Row]) -> Row:
    row = of(rows, "first_seen")
    mask = row["masks"][-1]
    pixels = decode(mask["size"], mask["counts"])
    pixels[0, :9] ^= True
    mask["counts"] = encode(pixels)
    return row


def other_date(rows: list[Row]) -> Row:
    """A flood moved to a date that did not see it: in chain, question, masks and images, all of them."""
    row = next(row for row in rows if row["task"] == "flood_extent" and not row["answer"].startswith("No"))
    seen, since = row["masks"][1]["frame"], row["masks"][0]["frame"]
    moved = next(name for name in ("t1", "t2", "t3") if name not in (seen, since))
    for entry in (*row["masks"], *row["frames"]):
        entry["frame"] = moved if entry["frame"] == seen else entry["frame"]
    for item in row["evidence"]:
        item["fact"] = item["fact"].replace(f"@{seen}", f"@{moved}")
    for name in ("chain", "question"):
        row[name] = re.sub(rf"\b{seen}\b", moved, row[name])
    return row


def shorter_series(rows: list[Row]) -> Row:
    """The last date hidden: a flood would look as if it had stayed."""
    row = of(rows, "first_seen")
    last = row["masks"].pop()["frame"]
    row["frames"] = [frame for frame in row["frames"] if frame["frame"] != last]
    row["evidence"] = [item for item in row["evidence"] if len(row["masks"]) not in item["masks"]]
    head, _, tail = row["chain"].rpartition(f"; Image: {last} [SEG]")
    row["chain"] = head + tail[tail.index(".") :]
    return row


def other_answer(rows: list[Row]) -> Row:
    row = of(rows, "permanence")
    row["answer"] = next(option for option in row["options"] if option != row["answer"])
    return row


def other_change(rows: list[Row]) -> Row:
    row = of(rows, "clearing")
    row["evidence"][2]["value"] += 100.0
    return row


def one_image_less(rows: list[Row]) -> Row:
    row = next(row for row in rows if row["task"] == "permanence" and len(row["frames"]) > 4)
    row["frames"] = [frame for frame in row["frames"] if frame["modality"] == "sar"]
    return row


def destroyed(rows: list[Row]) -> Row:
    row = of(rows, "damage_grades")
    row["evidence"][-1]["value"] += 1.0
    return row


@pytest.mark.parametrize(
    "edit", [wider_mask, other_date, shorter_series, other_answer, other_change, one_image_less, destroyed]
)
def test_verify_names_the_altered_sample(dataset: Path, edit: Callable[[list[Row]], Row]) -> None:
    row = rewrite(dataset, SAMPLES, edit)
    done = cli_here("verify", dataset, "--json")
    assert done.returncode == 1
    assert row["sample_id"] in {problem["row"] for problem in json.loads(done.stdout)["problems"]}


def test_verify_names_a_label_map_of_another_date(dataset: Path) -> None:
    def swap(rows: list[Row]) -> Row:
        row = next(
            row
            for row in rows
            if row["label_series"]
            and row["label_series"][0]["label"]["bytes"] != row["label_series"][-1]["label"]["bytes"]
        )
        first, *_, last = row["label_series"]
        first["label"], last["label"] = last["label"], first["label"]
        return row

    row = rewrite(dataset, TILES, swap)
    done = cli_here("verify", dataset, "--json")
    found = json.loads(done.stdout)["problems"]
    assert done.returncode == 1
    assert any(str(problem["row"]).startswith(row["tile_id"]) for problem in found)


def test_roads_of_two_dates_through_rasters(tmp_path: Path) -> None:
    """Road maps by {date}: background is ground that counts, a new road is measured, and all of it verifies."""
    place = north_up(400000, 5400000, 1.0)
    for number, date in enumerate(("2020-05-01", "2024-05-01")):
        stack = np.stack([reflectance(texture(3 + band, 128, 128)) for band in range(3)])
        write_tiff(tmp_path / f"a_{date}.tif", stack, place, bands=("B04", "B03", "B02"))
        roads = np.zeros((128, 128), np.uint8)
        roads[40:44] = 1
        if number:
            roads[:, 100:104] = 1
        write_tiff(tmp_path / f"roads_a_{date}.tif", roads, place)
    source = {
        "kind": "rasters", "root": str(tmp_path), "legend": "deepglobe-road", "label": "roads_{scene}_{date}.tif",
        "frames": [{"modality": "optical", "files": ["{scene}_{date}.tif"]}],
    }  # fmt: skip
    recipe = {
        "name": "roads",
        "source": source,
        "tile": {"size_px": 128},
        "generate": {**TEMPORAL, "negative_share": 0},
    }
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    done = cli("run", tmp_path / "r.yaml", "-o", tmp_path / "d", "--quiet")
    assert done.returncode == 0, done.stderr
    (row,) = samples(tmp_path / "d")
    assert (row["task"], row["answer"]) == ("road_change", f"{(128 - 4) * 4:,} m2")
    assert cli("verify", tmp_path / "d").returncode == 0


@pytest.mark.skipif(
    "TERRA_COT_TEST_DATA" not in os.environ, reason="real labels: set TERRA_COT_TEST_DATA to the folder of xbd-labels"
)
def test_damage_of_a_real_pair(tmp_path: Path) -> None:
    """The label files of a Joplin pair, with images made here: the publisher's ship no pixels with them."""
    from PIL import Image

    name = "joplin-tornado_00000050"
    given = Path(os.environ["TERRA_COT_TEST_DATA"]) / "xbd-labels"
    for folder in ("labels", "images"):
        (tmp_path / "x" / "train" / folder).mkdir(parents=True)
    for when in ("pre", "post"):
        shutil.copy(given / f"{name}_{when}_disaster.json", tmp_path / "x/train/labels")
        rgb = np.random.default_rng(len(when)).integers(0, 255, (1024, 1024, 3), np.uint8)
        Image.fromarray(rgb).save(tmp_path / "x/train/images" / f"{name}_{when}_disaster.png")
    recipe = {"name": "x", "source": {"kind": "xbd", "root": str(tmp_path / "x")}, "generate": TEMPORAL}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    done = cli("run", tmp_path / "r.yaml", "-o", tmp_path / "d", "--quiet")
    assert done.returncode == 0, done.stderr
    rows = {row["task"]: row for row in samples(tmp_path / "d")}
    grades = [feature["properties"]["subtype"] for feature in json.loads(
        (given / f"{name}_post_disaster.json").read_bytes())["features"]["xy"]]  # fmt: skip
    counts = {item["masks"][0]: item["value"] for item in rows["damage_grades"]["evidence"]}
    labels = [mask["label"] for mask in rows["damage_grades"]["masks"]]
    stated = dict(zip(labels, (counts[at] for at in range(len(labels))), strict=True))
    # A building smaller than a pixel, or wholly under a neighbour, leaves no region.
    assert 0.97 * len(grades) <= stated["building"] <= len(grades)
    assert 0.97 * grades.count("destroyed") <= stated["destroyed building"] <= grades.count("destroyed")
    assert cli("verify", tmp_path / "d").returncode == 0
