"""A label map joins the date it names: maps of several dates reach the tile, each on its frame, or leave a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from geofactory import mosaic, north_up, positions, write_tiff

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.errors import DataError
from terra_cot.scene import Drop, Scene, read_scenes, write_scenes
from terra_cot.sources import scan
from terra_cot.tile import TileRecord

PLACE = north_up(400000, 5400000, 10)
DATES = ("2023-01-05", "2023-02-05", "2023-03-05")
RGB = ("B02", "B03", "B04")
GIVEN = {
    "frames": [{"modality": "optical", "files": ["S2_{scene}_{date}.tif"]}],
    "label": "map_{scene}_{date}.tif",
    "legend": "worldcover",
}


def archive(root: Path, maps: tuple[str, ...] = DATES, seed: int = 0) -> None:
    for number, date in enumerate(DATES):
        write_tiff(root / f"S2_a_{date}.tif", positions(64, 64)[[0, 1, 0]] + number, PLACE, bands=RGB, date=date)
    for number, date in enumerate(maps):
        write_tiff(root / f"map_a_{date}.tif", mosaic(seed + number, 64, 64), PLACE, nodata=0)


def described(root: Path, **more: object) -> tuple[Scene, list[Drop]]:
    items = list(scan("rasters", root, {**GIVEN, **more}))
    (scene,) = [item for item in items if isinstance(item, Scene)]
    return scene, [item for item in items if isinstance(item, Drop)]


@pytest.mark.parametrize(("which", "main"), [("first", "t0"), ("last", "t2")])
def test_maps_join_the_images_of_their_day(tmp_path: Path, which: str, main: str) -> None:
    archive(tmp_path)
    scene, drops = described(tmp_path, label_frame=which)
    assert not drops
    assert scene.label_frame == main
    series = {entry.frame: entry.label.path for entry in scene.label_series}
    assert list(series) == [name for name in ("t0", "t1", "t2") if name != main]
    assert series["t1"] == "map_a_2023-02-05.tif"
    assert {entry.label.path for entry in scene.label_series} < set(scene.files())
    write_scenes(tmp_path / "scenes.parquet", [scene])
    assert list(read_scenes(tmp_path / "scenes.parquet")) == [scene]


def test_a_map_that_no_image_joins_leaves_a_reason(tmp_path: Path) -> None:
    archive(tmp_path, ("2023-01-05", "2023-02-06", "2023-02-05T101010"))
    scene, drops = described(tmp_path)
    assert (scene.label_frame, scene.label_series) == ("t0", ())
    assert [(drop.item, drop.reason) for drop in drops] == [
        ("a/label/20230205T101010", "label_without_frame"),
        ("a/label/20230206", "label_without_frame"),
    ]


def test_a_map_whose_day_is_no_date_leaves_a_reason(tmp_path: Path) -> None:
    archive(tmp_path, ("2023-01-05", "2023-02-31"))
    _, drops = described(tmp_path)
    assert [(drop.item, drop.reason) for drop in drops] == [("a/label/20230231", "no_date")]


def test_every_map_reaches_the_tile_on_its_frame(tmp_path: Path) -> None:
    archive(tmp_path)
    scene, _ = described(tmp_path)
    (tile,) = cut_scene(scene, TileOptions(size_px=64, align=False))
    assert isinstance(tile, TileRecord)
    assert list(tile.labels()) == ["t0", "t1", "t2"]
    for number, frame in enumerate(("t0", "t1", "t2")):
        assert np.array_equal(tile.label_array(frame), mosaic(number, 64, 64))
    assert np.array_equal(tile.label_array(), tile.label_array("t0"))
    assert TileRecord.from_row(tile.to_row()) == tile
    with pytest.raises(DataError, match="no label map of t9"):
        tile.label_array("t9")


def test_a_map_goes_with_its_dropped_frame(tmp_path: Path) -> None:
    archive(tmp_path)
    blank = np.zeros((3, 64, 64), np.uint16)
    write_tiff(tmp_path / "S2_a_2023-02-05.tif", blank, PLACE, bands=RGB, date=DATES[1], nodata=0)
    scene, _ = described(tmp_path)
    items = list(cut_scene(scene, TileOptions(size_px=64, align=False)))
    drops = [(item.item, item.reason) for item in items if isinstance(item, Drop)]
    (tile,) = [item for item in items if isinstance(item, TileRecord)]
    assert list(tile.labels()) == ["t0", "t2"]
    assert [reason for _, reason in drops] == ["too_much_nodata", "label_without_frame"]


def test_an_unknown_code_on_any_date_drops_the_tile(tmp_path: Path) -> None:
    archive(tmp_path)
    write_tiff(tmp_path / "map_a_2023-03-05.tif", np.full((64, 64), 77, np.uint8), PLACE)
    scene, _ = described(tmp_path)
    (drop,) = cut_scene(scene, TileOptions(size_px=64, align=False))
    assert isinstance(drop, Drop)
    assert drop.reason == "unknown_label_code"
