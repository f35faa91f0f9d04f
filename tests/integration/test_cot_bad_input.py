"""Broken input through the command line: a recorded drop or one line and exit code 2, and the numbers still add up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import yaml
from account import made
from archives.bigearthnet import S2, bigearthnet_v2
from archives.chatearthnet import NAMES, chatearthnet
from geofactory import box, cli_here, north_up, rasters_archive, write_tiff, xbd_pair
from PIL import Image
from stacfactory import write_cog

PAIR = [(box(20, 20, 12, 8), "no-damage"), (box(60, 50, 20, 14), "destroyed")]
XBD: dict[str, Any] = {"name": "xbd", "source": {"kind": "xbd", "root": ""}, "tile": {"raster": False}}


def cut_off(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


@pytest.mark.parametrize(
    ("share", "header_first"), [(0.0, False), (0.001, False), (0.5, False), (0.97, False), (0.5, True), (0.97, True)]
)
def test_a_tiff_that_was_cut_off(tmp_path: Path, share: float, header_first: bool) -> None:
    """An image costs its date; the rest of its place stays. With its header last (GDAL's habit) it cannot be opened,
    with its header first (a COG) it breaks when tiles are cut."""
    recipe = rasters_archive(tmp_path / "in", scenes=2, side=128)
    path = tmp_path / "in" / "place0" / "S2_2023-08-01.tif"
    if header_first:
        with rasterio.open(path) as dataset:
            pixels, transform = dataset.read(), dataset.transform
        write_cog(path, pixels, transform, 0)
        recipe["source"]["frames"][0]["bands"] = [["B02", "B03", "B04", "B08"]]
    cut_off(path, share)
    dataset = made(recipe, tmp_path / "out")
    assert (dataset.counts["scenes"]["read"], dataset.counts["scenes"]["kept"]) == (2, 2)
    assert dataset.counts["tiles"]["kept"] == 8
    lost = [drop for drop in dataset.drops if drop["reason"] == "unreadable"]
    assert lost
    assert all("S2_2023-08-01.tif" in drop["detail"] and drop["level"] == "frame" for drop in lost)
    shown = {tile.source_id: {frame.frame for frame in tile.frames} for tile in dataset.tiles}
    assert shown["place1"] == {"t0", "t1"}
    assert shown["place0"] in ({"t0"}, {"t0", "t1"})  # what lies before the cut can be read
    assert {drop["stage"] for drop in lost} == {"tile" if header_first else "scan"}
    assert not any("previous exception" in drop["detail"] for drop in lost), "the driver's own words"
    assert not header_first or all("bytes, expected " in drop["detail"] for drop in lost)
    assert sum(len(tile.frames) < 3 for tile in dataset.tiles) == (len(lost) if header_first else 4)


def test_dropped_frames_are_told_wherever_a_dataset_is_summed_up(tmp_path: Path) -> None:
    """Nothing says what the SAR values are: scenes and tiles are kept without them, so that no other count shows it."""
    recipe = rasters_archive(tmp_path / "in", scenes=2, side=128)
    del recipe["source"]["frames"][1]["unit"]
    (tmp_path / "in" / "place1" / "CL_2023-05-01.tif").unlink()
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    out, page = tmp_path / "out", tmp_path / "stats.html"
    done = cli_here("run", tmp_path / "r.yaml", "-o", out)
    assert done.returncode == 0, done.stderr
    line = f"frames dropped: 2 unknown_sar_unit, 1 missing_cloud_mask ({out / 'dropped.jsonl'})"
    assert line in done.stdout.splitlines()
    told = cli_here("stats", out, "--html", page)
    assert line in told.stdout.splitlines()
    assert "Frames dropped: 2 unknown_sar_unit, 1 missing_cloud_mask." in page.read_text()
    assert "Frames dropped: 2 unknown_sar_unit, 1 missing_cloud_mask." in (out / "README.md").read_text()
    assert cli_here("verify", out, "--json").returncode == 0
    for command in (("run", tmp_path / "r.yaml", "-o", out), ("stats", out)):
        found = json.loads(cli_here(*command, "--json").stdout)
        assert found.get("counts", found)["frames_dropped"]["scan"] == {"unknown_sar_unit": 2, "missing_cloud_mask": 1}


def test_a_run_without_a_sample_says_so_and_fails(tmp_path: Path) -> None:
    recipe = rasters_archive(tmp_path / "in", scenes=2, side=128)
    (tmp_path / "in" / "place0" / "labels.tif").unlink()
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    out = tmp_path / "out"
    done = cli_here("run", tmp_path / "r.yaml", "-o", out, "--limit", 1)
    assert done.returncode == 1
    assert "samples: 0" in done.stdout.splitlines()
    line = f"{out}: no sample was made: no_label for 4 of 4 tiles (1 scene without a label map); see why each in "
    assert line + str(out / "dropped.jsonl") in done.stderr
    assert "no place0/labels.tif" in (out / "dropped.jsonl").read_text()
    assert cli_here("verify", out, "--json").returncode == 0, "the tiles are kept"
    again = cli_here("generate", out, "--json", "--quiet")
    assert again.returncode == 1
    assert json.loads(again.stdout)["samples"]["kept"] == 0
    assert len(again.stderr.splitlines()) == 1
    whole = cli_here("run", tmp_path / "r.yaml", "-o", tmp_path / "whole", "--quiet")
    assert (whole.returncode, whole.stderr) == (0, ""), "one place with samples is enough"


def test_a_source_without_label_maps_gives_tiles_and_fails_as_a_run(tmp_path: Path) -> None:
    recipe = rasters_archive(tmp_path / "in", scenes=1, side=128)
    del recipe["source"]["label"], recipe["source"]["legend"]
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    done = cli_here("run", tmp_path / "r.yaml", "-o", tmp_path / "out", "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no_label for 4 of 4 tiles (the source gives no label map)" in done.stderr


def test_a_label_map_that_was_cut_off(tmp_path: Path) -> None:
    recipe = rasters_archive(tmp_path / "in", scenes=2, side=128)
    cut_off(tmp_path / "in" / "place0" / "labels.tif", 0.5)
    dataset = made(recipe, tmp_path / "out")
    dropped = {drop["item"][:6] for drop in dataset.drops if drop["level"] == "tile" and drop["reason"] == "unreadable"}
    assert dropped == {"place0"}
    assert dataset.counts["tiles"]["read"] == 8
    assert "place1" in {tile.source_id for tile in dataset.tiles}


def test_an_archive_of_nothing_but_broken_files_is_one_line(tmp_path: Path) -> None:
    recipe = rasters_archive(tmp_path / "in", scenes=1, side=64)
    for path in (tmp_path / "in").rglob("S*.tif"):
        path.write_bytes(b"II*\0")
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    done = cli_here("run", tmp_path / "r.yaml", "-o", tmp_path / "out", "--quiet")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "no scene is left" in done.stderr


@pytest.mark.parametrize(
    ("wkt", "reason"),
    [
        ("POLYGON ((1 2, 3 4))", "bad_polygon"),
        ("POLYGON ((1 2, 3 4, 1 2))", "bad_polygon"),
        ("LINESTRING (1 2, 3 4)", "bad_polygon"),
    ],
)
def test_a_polygon_of_two_points(tmp_path: Path, wkt: str, reason: str) -> None:
    """A building cannot be left out of a damage map: its pair goes, with its file, row and field."""
    root = xbd_pair(tmp_path / "in", PAIR, name="storm_00000001")
    xbd_pair(root, PAIR, name="storm_00000002")
    (path,) = root.glob("train/labels/storm_00000001_post_disaster.json")
    document = json.loads(path.read_text())
    document["features"]["xy"][1]["wkt"] = wkt
    path.write_text(json.dumps(document))
    dataset = made(XBD, tmp_path / "out", root)
    assert dataset.counts["scenes"] == {"read": 2, "kept": 1, "dropped": {reason: 1}}
    (drop,) = [drop for drop in dataset.drops if drop["stage"] == "scan"]
    assert drop["item"] == "storm_00000001"
    assert all(word in drop["detail"] for word in ("storm_00000001_post_disaster.json", "1", "xy"))


def test_dates_in_the_wrong_order(tmp_path: Path) -> None:
    """Of a pair, before and after mean something: it goes. A series is sorted, by its dates and not by its names."""
    root = xbd_pair(tmp_path / "in", PAIR, name="storm_00000001")
    xbd_pair(root, PAIR, name="storm_00000002")
    (path,) = root.glob("train/labels/storm_00000002_pre_disaster.json")
    document = json.loads(path.read_text())
    document["metadata"]["capture_date"] = "2022-01-01T00:00:00.000Z"
    path.write_text(json.dumps(document))
    dataset = made(XBD, tmp_path / "pairs", root)
    assert dataset.counts["scenes"]["dropped"] == {"dates_out_of_order": 1}

    image = np.random.default_rng(0).integers(300, 2000, (3, 64, 64)).astype(np.uint16)
    for name, date in (("a", "2023-09-01T10:00:00Z"), ("b", "2023-03-01T10:00:00Z"), ("c", "2023-06-01T10:00:00Z")):
        path = tmp_path / "series" / f"{name}.tif"
        write_tiff(path, image, north_up(400000, 5400000, 10), bands=("B02", "B03", "B04"), date=date)
    frames = [{"modality": "optical", "files": [f"{name}.tif"]} for name in "abc"]
    source = {"kind": "rasters", "root": str(tmp_path / "series"), "frames": frames}
    (tile,) = made({"name": "series", "source": source}, tmp_path / "sorted").tiles
    assert [(frame.frame, (frame.datetime or "")[5:7]) for frame in tile.frames] == [
        ("t0", "03"),
        ("t1", "06"),
        ("t2", "09"),
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ben") / "in"
    return bigearthnet_v2(root)


@pytest.fixture
def archive(whole: Path, tmp_path: Path) -> Path:
    """A copy of four patches that a test may break."""
    shutil.copytree(whole, tmp_path / "in")
    return tmp_path / "in"


def test_a_patch_that_is_there_twice(archive: Path, tmp_path: Path) -> None:
    """In two folders: the first in order stays, and the other is named."""
    other = archive / "BigEarthNet-S2" / "S2A_MSIL2A_20170701T093031_N9999_R136_T35VNK"
    shutil.copytree(archive / "BigEarthNet-S2" / S2 / f"{S2}_10_20", other / f"{S2}_10_20")
    dataset = made("bigearthnet", tmp_path / "out", archive)
    assert dataset.counts["scenes"] == {"read": 5, "kept": 4, "dropped": {"duplicate_scene": 1}}
    assert dataset.reasons("scene") == {f"{S2}_10_20": "duplicate_scene"}


def more_rows(archive: Path, change: dict[str, Any]) -> None:
    """A second row of the first patch in the table."""
    table = pq.read_table(archive / "metadata.parquet")
    row = {**table.slice(0, 1).to_pylist()[0], **change}
    pq.write_table(
        pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)]), archive / "metadata.parquet"
    )


def test_a_patch_that_two_rows_tell_apart(archive: Path, tmp_path: Path) -> None:
    """Which split it is in nobody can tell: the last row once won without a word."""
    more_rows(archive, {"split": "test"})
    dataset = made("bigearthnet", tmp_path / "out", archive)
    assert dataset.counts["scenes"] == {"read": 4, "kept": 3, "dropped": {"duplicate_metadata": 1}}
    (drop,) = [drop for drop in dataset.drops if drop["level"] == "scene"]
    assert drop["item"] == f"{S2}_10_20"
    assert "test" in drop["detail"]
    assert "train" in drop["detail"]


def test_a_row_that_is_there_twice_says_nothing_new(archive: Path, tmp_path: Path) -> None:
    more_rows(archive, {})
    assert made("bigearthnet", tmp_path / "out", archive).counts["scenes"]["kept"] == 4


def test_a_label_map_larger_than_its_imagery(tmp_path: Path) -> None:
    """On the ground it is cut to the image, pixel for pixel; without a place nobody knows which part is meant."""
    recipe = rasters_archive(tmp_path / "in", scenes=1, side=128)
    path = tmp_path / "in" / "place0" / "labels.tif"
    with rasterio.open(path) as dataset:
        codes, transform = dataset.read(1), dataset.transform
    large = np.pad(codes, 40, constant_values=80)
    large[:3] = 30
    path.unlink()
    write_tiff(path, large, transform @ transform.translation(-40, -40), nodata=0)
    found = made({**recipe, "tile": {"size_px": 128}}, tmp_path / "ground")
    (tile,) = found.tiles
    np.testing.assert_array_equal(tile.label_array(), codes)

    root = chatearthnet(tmp_path / "cen")
    Image.fromarray(np.full((300, 300), 10, np.uint8)).save(root / "worldcover" / NAMES[0])
    dataset = made("chatearthnet", tmp_path / "pictures", root)
    assert dataset.counts["scenes"]["read"] == 3
    assert {drop["reason"] for drop in dataset.drops if drop["stage"] == "scan" and NAMES[0][:9] in drop["item"]} == {
        "wrong_size"
    }


def test_unknown_class_codes(tmp_path: Path) -> None:
    """The tile goes with the codes named, and the others stay; the wrong legend for all of them ends the run."""
    recipe = rasters_archive(tmp_path / "in", scenes=1, side=128)
    path = tmp_path / "in" / "place0" / "labels.tif"
    with rasterio.open(path, "r+") as dataset:
        codes = dataset.read(1)
        codes[3, 100] = 77
        dataset.write(codes, 1)
    found = made(recipe, tmp_path / "out")
    assert found.counts["tiles"] == {
        "read": 4,
        "kept": 3,
        "dropped": {"unknown_label_code": 1},
        "by_split": {"train": 3},
    }
    (drop,) = [drop for drop in found.drops if drop["level"] == "tile"]
    assert (drop["item"], "77" in drop["detail"]) == ("place0_r000_c001", True)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    settings = ("--set", "source.legend=deepglobe-road", "--quiet")
    done = cli_here("run", tmp_path / "r.yaml", "-o", tmp_path / "none", *settings)
    assert done.returncode == 2
    assert "no tile is left (4 unknown_label_code)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
