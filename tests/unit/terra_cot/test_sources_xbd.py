"""Buildings of a pair become regions of a damage map, one each, where their polygons say."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pytest
from affine import Affine
from geofactory import box, xbd_document, xbd_pair
from numpy.typing import NDArray

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.scene import Drop, Scene
from terra_cot.sources import scan
from terra_cot.sources.xbd import read_label

SIZE = (96, 128)
PAIR = [(box(10, 20, 12, 8), "no-damage"), (box(60, 50, 20, 14), "destroyed"), (box(100, 10, 9, 9), "un-classified")]


def drawn(folder: Path, buildings: Any, size: tuple[int, int] = SIZE) -> NDArray[np.uint16]:
    path = folder / "a_post_disaster.json"
    path.write_text(json.dumps(xbd_document(buildings, size, 0.5, "2021-05-09T16:00:00.000Z")))
    return read_label(path, Grid(None, Affine.scale(0.5, -0.5), *size, 0.5))


def regions(label: NDArray[np.uint16]) -> int:
    return int(cc3d.connected_components((label > 0).astype(np.uint8), connectivity=8, return_N=True)[1])


def one(root: Path) -> Scene | Drop:
    (found,) = scan("xbd", root)
    return found


def test_a_pair_is_two_dates_without_a_crs(tmp_path: Path) -> None:
    scene = one(xbd_pair(tmp_path, PAIR, size=SIZE, gsd_m=0.47))
    assert isinstance(scene, Scene)
    assert [(frame.frame, frame.datetime) for frame in scene.frames] == [
        ("t0", "2021-05-01T16:00:00Z"),
        ("t1", "2021-05-09T16:00:00Z"),
    ]
    assert scene.label_frame == "t1"
    assert scene.grid.crs is None
    assert scene.grid.shape == SIZE
    assert scene.grid.gsd_m == pytest.approx(0.47, abs=0.002), "from the polygons, not from metadata.gsd = 2.35"
    assert scene.lon_lat == pytest.approx((-90, 40), abs=0.01)
    assert (scene.split, scene.licence) == ("train", "CC-BY-NC-SA-4.0")


@pytest.mark.parametrize("name", ["labels/{}_post_disaster.json", "labels/{}_pre_disaster.json",
                                  "images/{}_post_disaster.png", "images/{}_pre_disaster.png"])  # fmt: skip
def test_a_pair_without_one_of_its_files_is_dropped_by_name(tmp_path: Path, name: str) -> None:
    scene = one(xbd_pair(tmp_path, PAIR, size=SIZE))
    assert isinstance(scene, Scene)
    (tmp_path / "train" / name.format(scene.scene_id)).unlink()
    drop = one(tmp_path)
    assert isinstance(drop, Drop)
    assert (drop.level, drop.item, drop.reason) == ("scene", scene.scene_id, "missing_file")


def test_polygons_are_drawn_where_they_lie(tmp_path: Path) -> None:
    label = drawn(tmp_path, PAIR)
    assert label[24, 15] == 1, "x is a column, y is a row"
    assert label[57, 70] == 4
    assert label[14, 104] == 5
    assert label[50, 20] == 0
    assert regions(label) == 3


@pytest.mark.parametrize("gap", [(12, 0), (0, 8), (12, 8)], ids=["side", "below", "corner"])
def test_buildings_that_touch_stay_two(tmp_path: Path, gap: tuple[int, int]) -> None:
    """Counting regions counts buildings, as the xView2 baseline arranges it."""
    first, second = box(10, 20, 12, 8), box(10 + gap[0], 20 + gap[1], 12, 8)
    for damage in ("destroyed", "no-damage"):
        label = drawn(tmp_path, [(first, damage), (second, "destroyed")])
        assert regions(label) == 2


def test_a_bow_tie_is_repaired(tmp_path: Path) -> None:
    tie = [(10.0, 10.0), (40.0, 40.0), (40.0, 10.0), (10.0, 40.0)]
    label = drawn(tmp_path, [(tie, "major-damage")])
    assert label[25, 12] == label[25, 38] == 3 or regions(label) == 1
    assert regions(label) == 1, "one building, one region: the larger half stays"
    assert 300 < (label == 3).sum() < 700


def test_a_courtyard_is_left_out(tmp_path: Path) -> None:
    document = xbd_document([(box(10, 10, 40, 40), "destroyed")], SIZE, 0.5, "2021-05-09T16:00:00.000Z")
    document["features"]["xy"][0]["wkt"] = (
        "POLYGON ((10 10, 50 10, 50 50, 10 50, 10 10), (20 20, 40 20, 40 40, 20 40, 20 20))"
    )
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    label = read_label(path, Grid(None, Affine.scale(0.5, -0.5), *SIZE, 0.5))
    assert label[30, 30] == 0
    assert label[15, 15] == 4


def test_buildings_at_the_edge_are_cut_off_there(tmp_path: Path) -> None:
    label = drawn(tmp_path, [(box(-5, -5, 20, 20), "destroyed"), (box(120, 90, 30, 30), "minor-damage")])
    assert label[0, 0] == 4
    assert label[95, 127] == 2


@pytest.mark.parametrize("subtype", ["ruined", ""])
def test_an_unknown_or_absent_subtype_is_no_guess(tmp_path: Path, subtype: str) -> None:
    with pytest.raises(DataError, match="unknown damage class") as caught:
        drawn(tmp_path, [(box(10, 20, 12, 8), subtype)])
    assert caught.value.reason == "unknown_label_code"


def change(root: Path, when: str, edit: Any) -> None:
    (path,) = root.glob(f"train/labels/*_{when}_disaster.json")
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda document: document["features"]["xy"].clear(), "no_buildings"),
        (lambda document: document["metadata"].pop("width"), "unreadable"),
        (lambda document: document["metadata"].update(width="wide"), "unreadable"),
        (lambda document: document["metadata"].update(capture_date="soon"), "no_date"),
        (lambda document: document["metadata"].update(width=64), "wrong_size"),
        (lambda document: document.pop("features"), "unreadable"),
        (lambda document: document["features"]["lng_lat"].pop(), "unreadable"),
        (lambda document: document["features"]["xy"][0].update(wkt="POLYGON ((1 2"), "bad_polygon"),
        (lambda document: document["features"]["xy"][0].update(wkt="POLYGON EMPTY"), "bad_polygon"),
        (lambda document: document["features"]["xy"][0].update(wkt="POLYGON ((1 2, 3 4))"), "bad_polygon"),
        (lambda document: document["features"]["xy"][0].update(wkt="POLYGON ((1 2, 3 4, 1 2))"), "bad_polygon"),
        (lambda document: document["features"]["xy"][0].update(wkt="POLYGON ((1 2, 1 2, 1 2, 1 2))"), "bad_polygon"),
        (lambda document: document["features"]["xy"][0].update(wkt="POINT (1 2)"), "bad_polygon"),
        (lambda document: document["features"]["lng_lat"][0].update(wkt="POLYGON ((1 2, 3 4))"), "bad_polygon"),
        (lambda document: document["metadata"].update(capture_date="2021-04-30T16:00:00.000Z"), "dates_out_of_order"),
        (lambda document: document["metadata"].update(capture_date="2021-05-01T16:00:00.000Z"), "dates_out_of_order"),
        (lambda document: document["features"]["xy"][0].update(wkt=None), "bad_polygon"),
        (lambda document: document["features"]["xy"][0].pop("wkt"), "bad_polygon"),
        (lambda document: document["features"]["lng_lat"].reverse(), "unreadable"),
    ],
)
def test_a_broken_label_file_drops_its_pair(tmp_path: Path, edit: Any, reason: str) -> None:
    root = xbd_pair(tmp_path, PAIR[:2], size=SIZE)
    change(root, "post", edit)
    drop = one(root)
    assert isinstance(drop, Drop)
    assert (drop.level, drop.item, drop.reason) == ("scene", "storm_00000001", reason)
    assert len(drop.detail.splitlines()) == 1


@pytest.mark.parametrize("name", ["images/storm_00000001_pre_disaster.png", "labels/storm_00000001_pre_disaster.json"])
def test_half_a_pair_is_dropped(tmp_path: Path, name: str) -> None:
    root = xbd_pair(tmp_path, PAIR, size=SIZE)
    (root / "train" / name).unlink()
    drop = one(root)
    assert isinstance(drop, Drop)
    assert drop.reason == "missing_file"
    assert name in drop.detail


def test_an_image_that_was_cut_off_is_no_frame(tmp_path: Path) -> None:
    """GDAL's fast path reads noise from such a PNG and reports nothing."""
    root = xbd_pair(tmp_path, PAIR, size=SIZE)
    path = root / "train" / "images" / "storm_00000001_pre_disaster.png"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    items = list(cut_scene(one(root), TileOptions()))  # type: ignore[arg-type]
    drops = [(x.item, x.reason) for x in items if isinstance(x, Drop)]
    assert drops == [("storm_00000001/t0/optical", "unreadable")]


