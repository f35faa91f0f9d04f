"""Cloud is what the source or a named rule says; what cannot be known is null and says why, never clear by default."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from geofactory import UTM33, north_up, write_tiff
from numpy.typing import NDArray

from terra_cot.cloud import CloudOptions, find_cloud, require
from terra_cot.cloud.formats import FORMATS, MaskFormat, masked
from terra_cot.cloud.s2cloudless import BANDS as S2CLOUDLESS
from terra_cot.cloud.s2cloudless import detector
from terra_cot.cut import TileOptions, cut_scene
from terra_cot.errors import ConfigError, DataError
from terra_cot.filters import annotation_reason, shown_modalities
from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid
from terra_cot.recipe import make_recipe
from terra_cot.reference import clarity, reference_frame
from terra_cot.scene import Asset, CloudAsset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.tile import TileRecord

GRID = Grid(UTM33, north_up(400000, 5400000, 10), 64, 64, 10.0)
TOA = {"scale": 0.0001, "level": "toa"}
SPECTRAL = CloudOptions.model_validate({"method": "spectral", "reflectance": TOA})
LEARNED = CloudOptions.model_validate({"method": "s2cloudless", "reflectance": TOA})
LAND = {"B02": 0.08, "B03": 0.09, "B04": 0.07, "B08": 0.35, "B11": 0.2}
CLOUD = {"B02": 0.5, "B03": 0.5, "B04": 0.5, "B08": 0.6, "B11": 0.4}


def frame(bands: dict[str, NDArray[Any]], **more: Any) -> Frame:
    """A frame of HW bands, all valid."""
    pixels = np.stack(list(bands.values()))
    given = {"valid": np.ones(GRID.shape, np.bool_), "cloud": None, "modality": "optical", "frame": "t0", **more}
    return Frame(datetime="2023-05-01T00:00:00Z", bands=tuple(bands), pixels=pixels, grid=GRID, **given)


def surface(values: dict[str, float] = LAND) -> dict[str, NDArray[np.uint16]]:
    return {name: np.full(GRID.shape, round(value * 1e4), np.uint16) for name, value in values.items()}


def paint(bands: dict[str, NDArray[np.uint16]], where: tuple[slice, slice], values: dict[str, float]) -> None:
    for name, value in values.items():
        bands[name][where] = round(value * 1e4)


MIDDLE = np.s_[20:40, 20:40]


def test_the_named_formats_call_cloud_and_shadow_and_nothing_else() -> None:
    scl = masked(np.arange(12, dtype=np.uint8), FORMATS["scl"])
    assert np.flatnonzero(scl).tolist() == [3, 8, 9, 10], "snow (11), water (6) and dark land (2) are no cloud"
    qa60 = np.array([0, 1024, 2048, 3072, 512], np.uint16)
    assert masked(qa60, FORMATS["qa60"]).tolist() == [False, True, True, True, False]
    clear, water, snow = 21824, 21952, 30048  # values of USGS's own table of Landsat 8 QA_PIXEL
    cloud, shadow, cirrus = 22280, 23888, 54596
    table = np.array([clear, water, snow, cloud, shadow, cirrus], np.uint16)
    assert masked(table, FORMATS["qa_pixel"]).tolist() == [False, False, False, True, True, True]
    old = np.array([2720, 2976, 2800, 3008], np.uint16)  # clear, high shadow, cloud (Landsat 8 BQA, Collection 1)
    assert masked(old, FORMATS["bqa"])[:3].tolist() == [False, True, True]
    fmask = np.array([0b01000000, 0b10, 0b100, 0b1000, 0b10000, 0b100000], np.uint8)
    assert masked(fmask, FORMATS["fmask"]).tolist() == [False, True, True, True, False, False]


def test_codes_and_bits_are_joined_and_bits_need_whole_numbers() -> None:
    values = np.array([0, 4, 9, 255], np.uint8)
    assert masked(values, MaskFormat((255,), (2,))).tolist() == [False, True, False, True]
    assert not masked(values, MaskFormat()).any()
    with pytest.raises(DataError, match="whole numbers"):
        masked(values.astype(np.float32), FORMATS["qa60"])
    with pytest.raises(DataError, match="bit 11 of a mask of uint8"):
        masked(values, FORMATS["qa60"])


def test_the_spectral_rule_sees_a_cloud_and_leaves_roofs_soil_and_snow() -> None:
    bands = surface()
    paint(bands, MIDDLE, CLOUD)
    paint(bands, np.s_[5, 5], CLOUD)  # one pixel: a roof
    paint(bands, np.s_[50:60, 5:15], {"B02": 0.25, "B03": 0.35, "B04": 0.45, "B08": 0.5, "B11": 0.5})  # desert soil
    paint(bands, np.s_[50:60, 40:50], {"B02": 0.8, "B03": 0.8, "B04": 0.78, "B08": 0.7, "B11": 0.08})  # snow
    found = find_cloud(frame(bands), SPECTRAL)
    expected = np.zeros(GRID.shape, np.bool_)
    expected[MIDDLE] = True
    assert found.sum() >= expected.sum() - 4, "an opening may round the corners"
    assert not (found & ~expected).any()


def test_a_shadow_is_dark_and_near_a_cloud_and_not_water() -> None:
    dark, water = {"B02": 0.07, "B03": 0.05, "B08": 0.1}, {"B02": 0.07, "B03": 0.06, "B08": 0.03}
    bands = surface()
    paint(bands, np.s_[44:54, 20:40], dark)
    paint(bands, np.s_[44:54, 44:54], water)
    assert not find_cloud(frame(bands), SPECTRAL).any(), "no cloud, no shadow"
    paint(bands, MIDDLE, CLOUD)
    found = find_cloud(frame(bands), SPECTRAL)
    assert found[45:53, 21:39].all()
    assert not found[44:54, 44:54].any()
    near = CloudOptions.model_validate({**SPECTRAL.model_dump(), "spectral": {"shadow_reach_m": 50}})
    assert not find_cloud(frame(bands), near)[46:].any(), "50 m are five pixels"


def test_blue_alone_is_enough_and_nothing_less(tmp_path: Path) -> None:
    bands = surface()
    paint(bands, MIDDLE, CLOUD)
    assert find_cloud(frame({"blue": bands["B02"]}), SPECTRAL)[MIDDLE].mean() > 0.98
    with pytest.raises(DataError, match="no blue band") as caught:
        find_cloud(frame({"B08": bands["B08"]}), SPECTRAL)
    assert caught.value.reason == "cloud_bands_missing"


def test_invalid_pixels_are_neither_cloud_nor_asked() -> None:
    bands = surface()
    paint(bands, np.s_[:, :32], CLOUD)
    valid = np.ones(GRID.shape, np.bool_)
    valid[:16] = False
    found = find_cloud(frame(bands, valid=valid), SPECTRAL)
    assert not found[:16].any()
    assert found[16:, :32].mean() > 0.99
    assert not find_cloud(frame(bands, valid=np.zeros(GRID.shape, np.bool_)), SPECTRAL).any()


@pytest.mark.parametrize("scale", [1.0, 1e-8])
def test_a_scale_that_cannot_be_true_is_refused(scale: float) -> None:
    stated = CloudOptions.model_validate({"method": "spectral", "reflectance": {"scale": scale, "level": "toa"}})
    with pytest.raises(DataError, match="not reflectance by the scale") as caught:
        find_cloud(frame(surface()), stated)
    assert caught.value.reason == "not_reflectance"


def test_display_values_are_no_reflectance() -> None:
    picture = {name: np.full(GRID.shape, 200, np.uint8) for name in ("red", "green", "blue")}
    with pytest.raises(DataError, match="8-bit display values"):
        find_cloud(frame(picture), SPECTRAL)


def test_the_offset_of_newer_baselines_is_taken_off() -> None:
    bands = {name: (values + 1000).astype(np.uint16) for name, values in surface().items()}
    bands["B02"] += np.uint16(500)  # 0.13: clear; 0.23 if the offset were forgotten
    newer = CloudOptions.model_validate({"method": "spectral", "reflectance": {**TOA, "offset": -0.1}})
    assert not find_cloud(frame(bands), newer).any()
    assert find_cloud(frame(bands), SPECTRAL).any()


def test_s2cloudless_needs_every_band_and_says_which_is_missing() -> None:
    bands = dict.fromkeys([name for name in S2CLOUDLESS if name != "B10"], surface()["B02"])
    with pytest.raises(DataError, match="no B10: s2cloudless needs all") as caught:
        find_cloud(frame(bands), LEARNED)
    assert caught.value.reason == "cloud_bands_missing"


def test_a_missing_extra_is_told_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("s2cloudless"):
            raise ImportError("No module named 's2cloudless'")
        return real(name, *rest, **more)

    detector.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r'pip install "terra-cot\[cloud\]"'):
        require(LEARNED)
    require(SPECTRAL)


@pytest.mark.parametrize(
    ("cloud", "message"),
    [
        ({"method": "spectral"}, "needs reflectance"),
        ({"method": "s2cloudless", "reflectance": {"scale": 1e-4, "level": "surface"}}, "level must be toa"),
        ({"method": "spectral", "reflectance": {"scale": 1e-4}}, "tile.cloud.reflectance.level"),
        ({"method": "fmask"}, "tile.cloud.method"),
        ({"spectral": {"edge_blue": 0.5}}, "edge_blue is above core_blue"),
        ({"methd": "given"}, "unknown key"),
    ],
)
def test_a_recipe_that_leaves_something_to_guess_is_refused(cloud: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_recipe({"name": "x", "source": {"kind": "world", "root": "."}, "tile": {"cloud": cloud}})


def scene(root: Path, *, cover: float = 0.0, cloud: CloudAsset | None = None, **more: Any) -> Scene:
    """An optical image whose upper `cover` is cloud, a SAR image and a label map."""
    bands = surface()
    paint(bands, np.s_[: round(64 * cover), :], CLOUD)
    write_tiff(root / "s2.tif", np.stack(list(bands.values())), GRID.transform, bands=tuple(bands))
    write_tiff(root / "s1.tif", np.full((2, 64, 64), -12, np.float32), GRID.transform)
    write_tiff(root / "map.tif", np.full((64, 64), 10, np.uint8), GRID.transform)
    sar = more.pop("sar", True)
    frames = [SceneFrame("t0", "2023-05-01T00:00:00Z", "optical", (Asset("s2.tif", tuple(bands)),), cloud, **more)]
    if sar:
        frames.append(SceneFrame("t0", "2023-05-01T00:00:00Z", "sar", (Asset("s1.tif", ("VV", "VH")),)))
    return Scene("s", "test", str(root), tuple(frames), GRID, LabelAsset("map.tif", "worldcover"), "t0", whole=True)


def cut(described: Scene, cloud: CloudOptions | None = None) -> tuple[TileRecord, list[Drop]]:
    items = list(cut_scene(described, TileOptions(cloud=cloud or CloudOptions())))
    (record,) = [item for item in items if isinstance(item, TileRecord)]
    return record, [item for item in items if isinstance(item, Drop)]


def mask_file(root: Path, cover: float, **more: Any) -> CloudAsset:
    values = np.zeros((64, 64), np.uint8)
    values[: round(64 * cover)] = 1
    write_tiff(root / "mask.tif", values, more.pop("transform", GRID.transform), **more)
    return CloudAsset("mask.tif", (1,))


def test_each_method_fills_the_fraction_or_leaves_it_null(tmp_path: Path) -> None:
    given = scene(tmp_path, cover=0.5, cloud=mask_file(tmp_path, 0.25))
    fractions = {
        method: cut(given, CloudOptions.model_validate({"method": method, "reflectance": TOA}))[0].frames
        for method in ("given", "none", "spectral")
    }
    assert fractions["given"][0].cloud_fraction == 0.25
    assert fractions["none"][0].cloud_fraction is None
    assert fractions["spectral"][0].cloud_fraction == pytest.approx(0.5, abs=0.01)
    assert all(frames[1].cloud_fraction is None for frames in fractions.values()), "SAR sees through"
    assert cut(scene(tmp_path, cover=0.5))[0].frames[0].cloud_fraction is None, "no mask given: unknown, not clear"


def test_a_rule_that_cannot_run_leaves_the_frame_and_says_why(tmp_path: Path) -> None:
    record, drops = cut(scene(tmp_path), LEARNED)
    assert [(drop.level, drop.item, drop.reason) for drop in drops] == [
        ("frame", "s/t0/optical/cloud", "cloud_bands_missing")
    ]
    assert [entry.cloud_fraction for entry in record.frames] == [None, None]


def test_a_mask_that_covers_part_of_the_image_is_not_taken_for_clear(tmp_path: Path) -> None:
    """A mask 20 m short counts as cloud there; one that leaves out half the image is no mask of it."""
    inside = mask_file(tmp_path, 0.0, transform=GRID.transform @ Affine.translation(0, 2))
    record, drops = cut(scene(tmp_path, cloud=inside))
    assert (record.frames[0].cloud_fraction, drops) == (2 / 64, [])
    half = mask_file(tmp_path, 0.0, transform=GRID.transform @ Affine.translation(0, 32))
    record, drops = cut(scene(tmp_path, cloud=half))
    assert record.frames[0].cloud_fraction is None
    assert [drop.reason for drop in drops] == ["cloud_mask_incomplete"]


def test_an_unreadable_mask_costs_the_mask_and_not_the_image(tmp_path: Path) -> None:
    (tmp_path / "mask.tif").write_bytes(b"II*\0 and no more")
    record, drops = cut(scene(tmp_path, cloud=CloudAsset("mask.tif", (1,))))
    assert len(record.frames) == 2
    assert [(drop.item, drop.reason) for drop in drops] == [("s/t0/optical/cloud", "unreadable")]


def test_a_mask_of_three_bands_is_a_picture(tmp_path: Path) -> None:
    write_tiff(tmp_path / "mask.tif", np.ones((3, 64, 64), np.uint8), GRID.transform)
    record, drops = cut(scene(tmp_path, cloud=CloudAsset("mask.tif", (1,))))
    assert record.frames[0].cloud_fraction is None
    assert [drop.reason for drop in drops] == ["bad_cloud_mask"]


def test_a_clear_code_declared_as_no_data_is_told(tmp_path: Path) -> None:
    _, (drop,) = cut(scene(tmp_path, cloud=mask_file(tmp_path, 0.5, nodata=0)))
    assert "rio edit-info --unset-nodata" in drop.detail


def test_an_overcast_tile_with_sar_stays_and_leans_on_it(tmp_path: Path) -> None:
    record, drops = cut(scene(tmp_path, cloud=mask_file(tmp_path, 0.9)))
    assert record.frames[0].cloud_fraction == pytest.approx(0.9, abs=0.01)
    assert drops == []
    assert annotation_reason(record, 5) is None
    assert shown_modalities(record) == [("sar",), ("optical", "sar")], "never the optical image alone"
    alone, _ = cut(scene(tmp_path, cloud=mask_file(tmp_path, 0.9), sar=False))
    reason = annotation_reason(alone, 5)
    assert reason
    assert reason[0] == "cloud_without_sar"


def test_a_flag_without_a_place_leaves_the_fraction_null_and_leans_on_sar(tmp_path: Path) -> None:
    record, _ = cut(scene(tmp_path, cloud_flag=True))
    assert (record.frames[0].cloud_fraction, record.frames[0].cloud_flag) == (None, True)
    assert record.frames[1].cloud_flag is None
    assert shown_modalities(record) == [("sar",), ("optical", "sar")]
    known, _ = cut(scene(tmp_path, cloud_flag=True, cloud=mask_file(tmp_path, 0.1)))
    assert ("optical",) in shown_modalities(known), "a mask knows better than a flag"
    clear, _ = cut(scene(tmp_path, cloud_flag=False))
    assert (clear.frames[0].cloud_fraction, clear.frames[0].cloud_flag) == (None, False)
    assert ("optical",) in shown_modalities(clear)


def series(*shares: float | None) -> list[Frame]:
    """Frames t0, t1, ... of which these shares are cloud; None without a mask."""
    frames = []
    for number, share in enumerate(shares):
        cloud = None if share is None else np.arange(64 * 64).reshape(GRID.shape) < share * 64 * 64
        frames.append(frame(surface(), frame=f"t{number}", cloud=cloud))
    return frames


@pytest.mark.parametrize(
    ("shares", "label_frame", "expected"),
    [
        ((0.9, 0.1, 0.4), None, "t1"),
        ((0.9, 0.1, 0.4), "t0", "t0"),
        ((0.2, 0.2, 0.2), None, "t0"),
        ((0.003, 0.0), None, "t0"),
        ((None, None), None, "t0"),
        ((None, 0.1), None, "t1"),
        ((0.9, None), None, "t1"),
    ],
)
def test_the_reference_is_the_labelled_date_else_the_clearest(
    shares: tuple[float | None, ...], label_frame: str | None, expected: str
) -> None:
    assert reference_frame(series(*shares), label_frame).frame == expected


def test_no_data_is_not_clear() -> None:
    valid = np.zeros(GRID.shape, np.bool_)
    valid[:16] = True
    assert clarity(frame(surface(), modality="sar", valid=valid)) == 0.25
    assert clarity(frame(surface(), modality="sar")) == 1.0
