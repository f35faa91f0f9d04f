"""A pattern finds what it says and nothing else; every file it cannot use leaves a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geofactory import UTM33, north_up, positions, rasters_archive, write_tiff

from terra_cot.errors import ConfigError, DataError
from terra_cot.scene import Drop, Scene, read_scenes, write_scenes
from terra_cot.sources import scan

PLACE = north_up(400000, 5400000, 10)
BANDS = ("B02", "B03")


def options(*files: str, modality: str = "optical", **more: Any) -> dict[str, Any]:
    own = ("bands", "cloud", "cloud_codes", "cloud_format", "cloud_bits")
    frame_keys = {key: more.pop(key) for key in own if key in more}
    return {"frames": [{"modality": modality, "files": list(files), **frame_keys}], **more}


def found(root: Path, given: dict[str, Any]) -> tuple[list[Scene], list[Drop]]:
    items = list(scan("rasters", root, given))
    return [x for x in items if isinstance(x, Scene)], [x for x in items if isinstance(x, Drop)]


def image(path: Path, **given: Any) -> None:
    pixels = given.pop("pixels", positions(20, 30))
    write_tiff(path, pixels, given.pop("transform", PLACE), **{"bands": BANDS, "date": "2023-05-01", **given})


def test_an_archive_is_listed_with_all_it_has(tmp_path: Path) -> None:
    source = rasters_archive(tmp_path, scenes=2, side=64)["source"]
    scenes, drops = found(tmp_path, {key: value for key, value in source.items() if key not in ("kind", "root")})
    assert [scene.scene_id for scene in scenes] == ["place0", "place1"]
    assert [(drop.item, drop.reason) for drop in drops] == []
    first = scenes[0]
    assert [(frame.frame, frame.modality, frame.datetime) for frame in first.frames] == [
        ("t0", "optical", "2023-05-01T00:00:00Z"),
        ("t0", "sar", "2023-05-02T00:00:00Z"),
        ("t1", "optical", "2023-08-01T00:00:00Z"),
    ]
    assert first.frames[0].assets[0].bands == ("B02", "B03", "B04", "B08")
    assert first.frames[0].cloud is not None
    assert (first.label_frame, first.licence) == ("t0", "CC0-1.0")
    assert first.grid.shape == (64, 64)
    assert all((tmp_path / name).is_file() for name in first.files())


def test_scenes_make_the_round_trip_through_parquet(tmp_path: Path) -> None:
    source = rasters_archive(tmp_path / "data", scenes=2, side=64)["source"]
    scenes, _ = found(tmp_path / "data", {key: value for key, value in source.items() if key not in ("kind", "root")})
    write_scenes(tmp_path / "scenes.parquet", scenes)
    assert list(read_scenes(tmp_path / "scenes.parquet")) == scenes


def test_the_grid_is_that_of_the_finest_file(tmp_path: Path) -> None:
    image(tmp_path / "a_20.tif", transform=north_up(400000, 5400000, 20), bands=("B11", "B12"))
    image(tmp_path / "a_10.tif")
    (scene,), _ = found(tmp_path, options("{scene}_20.tif", "{scene}_10.tif"))
    assert scene.grid.gsd_m == 10
    assert [asset.path for asset in scene.frames[0].assets] == ["a_10.tif", "a_20.tif"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"bands": ()}, "unnamed_bands"),
        ({"bands": ("B02", "B02")}, "duplicate_band"),
        ({"date": None}, "no_date"),
        ({"date": "last spring"}, "no_date"),
        ({"crs": None}, "no_crs"),
        ({"crs": None, "transform": None}, "no_crs"),
        ({"transform": None}, "no_place"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_its_reason(tmp_path: Path, given: dict[str, Any], reason: str) -> None:
    image(tmp_path / "good.tif")
    image(tmp_path / "bad.tif", **given)
    scenes, drops = found(tmp_path, options("{scene}.tif"))
    assert [scene.scene_id for scene in scenes] == ["good"]
    assert [(drop.level, drop.reason) for drop in drops] == [("frame", reason), ("scene", "no_frames")]
    assert "bad" in drops[0].item


@pytest.mark.parametrize("keep", [0, 60])
def test_a_file_cut_off_in_its_header_is_unreadable(tmp_path: Path, keep: int) -> None:
    image(tmp_path / "bad.tif")
    (tmp_path / "bad.tif").write_bytes((tmp_path / "bad.tif").read_bytes()[:keep])
    image(tmp_path / "good.tif")
    scenes, drops = found(tmp_path, options("{scene}.tif"))
    assert len(scenes) == 1
    assert drops[0].reason == "unreadable"
    assert len(drops[0].detail.splitlines()) == 1


def test_missing_companions_are_told(tmp_path: Path) -> None:
    image(tmp_path / "S2_a_2023-05-01.tif", date=None)
    image(tmp_path / "S2_a_2023-06-01.tif", date=None)
    image(tmp_path / "X_a_2023-05-01.tif", date=None, bands=("B11", "B12"))
    (tmp_path / "C_b_2023-05-01.tif").write_bytes(b"of another scene")
    (tmp_path / "L_b.tif").write_bytes(b"of another scene")
    given = options("S2_{scene}_{date}.tif", "X_{scene}_{date}.tif", cloud="C_{scene}_{date}.tif",
                    label="L_{scene}.tif", legend="worldcover")  # fmt: skip
    (scene,), drops = found(tmp_path, given)
    assert len(scene.frames) == 1
    assert (scene.label, scene.label_frame) == (None, None)
    assert [(drop.item, drop.reason) for drop in drops] == [
        ("a/optical/20230501/cloud", "missing_cloud_mask"),
        ("a/optical/20230601", "missing_file"),
        ("a/label", "missing_label"),
    ]
    assert [drop.detail for drop in drops] == ["no C_a_{date}.tif", "no X_a_{date}.tif", "no L_a.tif"]


SAR = {"modality": "sar", "files": ["{scene}/S1_{date}.tif"], "unit": "dB"}


@pytest.mark.parametrize(
    ("change", "field", "near"),
    [
        ({"frames": [{"modality": "optical", "files": ["{scene}/S3_{date}.tif"]}, SAR]}, "frames[0].files[0]", "S2_"),
        ({"frames": [SAR, {"modality": "optical", "files": ["{scene}/S2_{date}.tif", "{scene}/S2_{date}_20m.tif"]}]},
         "frames[1].files[1]", "S2_"),
        ({"frames": [{**SAR, "files": ["S1_{date}_wide.tif"]},
                     {"modality": "optical", "files": ["{scene}/S2_{date}.tif"]}]}, "frames[0].files[0]", "place0/"),
        ({"frames": [{"modality": "optical", "files": ["{scene}/S2_{date}.tif"], "cloud": "{scene}/CM_{date}.tif"}]},
         "frames[0].cloud", "CL_"),
        ({"label": "{scene}/lables.tif"}, "label", "labels.tif"),
        ({"label": "maps/worldcover_*.tif"}, "label", "place0/"),
    ],
)  # fmt: skip
def test_a_pattern_that_fits_no_file_stops_the_scan(
    tmp_path: Path, change: dict[str, Any], field: str, near: str
) -> None:
    source = rasters_archive(tmp_path, scenes=1, side=64)["source"]
    given = {key: value for key, value in source.items() if key not in ("kind", "root")}
    with pytest.raises(DataError) as caught:
        found(tmp_path, {**given, **change})
    line = str(caught.value)
    assert line.startswith(f"source.{field}: matches no file under {tmp_path}; got ")
    assert near in line.partition("expected")[0]
    assert "mend the pattern" in line


def test_a_scene_that_lacks_a_frame_of_the_others_says_so(tmp_path: Path) -> None:
    source = rasters_archive(tmp_path, scenes=2, side=64)["source"]
    (tmp_path / "place1" / "S1_2023-05-02.tif").unlink()
    scenes, drops = found(tmp_path, {key: value for key, value in source.items() if key not in ("kind", "root")})
    assert [len(scene.frames) for scene in scenes] == [3, 2]
    assert [(drop.level, drop.item, drop.reason) for drop in drops] == [("frame", "place1/sar", "missing_frame")]
    assert "place1/S1_{date}.tif" in drops[0].detail


def test_a_scene_that_no_swath_covers_says_so(tmp_path: Path) -> None:
    """Images whose names tell no scene are matched by the ground: one lies over place0, none over place1."""
    source = rasters_archive(tmp_path, scenes=2, side=64)["source"]
    (tmp_path / "place0" / "S1_2023-05-02.tif").rename(tmp_path / "S1_2023-05-02.tif")
    given = {key: value for key, value in source.items() if key not in ("kind", "root")}
    given["frames"] = [given["frames"][0], {**SAR, "files": ["S1_{date}.tif"]}]
    scenes, drops = found(tmp_path, given)
    assert [len(scene.frames) for scene in scenes] == [3, 2]
    assert [(drop.item, drop.reason) for drop in drops] == [("place1/sar", "missing_frame")]


@pytest.mark.parametrize(
    ("pattern", "hint"), [("{scne}/{date}.tif", '"scene"'), ("{scene}/{dat}.tif", '"date"'), ("{scene}/{}.tif", "")]
)
def test_an_unknown_placeholder_is_refused(tmp_path: Path, pattern: str, hint: str) -> None:
    for given in (options(pattern), options("{scene}.tif", label=pattern, legend="worldcover")):
        with pytest.raises(ConfigError, match="no placeholder") as caught:
            scan("rasters", tmp_path, given)
        assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("given", "codes", "bits"),
    [
        ({}, (1, 2), ()),
        ({"cloud_codes": [4]}, (4,), ()),
        ({"cloud_format": "scl"}, (3, 8, 9, 10), ()),
        ({"cloud_format": "qa60"}, (), (10, 11)),
        ({"cloud_bits": [3]}, (), (3,)),
        ({"cloud_bits": [3], "cloud_codes": [255]}, (255,), (3,)),
    ],
)
def test_what_a_mask_file_calls_cloud_is_named_or_listed(
    tmp_path: Path, given: dict[str, Any], codes: tuple[int, ...], bits: tuple[int, ...]
) -> None:
    image(tmp_path / "a_2023-05-01.tif")
    image(tmp_path / "C_2023-05-01.tif")
    (scene,), _ = found(tmp_path, options("a_{date}.tif", cloud="C_{date}.tif", **given))
    write_scenes(tmp_path / "scenes.parquet", [scene])
    assert list(read_scenes(tmp_path / "scenes.parquet")) == [scene]
    cloud = scene.frames[0].cloud
    assert cloud is not None
    assert (cloud.codes, cloud.bits) == (codes, bits)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"cloud_format": "slc"}, 'no cloud_format slc; did you mean "scl"'),
        ({"cloud_format": "scl", "cloud_codes": [1]}, "leave cloud_codes and cloud_bits out"),
        ({"cloud_bits": [-1]}, "greater than or equal to 0"),
    ],
)
def test_a_mask_format_that_means_two_things_is_refused(tmp_path: Path, given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        scan("rasters", tmp_path, options("a_{date}.tif", cloud="C_{date}.tif", **given))


def test_two_files_of_one_day_leave_one(tmp_path: Path) -> None:
    for time in ("20230501T100000", "20230501T110000"):
        image(tmp_path / f"a_{time}.tif", date=None)
    (scene,), drops = found(tmp_path, options("{scene}_{date}.tif"))
    assert [frame.datetime for frame in scene.frames] == ["2023-05-01T10:00:00Z"]
    assert [drop.reason for drop in drops] == ["duplicate_date"]


def test_a_pattern_that_two_files_fit_is_refused(tmp_path: Path) -> None:
    """One of them would be taken without a word."""
    image(tmp_path / "a" / "one.tif")
    image(tmp_path / "a" / "two.tif")
    with pytest.raises(DataError, match="two files fit"):
        found(tmp_path, options("{scene}/*.tif"))


def test_a_place_named_twice_must_be_the_same(tmp_path: Path) -> None:
    image(tmp_path / "a" / "a.tif")
    image(tmp_path / "a" / "b.tif")
    scenes, _ = found(tmp_path, options("{scene}/{scene}.tif"))
    assert [scene.files() for scene in scenes] == [["a/a.tif"]]


def test_characters_of_a_pattern_mean_themselves(tmp_path: Path) -> None:
    image(tmp_path / "a+(1).tif")
    image(tmp_path / "axx1x.tif")
    scenes, _ = found(tmp_path, options("{scene}+(1).tif"))
    assert [scene.scene_id for scene in scenes] == ["a"]


def test_folders_between_are_found(tmp_path: Path) -> None:
    for name in ("a_x.tif", "one/b_x.tif", "one/two/c_x.tif", "d_y.tif"):
        image(tmp_path / name)
    scenes, _ = found(tmp_path, options("**/{scene}_x.tif"))
    assert [scene.scene_id for scene in scenes] == ["a", "b", "c"]
    image(tmp_path / "[e]?.tif")
    scenes, _ = found(tmp_path, options("[{scene}]?.tif"))
    assert [scene.scene_id for scene in scenes] == ["e"]


def test_scanning_is_silent(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """The reason is in the drop: GDAL need not print its own line to the terminal."""
    write_tiff(tmp_path / "a.tif", positions(20, 30), None, None, bands=BANDS)
    recwarn.clear()
    _, drops = found(tmp_path, options("{scene}.tif"))
    assert drops[0].reason == "no_crs"
    assert not [entry for entry in recwarn if "georef" in str(entry.message).lower()]


def test_band_names_of_the_recipe_win(tmp_path: Path) -> None:
    image(tmp_path / "a.tif")
    (scene,), _ = found(tmp_path, options("{scene}.tif", bands=[["B8A", "B09"]]))
    assert scene.frames[0].assets[0].bands == ("B8A", "B09")


def test_imagery_without_a_place_must_be_meant(tmp_path: Path) -> None:
    image(tmp_path / "a.tif", transform=None, crs=None)
    _, drops = found(tmp_path, options("{scene}.tif", gsd_m=0.5))
    assert drops[0].reason == "no_crs", "a pixel size alone does not say that no CRS is right"
    (scene,), _ = found(tmp_path, options("{scene}.tif", gsd_m=0.5, allow_no_crs=True))
    assert (scene.grid.crs, scene.grid.gsd_m) == (None, 0.5)


def test_last_date_labels(tmp_path: Path) -> None:
    for date in ("2023-05-01", "2023-06-01"):
        image(tmp_path / f"a_{date}.tif", date=None)
    write_tiff(tmp_path / "a_l.tif", np.full((20, 30), 10, np.uint8), PLACE, UTM33)
    given = options("{scene}_{date}.tif", label="{scene}_l.tif", legend="worldcover", label_frame="last")
    (scene,), _ = found(tmp_path, given)
    assert scene.label_frame == "t1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": "{scene}.tif"}, "needs a legend"),
        ({"label": "{scene}.tif", "legend": "worldcovr"}, 'did you mean "worldcover"'),
        ({"label": "map_{date}.tif", "legend": "worldcover"}, "leave {date} out"),
        ({"bands": [["a"], ["b"]]}, "bands names 2 files"),
        ({"bands": [["a", "a"]]}, "given twice"),
        ({"allow_no_crs": True}, "needs gsd_m"),
        ({"gsd_m": 0}, "greater than 0"),
        ({"pair_days": -1}, "greater than or equal to 0"),
        ({"lable": "x"}, 'did you mean "label"'),
        ({"modality": "radar"}, "optical"),
        ({"label": "/etc/passwd", "legend": "worldcover"}, "relative to source.root"),
        ({"label": "../{scene}.tif", "legend": "worldcover"}, "relative to source.root"),
        ({"cloud": ""}, "relative to source.root"),
    ],
)
def test_a_wrong_recipe_is_told_before_a_file_is_opened(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match="source") as caught:
        scan("rasters", tmp_path, options("{scene}.tif", **given))
    assert message in str(caught.value)


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"source.frames\[0\].files\[0\]: matches no file under .*no file at all"):
        found(tmp_path, options("{scene}.tif"))
    with pytest.raises(DataError, match="no such folder"):
        scan("rasters", tmp_path / "absent", options("{scene}.tif"))
    with pytest.raises(ConfigError, match='did you mean "rasters"'):
        scan("raster", tmp_path, options("{scene}.tif"))


def test_files_that_name_no_scene_are_matched_by_the_ground(tmp_path: Path) -> None:
    """Two tiles side by side; one swath covers the first whole and a third of the second, another lies far away."""
    for name, x in (("west", 400000), ("east", 400300)):
        image(tmp_path / f"{name}_2023-05-01.tif", transform=north_up(x, 5400000, 10))
    for date, x in (("20230502t051841", 400000), ("20230503T051841", 900000)):
        pixels = np.full((2, 20, 40), -10, np.float32)
        write_tiff(tmp_path / f"swath-{date}-1.tif", pixels, north_up(x, 5400000, 10), bands=("VV", "VH"))
    for name, x in (("m1", 400000), ("m2", 400250)):
        write_tiff(tmp_path / "maps" / f"{name}.tif", np.full((20, 25), 10, np.uint8), north_up(x, 5400000, 10))
    given = {
        "frames": [
            {"modality": "optical", "files": ["{scene}_{date}.tif"]},
            {"modality": "sar", "files": ["swath-{date}-*.tif"], "unit": "dB"},
        ],
        "label": "maps/*.tif",
        "legend": "worldcover",
    }
    scenes, drops = found(tmp_path, given)
    assert [(scene.scene_id, [frame.modality for frame in scene.frames]) for scene in scenes] == [
        ("east", ["optical"]),
        ("west", ["optical", "sar"]),
    ]
    assert scenes[1].frames[1].datetime == "2023-05-02T05:18:41Z"
    assert [scene.label.path for scene in scenes if scene.label] == ["maps/m2.tif", "maps/m1.tif"]
    assert [(drop.item, drop.reason) for drop in drops] == [
        ("east/sar/swath-20230502t051841-1.tif", "covers_too_little"),
        ("east/label", "label_covers_part"),
        ("west/label", "label_covers_part"),
    ]
