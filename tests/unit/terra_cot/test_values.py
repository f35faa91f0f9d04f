"""What numbers mean is said by the file, its metadata or the recipe; where nobody says it, that is the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from archives.safe import s1_calibration, s2_metadata
from geofactory import north_up, write_tiff

from terra_cot.errors import ConfigError, DataError
from terra_cot.pixels.read import SceneReader
from terra_cot.pixels.sentinel1 import read_calibration
from terra_cot.pixels.sentinel2 import read_product
from terra_cot.pixels.values import in_db, rescaled, sar_unit
from terra_cot.scene import Drop, Scale, Scene
from terra_cot.sources import scan

PLACE = north_up(400000, 5400000, 10)


def entries(root: Path, modality: str, **given: Any) -> list[Scene | Drop]:
    frame = {"modality": modality, "files": ["{scene}_{date}.tif"], **given}
    return list(scan("rasters", root, {"frames": [frame]}))


def radar(root: Path, dtype: type = np.float32, **said: Any) -> None:
    pixels = np.full((2, 20, 20), 100, dtype)
    write_tiff(root / "a_2023-05-01.tif", pixels, PLACE, bands=("VV", "VH"))
    with rasterio.open(root / "a_2023-05-01.tif", "r+") as file:
        if "units" in said:
            file.units = said["units"]
        if "tags" in said:
            file.update_tags(**said["tags"])
        if "band_tags" in said:
            for number in file.indexes:
                file.update_tags(number, **said["band_tags"])


@pytest.mark.parametrize(
    ("said", "recipe", "unit"),
    [
        ({"units": ("dB", "dB")}, {}, "dB"),
        ({"units": ("linear", "linear")}, {}, "linear"),
        ({"tags": {"UNIT": "dB"}}, {}, "dB"),
        ({"tags": {"units": "Amplitude"}}, {}, "amplitude"),
        ({"band_tags": {"UNIT": "power"}}, {}, "linear"),
        ({}, {"unit": "linear"}, "linear"),
        ({"tags": {"UNIT": "dB"}}, {"unit": "linear"}, "linear"),
    ],
)
def test_a_unit_comes_from_the_file_or_the_recipe(tmp_path: Path, said: Any, recipe: Any, unit: str) -> None:
    radar(tmp_path, **said)
    (found,) = entries(tmp_path, "sar", **recipe)
    assert isinstance(found, Scene)
    assert found.frames[0].unit == unit
    with SceneReader(found) as reader:
        pixels = reader.frame(found.frames[0], found.grid).pixels
    assert pixels[0, 0, 0] == {"dB": 100, "linear": 20, "amplitude": 40}[unit]


@pytest.mark.parametrize(
    "said",
    [{}, {"units": ("dB", "linear")}, {"units": ("m", "m")}, {"tags": {"UNIT": "digital number"}}],
    ids=["nothing", "two", "metres", "dn"],
)
@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_where_nobody_says_the_unit_the_frame_is_dropped(tmp_path: Path, dtype: type, said: Any) -> None:
    radar(tmp_path, dtype, **said)
    first, second = entries(tmp_path, "sar")
    assert isinstance(first, Drop)
    assert isinstance(second, Drop)
    assert (first.reason, second.reason) == ("unknown_sar_unit", "no_frames")
    assert "unit" in first.detail
    assert len(first.detail.splitlines()) == 1


def test_an_8_bit_picture_has_no_unit_and_is_shown_as_it_is(tmp_path: Path) -> None:
    radar(tmp_path, np.uint8)
    (found,) = entries(tmp_path, "sar")
    assert isinstance(found, Scene)
    assert found.frames[0].unit is None
    with SceneReader(found) as reader:
        frame = reader.frame(found.frames[0], found.grid)
    assert frame.pixels.dtype == np.uint8
    assert not frame.decibel


def optical(root: Path, scale: float = 1, add: float = 0) -> None:
    pixels = np.array([0, 5, 1000, 1001, 3000, 65535], np.uint16)[None, :, None] * np.ones((2, 1, 6), np.uint16)
    write_tiff(root / "a_2023-05-01.tif", pixels, PLACE, bands=("B03", "B02"))
    with rasterio.open(root / "a_2023-05-01.tif", "r+") as file:
        file.scales, file.offsets = (scale, scale), (add, add)


def test_an_offset_is_taken_from_the_recipe(tmp_path: Path) -> None:
    optical(tmp_path)
    (found,) = entries(tmp_path, "optical", offset=-1000, nodata=0)
    assert isinstance(found, Scene)
    with SceneReader(found) as reader:
        frame = reader.frame(found.frames[0], found.grid)
    assert frame.pixels[0, :, 0].tolist() == [0, 0, 0, 1, 2000, 64535]
    assert frame.valid[:, 0].tolist() == [False, True, True, True, True, True], "no data before, dark after"
    assert frame.reflectance


@pytest.mark.parametrize(
    ("scale", "add", "expected"),
    [
        (0.0001, -0.1, [0, 0, 0, 1, 2000, 64535]),
        (0.0000275, -0.2, [-2000, -1998.625, -1725, -1724.725, -1175, 16022.125]),
    ],
    ids=["sentinel-2", "landsat"],
)
def test_a_declared_scale_is_taken_where_the_recipe_asks(
    tmp_path: Path, scale: float, add: float, expected: list[float]
) -> None:
    optical(tmp_path, scale, add)
    (found,) = entries(tmp_path, "optical", offset="declared")
    assert isinstance(found, Scene)
    with SceneReader(found) as reader:
        pixels = reader.frame(found.frames[0], found.grid).pixels
    np.testing.assert_allclose(pixels[0, :, 0], expected, rtol=1e-6)
    first, _ = entries(tmp_path, "optical")
    assert isinstance(first, Drop)
    assert first.reason == "scale_not_chosen", "neither applied nor ignored without a word"
    assert isinstance(entries(tmp_path, "optical", offset=0)[0], Scene)


def test_dtypes_and_identity() -> None:
    pixels = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    assert rescaled(pixels, (Scale(1, 0), Scale(1, 0))) is pixels
    moved = rescaled(pixels, (Scale(1, -3), Scale(1, 4)))
    assert moved.dtype == np.int16
    assert moved.ravel().tolist() == [-3, -2, -1, 0, 8, 9, 10, 11]
    assert rescaled(pixels, (Scale(2, 0.5), Scale(1, 0))).ravel().tolist() == [0.5, 2.5, 4.5, 6.5, 4, 5, 6, 7]
    assert in_db(pixels, "dB")[0] is pixels
    assert sar_unit([None, ""], [{"AREA_OR_POINT": "Area"}]) is None


@pytest.mark.parametrize("level", ["2A", "1C"])
def test_the_metadata_of_a_product_say_offset_and_no_data(tmp_path: Path, level: str) -> None:
    path = tmp_path / "MTD.xml"
    path.write_text(s2_metadata("0509", level).replace('band_id="3">-1000', 'band_id="3">-900'))
    product = read_product(path)
    assert product.nodata == 0
    assert (product.scale("B03"), product.scale("B04")) == (Scale(1, -1000), Scale(1, -900))
    assert set(product.scales) >= {"B01", "B8A", "B10", "B12"}
    path.write_text(s2_metadata("0301", level).replace(">10000<", ">20000<"))
    assert read_product(path).scale("B04") == Scale(0.5, 0)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("BOA_ADD_OFFSET>", "X>"),
        ('band_id="12"', 'band_id="99"'),
        (">-1000<", ">a lot<"),
        ("05.09", "new"),
        (">10000<", ">0<"),
        ("NODATA", "NOTHING"),
        ("Spectral_Information ", "X "),
        ("Level-2A", "Level-3"),
        ("<n1:General_Info>", "<n1:General_Info><"),
    ],
)
def test_metadata_without_what_they_must_have_are_refused(tmp_path: Path, was: str, becomes: str) -> None:
    text = s2_metadata("0509")
    assert was in text
    broken = text.replace(was, becomes) if was != "BOA_ADD_OFFSET>" else text.replace("BOA_ADD_OFFSET", "X")
    if was == "Spectral_Information ":
        broken = text.replace("<Spectral_Information ", "<X ").replace("</Spectral_Information>", "</X>")
    (tmp_path / "MTD.xml").write_text(broken)
    with pytest.raises(DataError) as caught:
        read_product(tmp_path / "MTD.xml")
    assert caught.value.reason == "bad_metadata"
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("kind", ["SLC", "holes", "negative", "absent", "cut"])
def test_a_calibration_that_cannot_be_used_is_refused(tmp_path: Path, kind: str) -> None:
    text = s1_calibration("vv", 100, 200, "SLC" if kind == "SLC" else "GRD")
    path = tmp_path / "c.xml"
    if kind == "holes":
        text = text.replace('<pixel count="6">0 ', '<pixel count="6">')
    if kind == "negative":
        text = text.replace("6.200000e+02", "-6.2e+02")
    if kind != "absent":
        path.write_text(text[:400] if kind == "cut" else text)
    with pytest.raises(DataError) as caught:
        read_calibration(path)
    assert caught.value.reason == ("missing_file" if kind == "absent" else "bad_metadata")


@pytest.mark.parametrize(
    ("modality", "given", "message"),
    [
        ("sar", {"offset": -1000}, "offset is that of optical"),
        ("optical", {"unit": "dB"}, "unit is that of a SAR image"),
        ("optical", {"metadata": ["{scene}.xml"], "offset": 0}, "leave offset out"),
        ("optical", {"metadata": ["{scene}.xml", "b", "c"]}, "one or each"),
        ("sar", {"metadata": ["{scene}.xml"], "unit": "dB"}, "leave unit out"),
        ("sar", {"unit": "decibel"}, "unit"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(tmp_path: Path, modality: str, given: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        entries(tmp_path, modality, **given)
