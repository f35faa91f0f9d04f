"""Items become scenes by place and date; what an item does not say is a reason, and no secret is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from stacfactory import absolute, item, read_whole, served, source_of, world_items, write_cog, write_static

from terra_cot.errors import ConfigError, DataError
from terra_cot.geo.grid import Grid
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Drop, Scene, read_scenes, write_scenes
from terra_cot.sources import scan
from terra_cot.sources.stac.options import parse_span
from terra_cot.sources.stac.place import area_of, clipped, ground, share

FINE = Grid("EPSG:32633", Affine(10, 0, 500000, 0, -10, 5400000), 64, 64, 10)
SIMPLE = {"optical": {"collection": "s2", "assets": {"B04": "red"}}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    folder = tmp_path_factory.mktemp("stac")
    items = world_items(folder, 128)
    write_static(folder, items)
    return folder, items


def found(root: object, given: dict[str, Any]) -> tuple[list[Scene], list[Drop]]:
    options = {key: value for key, value in given.items() if key not in ("kind", "root")}
    listed = list(scan("stac", str(root), options))
    return [x for x in listed if isinstance(x, Scene)], [x for x in listed if isinstance(x, Drop)]


def simple(item_id: str = "a", date: str = "2023-05-01T10:00:00Z", grid: Grid = FINE, **fields: Any) -> dict[str, Any]:
    return item(item_id, "s2", date, grid, {"red": (f"{item_id}.tif", grid)}, **fields)


def collection(folder: Path, *items: Any) -> Path:
    path = folder / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return path


def test_a_static_catalogue_is_one_scene_of_all_dates(world: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = world
    (scene,), drops = found(folder / "catalog.json", source_of(folder))
    assert drops == []
    assert (scene.scene_id, scene.source, scene.grid.shape) == ("MGRS-33UUP", "stac", (128, 128))
    assert [(frame.frame, frame.modality) for frame in scene.frames] == [
        (f"t{number}", modality) for number in range(4) for modality in ("optical", "sar")
    ]
    first, radar = scene.frames[:2]
    assert [asset.bands for asset in first.assets[-2:]] == [("B08",), ("B05", "B8A", "B11", "B12")]
    assert first.datetime == "2023-04-12T10:06:29Z"
    assert first.cloud is not None
    assert first.cloud.codes == (3, 8, 9, 10)
    assert radar.unit == "linear"
    assert (scene.label_frame, scene.licence) == ("t0", "CC0-1.0")
    assert all(Path(name).is_file() for name in scene.files())


def test_an_api_and_a_catalogue_of_the_same_items_are_one(world: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, items = world
    with served(folder) as server:
        server.api = absolute(items, server.url)
        (listed,), drops = found(f"{server.url}/api", source_of(""))
        assert drops == []
        pages = [entry for entry in server.log if entry[0] == "POST /search"]
        assert len(pages) == 5, "two pages of optical, two of SAR, one of labels"
        (walked,), _ = found(f"{server.url}/catalog.json", source_of(""))
    assert (listed.frames, listed.grid, listed.label) == (walked.frames, walked.grid, walked.label)


def test_scenes_make_the_round_trip_through_parquet(world: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    folder, _ = world
    scenes, _ = found(folder / "catalog.json", source_of(folder))
    write_scenes(tmp_path / "scenes.parquet", scenes)
    assert list(read_scenes(tmp_path / "scenes.parquet")) == scenes


def test_power_is_read_as_decibel(world: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = world
    (scene,), _ = found(folder / "catalog.json", source_of(folder))
    radar = scene.frames[1]
    with SceneReader(scene) as reader:
        read = reader.frame(radar, scene.grid)
    power = read_whole(folder / radar.assets[0].path)
    assert read.bands == ("VV", "VH")
    assert read.pixels.dtype == np.float32
    assert abs(float(np.median(read.pixels[0][read.valid])) - float(np.median(10 * np.log10(power)))) < 0.5


def test_a_window_costs_its_ranges_not_the_file(tmp_path: Path) -> None:
    """GDAL asks for parts only, and they are the pixels of that place."""
    grid = Grid("EPSG:32633", Affine(10, 0, 500000, 0, -10, 5400000), 1024, 1024, 10)
    pixels = np.random.default_rng(0).integers(1, 60000, (1, 1024, 1024), dtype=np.uint16)
    write_cog(tmp_path / "a.tif", pixels, grid.transform, 0)
    wanted = grid.window(500, 300, 100, 120)
    west, south, east, north = ground(wanted).bounds
    with served(tmp_path) as server:
        server.api = absolute([simple(grid=grid)], server.url)
        (scene,), _ = found(f"{server.url}/api", {**SIMPLE, "bbox": [west, south, east, north]})
        assert server.rasters() == [], "a scan reads no raster whose grid STAC knows"
        row, column = scene.grid.offset_in(grid) or (-1, -1)
        assert 495 <= row <= 500
        assert 295 <= column <= 300
        assert 100 <= scene.grid.height <= 110
        assert 120 <= scene.grid.width <= 130
        with SceneReader(scene) as reader:
            read = reader.frame(scene.frames[0], scene.grid)
        window = pixels[:, row : row + scene.grid.height, column : column + scene.grid.width]
        assert np.array_equal(read.pixels, window)
        asked = server.rasters()
    assert asked
    assert {status for _, _, status, _ in asked} == {206}
    size = (tmp_path / "a.tif").stat().st_size
    assert sum(number for *_, number in asked) < 0.25 * size


def test_without_proj_fields_the_header_is_read(tmp_path: Path) -> None:
    write_cog(tmp_path / "a.tif", np.ones((1, 64, 64), np.uint16), FINE.transform, 0)
    body = simple()
    del body["properties"]["proj:code"]
    (scene,), _ = found(collection(tmp_path, body), SIMPLE)
    assert scene.grid == FINE
    (tmp_path / "a.tif").unlink()
    scenes, drops = found(collection(tmp_path, body), SIMPLE)
    assert scenes == []
    assert [drop.reason for drop in drops] == ["unreadable", "no_frames"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"assets": {}}, "missing_asset"),
        ({"assets": {"red": {}}}, "not_an_item"),
        ({"assets": None}, "missing_asset"),
        ({"assets": {"red": {"href": "http://["}}}, "bad_href"),
        ({"assets": {"red": {"href": "a\0b"}}}, "bad_href"),
        ({"geometry": None}, "no_footprint"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1e9, 0], [0, 9], [0, 0]]]}}, "no_footprint"),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}}, "no_footprint"),
        ({"properties": {"datetime": "last spring"}}, "no_date"),
        ({"properties": {"datetime": None}}, "no_date"),
        ({"properties": None}, "not_an_item"),
        ({"type": "Thing"}, "not_an_item"),
        ({"id": 7}, "not_an_item"),
        ({"properties": {"datetime": "2023-05-01", "proj:code": "EPSG:1"}}, "no_crs"),
    ],
)
def test_an_item_that_cannot_be_used_leaves_its_reason(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = collection(tmp_path, simple("good", **{"grid:code": "MGRS-33UVP"}), {**simple("bad"), **change}, 7)
    scenes, drops = found(path, SIMPLE)
    assert [scene.scene_id for scene in scenes] == ["MGRS-33UVP"]
    assert reason in [drop.reason for drop in drops]
    assert "not_an_item" in [drop.reason for drop in drops], "a number is no item"


def test_the_place_is_a_code_in_any_spelling_or_the_footprint(tmp_path: Path) -> None:
    mgrs = {"mgrs:utm_zone": 3, "mgrs:latitude_band": "U", "mgrs:grid_square": "UP"}
    far = FINE.window(500, 500, 64, 64)
    items = [
        simple("a", "2023-05-01T10:00:00Z", **{"grid:code": "MGRS-03UUP"}),
        simple("b", "2023-05-11T10:00:00Z", **{"s2:mgrs_tile": "03UUP"}),
        simple("c", "2023-05-21T10:00:00Z", **mgrs),
        simple("x/1", "2023-05-01T10:00:00Z"),
        simple("x/2", "2023-05-11T10:00:00Z"),
        simple("y", grid=far),
    ]
    scenes, drops = found(collection(tmp_path, *items), SIMPLE)
    assert drops == []
    assert {scene.scene_id: len(scene.frames) for scene in scenes} == {"MGRS-03UUP": 3, "x_1": 2, "y": 1}


def test_filters_leave_a_record(tmp_path: Path) -> None:
    items = [
        simple("clear", **{"eo:cloud_cover": 5}),
        simple("cloudy", "2023-06-01", **{"eo:cloud_cover": 50}),
        simple("unknown", "2023-06-02"),
        simple("early", "2022-06-02", **{"eo:cloud_cover": 5}),
    ]
    given = {**SIMPLE, "max_cloud_cover": 20, "datetime": "2023"}
    (scene,), drops = found(collection(tmp_path, *items), given)
    assert [frame.datetime[:10] for frame in scene.frames] == ["2023-05-01"]
    assert [(drop.item, drop.reason) for drop in drops] == [
        ("optical/cloudy", "over_cloud_cover"),
        ("optical/unknown", "unknown_cloud_cover"),
    ]
    _, drops = found(collection(tmp_path, *items), {**SIMPLE, "limit": 2})
    assert [drop.reason for drop in drops] == ["over_limit"]


def test_partners_that_cover_too_little_are_told(tmp_path: Path) -> None:
    def partner(item_id: str, grid: Grid, kind: str, date: str = "2023-05-02") -> dict[str, Any]:
        return item(item_id, kind, date, grid, {"vv": ("v.tif", grid), "map": ("m.tif", grid)})

    corner, far = FINE.window(60, 60, 64, 64), FINE.window(5000, 0, 64, 64)
    items = [
        simple(),
        partner("whole", FINE, "s1"),
        partner("corner", corner, "s1"),
        partner("far", far, "s1"),
        partner("old", FINE, "wc", "2020-01-01"),
        partner("new", FINE, "wc", "2021-01-01"),
    ]
    given = {
        **SIMPLE,
        "sar": {"collection": "s1", "assets": {"VV": "vv"}, "unit": "dB"},
        "label": {"collection": "wc", "asset": "map", "legend": "worldcover"},
    }
    (scene,), drops = found(collection(tmp_path, *items), given)
    assert [frame.modality for frame in scene.frames] == ["optical", "sar"]
    assert {drop.item: drop.reason for drop in drops} == {
        "a/sar/corner": "covers_too_little",
        "a/label/old": "another_label",
        "sar/far": "no_scene",
    }


def test_a_scene_where_no_radar_image_lies_says_so(tmp_path: Path) -> None:
    far = FINE.window(5000, 0, 64, 64)
    items = [simple(), item("far", "s1", "2023-05-02", far, {"vv": ("v.tif", far)})]
    given = {**SIMPLE, "sar": {"collection": "s1", "assets": {"VV": "vv"}, "unit": "dB"}}
    (scene,), drops = found(collection(tmp_path, *items), given)
    assert [frame.modality for frame in scene.frames] == ["optical"]
    assert {drop.item: drop.reason for drop in drops} == {"a/sar": "missing_frame", "sar/far": "no_scene"}


def test_no_secret_of_an_href_is_kept(tmp_path: Path) -> None:
    body = simple()
    body["assets"]["red"]["href"] = "https://host.invalid/a.tif?se=2026&sig=SECRET"
    (scene,), _ = found(collection(tmp_path, body), SIMPLE)
    write_scenes(tmp_path / "scenes.parquet", [scene])
    assert scene.files() == ["https://host.invalid/a.tif"]
    assert b"SECRET" not in (tmp_path / "scenes.parquet").read_bytes()
    (scene,), _ = found(collection(tmp_path, body), {**SIMPLE, "sign": "planetary-computer"})
    assert scene.files() == ["/vsicurl?pc_url_signing=yes&url=https%3A%2F%2Fhost.invalid%2Fa.tif"]
    with pytest.raises(ConfigError, match="must hold no password"):
        found("https://user:word@127.0.0.1/stac", SIMPLE)


def test_the_stamp_follows_what_stac_says_of_the_files(tmp_path: Path) -> None:
    stamps = set()
    for checksum in ("1220aa", "1220bb", "1220bb"):
        body = simple()
        body["assets"]["red"]["file:checksum"] = checksum
        (scene,), _ = found(collection(tmp_path, body), SIMPLE)
        stamps.add(scene.stamp)
    assert len(stamps) == 2


def test_a_broken_link_is_a_drop_and_a_circle_ends(world: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    _, items = world
    path = write_static(tmp_path, items)
    (tmp_path / "S2_2023-07-06.json").write_text("<html>")
    (tmp_path / "S2_2023-09-24.json").unlink()
    body = json.loads(path.read_text())
    body["links"] += [{"rel": "child", "href": "./catalog.json"}, {"rel": "child"}, "no link"]
    path.write_text(json.dumps(body))
    (scene,), drops = found(path, source_of(""))
    assert len([frame for frame in scene.frames if frame.modality == "optical"]) == 2
    assert sorted(drop.reason for drop in drops) == ["child_unreadable", "item_unreadable", "item_unreadable"]


def test_without_the_extra_its_name_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystac_client.stac_api_io", None)
    with pytest.raises(ConfigError, match=r"terra-cot\[stac\]"):
        found(collection(tmp_path, simple()), SIMPLE)


@pytest.mark.parametrize("text", ["<html>", "[1]", "{}", '{"type": "FeatureCollection", "features": 7}'])
def test_what_is_no_catalogue_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog.json").write_text(text)
    with pytest.raises(DataError, match=r"catalog\.json"):
        found(tmp_path / "catalog.json", SIMPLE)


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no item matches"):
        found(collection(tmp_path, simple()), {**SIMPLE, "datetime": "2019"})
    with pytest.raises(DataError, match="cannot be read"):
        found(tmp_path / "absent.json", SIMPLE)
    with served(tmp_path) as server, pytest.raises(DataError, match="HTTP 404"):
        found(f"{server.url}/catalog.json", SIMPLE)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bbox": [1, 2, 3, 1]}, "south below north"),
        ({"datetime": "spring"}, "2023-05-01/2023-08-31"),
        ({"datetime": "2023/2022"}, "ends before it begins"),
        ({"limit": 0}, "greater than"),
        ({"optical": {"collection": "s2", "assets": {}}}, "at least 1"),
        ({"optical": {"collection": "s2", "assets": {"B04": "red"}, "cloud": "scl"}}, "cloud_format"),
        ({"sar": {"collection": "s1", "assets": {"VV": "vv"}}}, "unit"),
        ({"label": {"collection": "wc", "asset": "map", "legend": "worldcovr"}}, 'did you mean "worldcover"'),
        ({"bboxx": 1}, 'did you mean "bbox"'),
    ],
)
def test_a_wrong_recipe_is_told_before_anything_is_asked(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match="source") as caught:
        scan("stac", "http://127.0.0.1:1/never-asked", {**SIMPLE, **given})
    assert message in str(caught.value)


def test_spans_end_with_their_last_moment() -> None:
    first, last = parse_span("2024-02/..")
    assert (str(first), last) == ("2024-02-01 00:00:00+00:00", None)
    assert str(parse_span("2024-02")[1]) == "2024-02-29 23:59:59.999999+00:00"
    assert str(parse_span("../2023-05-01T10:00:00Z")[1]) == "2023-05-01 10:00:00+00:00"


def test_a_box_across_the_antimeridian_keeps_both_sides() -> None:
    grid = Grid("EPSG:32601", Affine(10, 0, 250000, 0, -10, 6000000), 2000, 8000, 10)  # 177.1 E to 179.4 W
    area = area_of((179.5, 53.5, -179.5, 54.5))
    assert area is not None
    assert area.area == pytest.approx(1.0)
    part = clipped(grid, (179.5, 53.5, -179.5, 54.5))
    assert 0 < part.width < grid.width
    assert 0.2 < share(area, ground(grid)) < 1


@pytest.mark.parametrize(
    ("offset", "said", "expected"),
    [
        (None, {}, ()),
        (-1000, {}, (1, -1000)),
        ("baseline", {"s2:processing_baseline": "05.09"}, (1, -1000)),
        ("baseline", {"s2:processing_baseline": "02.14"}, (1, 0)),
        ("baseline", {}, "unknown_offset"),
        ("declared", {"bands": [{"scale": 0.0001, "offset": -0.1}]}, (1, -1000)),
        ("declared", {"bands": [{"scale": 0.0000275, "offset": -0.2}]}, (0.275, -2000)),
        ("declared", {"bands": [{"nodata": 0}]}, "unknown_offset"),
        ("declared", {"bands": [{"scale": "big"}]}, "unknown_offset"),
        ("declared", {}, "unknown_offset"),
    ],
)
def test_what_numbers_mean_is_asked_for_and_told(
    tmp_path: Path, offset: Any, said: dict[str, Any], expected: Any
) -> None:
    entry = simple(**{key: value for key, value in said.items() if key != "bands"})
    if "bands" in said:
        for asset in entry["assets"].values():
            asset["raster:bands"] = said["bands"]
    given = {"optical": {"collection": entry["collection"], "assets": {"B04": next(iter(entry["assets"]))}}}
    given["optical"] |= {} if offset is None else {"offset": offset}
    scenes, drops = found(collection(tmp_path, entry), given)
    if isinstance(expected, str):
        assert drops[0].reason == expected
    else:
        (scene,) = scenes
        scales = [(scale.factor, scale.add) for scale in scene.frames[0].assets[0].scales]
        assert scales == ([expected] if expected else [])
