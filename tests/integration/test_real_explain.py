"""A real place is explained: Sentinel-2 of two dates and Sentinel-1, a file a band, in degrees, on unlike grids."""

from __future__ import annotations

import json
import os
from pathlib import Path

import explainfactory as scenes  # skips where torch is absent
import geopandas
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import box
from terminal import call

DATA = Path(os.environ.get("TERRA_COT_TEST_DATA", "/nowhere"))
pytestmark = pytest.mark.skipif(
    "TERRA_COT_TEST_DATA" not in os.environ,
    reason="real data: set TERRA_COT_TEST_DATA to the folder that holds ssl4eo-s12",
)


def test_a_place_in_degrees_with_radar_and_two_dates(tmp_path: Path) -> None:
    house = DATA / "ssl4eo-s12"
    first, last = (next((house / "s2a/0000200").glob(f"{date}*")) for date in ("20200604", "20200813"))
    radar = next((house / "s1/0000200").glob("*20200607*"))
    images = [
        f"2020-06-04={','.join(str(first / f'{band}.tif') for band in ('B2', 'B3', 'B4'))}",
        f"2020-08-13={','.join(str(last / f'{band}.tif') for band in ('B2', 'B3', 'B4'))}",
        f"2020-06-07={radar / 'VV.tif'},{radar / 'VH.tif'}",
    ]
    model = scenes.save_model(tmp_path / "model", measured=True)
    out = tmp_path / "out"
    task = ("--sar-unit", "dB", "--task", "clearing", "--model", model, "-o", out)
    done = call("terra-cot", "explain", *images, *task)
    assert done.returncode == 0, done.stderr
    note = json.loads((out / "answer.json").read_bytes())
    scene = note["scene"]
    assert (scene["crs"], scene["dates_from"]) == ("EPSG:32643", "times")
    shown = [(image["frame"], image["modality"]) for image in scene["images"]]
    assert shown == [("t0", "optical"), ("t0", "sar"), ("t1", "optical")]
    with rasterio.open(first / "B2.tif") as dataset:
        ground = box(*dataset.bounds).buffer(1e-3)
    for entry in (*note["steps"], note["change"]):
        assert cog_validate(out / entry["cog"], strict=True, quiet=True) == (True, [], [])
        table = geopandas.read_file(out / entry["geojson"])
        assert len(table) == entry["polygons"]
        assert table.geometry.is_valid.all()
        assert table.geometry.within(ground).all()
        with rasterio.open(out / entry["cog"]) as dataset:
            codes = dataset.read(1)
        assert (codes == 1).sum() == entry["pixels"]
        assert 0 < (codes == 255).mean() < 0.1  # the corners that degrees leave of a metric grid
    assert sum(entry["pixels"] for entry in note["steps"]) > 0