def test_other_folders_are_no_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not an xBD archive"):
        list(scan("xbd", tmp_path))


@pytest.mark.skipif("TERRA_COT_TEST_DATA" not in os.environ, reason="set TERRA_COT_TEST_DATA to the real test data")
def test_the_published_pair_agrees_with_its_published_mask() -> None:
    """joplin-tornado_00000050: 11 buildings destroyed, 3 major, 1 un-classified, and the baseline's raster of them."""
    from PIL import Image

    folder = Path(os.environ["TERRA_COT_TEST_DATA"]) / "xbd-labels"
    path = folder / "joplin-tornado_00000050_post_disaster.json"
    label = read_label(path, Grid(None, Affine.scale(0.5, -0.5), 1024, 1024, 0.5))
    assert regions(label) == 15
    counts = {code: regions(np.where(label == code, label, 0)) for code in range(1, 6)}
    assert counts == {1: 0, 2: 0, 3: 3, 4: 11, 5: 1}
    published = np.asarray(Image.open(folder / "joplin-tornado_00000050_post_disaster_b1.png"))
    assert published.shape == label.shape
    both = ((published > 0) & (label > 0)).sum() / ((published > 0) | (label > 0)).sum()
    assert both > 0.9, "outlines are rounded, neighbours parted; the areas are the same"
