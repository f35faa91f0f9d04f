"""Sentinel-2 and Sentinel-1 as ESA packs them, by the shipped recipe and the command line; broken files too."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from archives.safe import SIDE, safe_archive, sentinel2, world
from geofactory import cli, cli_here
from rasterio.io import MemoryFile

from terra_cot.world import WorldScene

BAND = "S2A_MSIL2A_20230706*.SAFE/GRANULE/*/IMG_DATA/R10m/*_B03_10m.jp2"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, WorldScene]:
    root = tmp_path_factory.mktemp("safe") / "sentinel"
    return root, safe_archive(root)


def run(root: Path, out: Path, *settings: str, recipe: str = "safe", labelled: bool = True) -> dict[str, Any]:
    more = [part for setting in settings for part in ("--set", setting)]
    done = cli_here("run", recipe, "--set", f"source.root={root}", *more, "-o", out, "--quiet")
    assert (done.returncode, "no label map" in done.stderr) == ((0, False) if labelled else (1, True)), done.stderr
    assert len(done.stderr.splitlines()) == int(not labelled)
    checked = cli_here("verify", out, "--json")
    assert checked.returncode == 0, checked.stdout
    counts: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())["counts"]
    return counts


def frames(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    (tile,) = pq.read_table(out / "tiles").to_pylist()
    return {(frame["frame"], frame["modality"]): frame for frame in tile["frames"]}


def raster(frame: dict[str, Any]) -> tuple[Any, tuple[float, float, str]]:
    with MemoryFile(frame["raster"]["bytes"]) as memory, memory.open() as dataset:
        return dataset.read(), (dataset.scales[0], dataset.offsets[0], dataset.units[0])


def drops(out: Path) -> list[tuple[str, str]]:
    lines = (out / "dropped.jsonl").read_text().splitlines()
    return [(drop["item"], drop["reason"]) for drop in map(json.loads, lines)]


def test_from_end_to_end(archive: tuple[Path, WorldScene], tmp_path: Path) -> None:
    root, scene = archive
    counts = run(root, tmp_path / "out")
    assert (counts["scenes"]["kept"], counts["tiles"]["kept"]) == (1, 1)
    found = frames(tmp_path / "out")
    assert [(name, frame["datetime"]) for (name, _), frame in sorted(found.items())] == [
        ("t0", "2023-04-12T10:10:31Z"),
        ("t0", "2023-04-12T05:18:41Z"),
        ("t1", "2023-07-06T10:10:31Z"),
    ]
    # One baseline without the 1000, one with it: both are reflectance x 10000, exactly.
    for number in range(2):
        pixels, meaning = raster(found[f"t{number}", "optical"])
        assert meaning == (0.0001, 0.0, "reflectance")
        if not any(found[f"t{number}", "optical"]["shift_px"]):
            np.testing.assert_array_equal(pixels[:4], scene.optical_10m[number])
        cloud = found[f"t{number}", "optical"]["cloud_fraction"]
        assert cloud == pytest.approx((scene.cloud[number] > 0).mean(), abs=0.01)
    decibel, meaning = raster(found["t0", "sar"])
    assert meaning == (1.0, 0.0, "dB")
    down, right = (round(-offset) for offset in scene.sar_offset_px)
    truth = scene.sar[0][:, down : down + SIDE, right : right + SIDE]
    assert np.abs(np.median(decibel - truth, axis=(1, 2))).max() < 0.5
    assert found["t0", "sar"]["nodata_fraction"] == 0


def test_speckle_is_an_option_of_the_recipe(archive: tuple[Path, WorldScene], tmp_path: Path) -> None:
    root, _ = archive
    run(root, tmp_path / "plain", "generate.res=1")
    run(root, tmp_path / "calm", "generate.res=1", "tile.speckle={filter: gamma-map, window_px: 5, looks: 4.4}")
    plain, calm = (frames(tmp_path / name)["t0", "sar"] for name in ("plain", "calm"))
    assert plain["raster"] == calm["raster"]
    assert plain["image"] != calm["image"]


def test_level_1c_by_its_own_metadata(tmp_path: Path) -> None:
    scene = world()
    sentinel2(tmp_path / "in", scene, 0, "0509", "1C")
    product = "S2*_MSIL1C_{date}_N*_R*_{scene}_*.SAFE"
    bands = ("B02", "B03", "B04", "B08")
    frame = {
        "modality": "optical",
        "files": [f"{product}/GRANULE/*/IMG_DATA/{{scene}}_{{date}}_{band}.jp2" for band in bands],
        "bands": [[band] for band in bands],
        "metadata": [f"{product}/MTD_MSIL1C.xml"],
    }
    recipe = tmp_path / "l1c.yaml"
    source = {"kind": "rasters", "root": "", "frames": [frame]}
    recipe.write_text(json.dumps({"name": "l1c", "source": source}))
    run(tmp_path / "in", tmp_path / "out", recipe=str(recipe), labelled=False)
    pixels, meaning = raster(frames(tmp_path / "out")["t0", "optical"])
    np.testing.assert_array_equal(pixels, scene.optical_10m[0])
    assert meaning == (0.0001, 0.0, "reflectance")
    # Who takes the offset out in the recipe as well is told.
    run_again = cli_here(
        "run", recipe, "--set", f"source.root={tmp_path / 'in'}", "-o", tmp_path / "twice", "--quiet",
        "--set", "tile.cloud.reflectance={scale: 0.0001, offset: -0.1, level: toa}",
    )  # fmt: skip
    assert run_again.returncode in (0, 1, 2)
    assert ("T33UUP_r000_c000/t0/optical", "scaled_twice") in drops(tmp_path / "twice")


def copied(root: Path, to: Path) -> Path:
    shutil.copytree(root, to)
    return to


@pytest.mark.parametrize("keep", [0, 40, 0.5])
def test_a_jpeg_2000_that_was_cut_off_drops_its_date_alone(
    archive: tuple[Path, WorldScene], tmp_path: Path, keep: float
) -> None:
    root = copied(archive[0], tmp_path / "in")
    (path,) = root.glob(BAND)
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep != 0.5 else len(data) * keep)])
    run(root, tmp_path / "out")
    assert ("t1", "optical") not in frames(tmp_path / "out")
    assert ("t0", "optical") in frames(tmp_path / "out")
    assert "unreadable" in {reason for _, reason in drops(tmp_path / "out")}


def test_a_measurement_that_was_cut_off_drops_the_radar_alone(archive: tuple[Path, WorldScene], tmp_path: Path) -> None:
    root = copied(archive[0], tmp_path / "in")
    (path,) = root.glob("S1*.SAFE/measurement/*-vh-*.tiff")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])
    run(root, tmp_path / "out")
    assert set(frames(tmp_path / "out")) == {("t0", "optical"), ("t1", "optical")}
    assert "unreadable" in {reason for _, reason in drops(tmp_path / "out")}


def test_without_a_codec_every_optical_date_is_told(archive: tuple[Path, WorldScene], tmp_path: Path) -> None:
    """A GDAL that cannot read JPEG 2000: one line, exit code 2, a drop for each date, and no traceback."""
    environment = {**os.environ, "GDAL_SKIP": "JP2OpenJPEG,JP2KAK,JP2ECW,JP2MrSID,JPEG2000,JP2Grok"}
    done = cli("run", "safe", "--set", f"source.root={archive[0]}", "-o", tmp_path / "out", "--quiet", env=environment)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "no scene" in done.stderr


def test_a_product_without_its_metadata_is_dropped(archive: tuple[Path, WorldScene], tmp_path: Path) -> None:
    root = copied(archive[0], tmp_path / "in")
    (first, second) = sorted(root.glob("S2*.SAFE/MTD_MSIL2A.xml"))
    first.unlink()
    second.write_text(second.read_text().replace("<BOA_ADD_OFFSET ", "<X ").replace("</BOA_ADD_OFFSET>", "</X>"))
    (calibration,) = root.glob("S1*.SAFE/annotation/calibration/*-vv-*.xml")
    calibration.write_text(calibration.read_text()[:300])
    done = cli_here("run", "safe", "--set", f"source.root={root}", "-o", tmp_path / "out", "--quiet")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
