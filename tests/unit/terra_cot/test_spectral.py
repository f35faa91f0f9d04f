"""An index or a backscatter of a region is the mean that its formula gives by hand, from bands found by name."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from affine import Affine

from terra_cot.errors import DataError
from terra_cot.evidence import FACTS, Ground, evidence, measure_fact
from terra_cot.geo.grid import Grid
from terra_cot.pixels import encode
from terra_cot.pixels.images import TileImages
from terra_cot.pixels.spectral import DECIBEL, REFLECTANCE, Image, band_names, formula
from terra_cot.tile import FrameRecord, TileRecord

SIDE = 12
GRID = Grid("EPSG:32633", Affine(10, 0, 300000, 0, -10, 5400000), SIDE, SIDE, 10.0)
SURFACE = encode.Meaning(REFLECTANCE, 0.0001, -0.1)


def record(
    pixels: dict[str, np.ndarray],
    meaning: encode.Meaning | None,
    modality: Any = "optical",
    nodata: float | None = None,
    **more: Any,
) -> FrameRecord:
    names = tuple(pixels)
    raster = encode.geotiff(np.stack(list(pixels.values())), names, GRID, nodata, {}, meaning)
    still = (0.0, 0.0)
    return FrameRecord(
        "t0", modality, "2023-05-01T00:00:00Z", b"", raster, names, None, 0.0, still, None, None, "alone", **more
    )


def optical(**more: Any) -> FrameRecord:
    """Values that encode their position, in digital numbers of reflectance x 10000 + 1000."""
    ramp = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)
    bands = {"B02": 1100 + ramp, "B03": 1500 + ramp, "B04": 1300 + 2 * ramp, "B08": 4000 + 3 * ramp, "B12": 2500 + ramp}
    return record(bands, SURFACE, **more)


MASK = np.zeros((SIDE, SIDE), np.bool_)
MASK[2:7, 3:9] = True


def by_hand(first: int, second: int, mask: np.ndarray, slopes: tuple[int, int]) -> float:
    total = []
    for row, column in zip(*np.nonzero(mask), strict=True):
        at = int(row) * SIDE + int(column)
        a, b = ((start + slope * at) * 0.0001 - 0.1 for start, slope in ((first, slopes[0]), (second, slopes[1])))
        total.append((a - b) / (a + b))
    return math.fsum(total) / len(total)


def test_an_index_is_the_mean_of_its_formula_on_reflectance() -> None:
    image = Image(optical())
    assert image.mean("ndvi", MASK) == pytest.approx(by_hand(4000, 1300, MASK, (3, 2)), rel=1e-12)
    assert image.mean("ndwi", MASK) == pytest.approx(by_hand(1500, 4000, MASK, (1, 3)), rel=1e-12)
    assert image.mean("nbr", MASK) == pytest.approx(by_hand(4000, 2500, MASK, (3, 1)), rel=1e-12)
    assert image.mean("backscatter_vv", MASK) is None
    assert formula("ndvi", optical().bands) == "(B08 - B04) / (B08 + B04)"


def test_the_offset_counts() -> None:
    """Sentinel-2 of processing baseline 04.00 on: leaving -1000 out moves an NDVI by tenths."""
    wrong = Image(record({"B04": np.full((SIDE, SIDE), 1400), "B08": np.full((SIDE, SIDE), 3000)},
                         encode.Meaning(REFLECTANCE, 0.0001)))  # fmt: skip
    right = Image(record({"B04": np.full((SIDE, SIDE), 1400), "B08": np.full((SIDE, SIDE), 3000)}, SURFACE))
    assert wrong.mean("ndvi", MASK) == pytest.approx(1600 / 4400)
    assert right.mean("ndvi", MASK) == pytest.approx(1600 / 2400)


def test_cloud_and_no_data_are_left_out() -> None:
    cloud = np.zeros((SIDE, SIDE), np.uint8)
    cloud[2:4] = 255
    clear = MASK & (cloud == 0)
    image = Image(optical(cloud=encode.png(cloud)))
    assert image.mean("ndvi", MASK) == pytest.approx(by_hand(4000, 1300, clear, (3, 2)), rel=1e-12)
    nir, red = np.full((SIDE, SIDE), 0.4, np.float32), np.full((SIDE, SIDE), 0.1, np.float32)
    red[2:4] = np.nan
    nir[6] = 0.9
    holes = Image(record({"red": red, "nir": nir}, encode.Meaning(REFLECTANCE), nodata=float("nan")))
    assert holes.mean("ndvi", MASK) == pytest.approx((2 * 0.6 + 0.8) / 3, rel=1e-6)


@pytest.mark.parametrize(
    ("frame", "quantity"),
    [
        (optical(cloud_flag=True), "ndvi"),  # cloud somewhere, nobody knows where
        (optical(cloud=encode.png(np.full((SIDE, SIDE), 255, np.uint8))), "ndvi"),
        (replace(optical(), raster=None), "ndvi"),
        (record({"B04": MASK.astype(np.uint16), "B08": MASK.astype(np.uint16)}, None), "ndvi"),  # no scale stated
        (record({"B04": np.zeros((SIDE, SIDE), np.uint16), "B08": np.zeros((SIDE, SIDE), np.uint16)}, SURFACE), "ndvi"),
        (optical(), "backscatter_vh"),
        (record({"VV": MASK.astype(np.float32)}, None, "sar"), "backscatter_vv"),  # of no known unit
        (record({"VV": MASK.astype(np.float32)}, encode.Meaning(DECIBEL), "sar"), "backscatter_vh"),
    ],
)
def test_what_cannot_be_measured_is_none(frame: FrameRecord, quantity: str) -> None:
    assert Image(frame).mean(quantity, MASK) is None


def test_a_region_needs_half_of_its_pixels_and_nine() -> None:
    cloud = np.zeros((SIDE, SIDE), np.uint8)
    cloud[2:5] = 255  # 18 of the 30
    assert Image(optical(cloud=encode.png(cloud))).mean("ndvi", MASK) is None
    small = np.zeros_like(MASK)
    small[0, :8] = True
    assert Image(optical()).mean("ndvi", small) is None
    small[0, 8] = True
    assert Image(optical()).mean("ndvi", small) is not None


def test_backscatter_is_mean_power_in_db() -> None:
    """The mean of -10 and -20 dB is 0.055, that is -12.6 dB, not -15."""
    vv = np.full((SIDE, SIDE), -10.0, np.float32)
    vv[:, 6:] = -20.0
    frame = record({"VV": vv, "VH": vv - 7}, encode.Meaning(DECIBEL), "sar")
    assert Image(frame).mean("backscatter_vv", MASK) == pytest.approx(10 * math.log10(0.055), rel=1e-9)
    assert Image(frame).mean("backscatter_vh", MASK) == pytest.approx(10 * math.log10(0.055) - 7, rel=1e-6)


def tile(*frames: FrameRecord) -> TileRecord:
    return TileRecord(
        "tile", frames, None, None, None, "EPSG:32633", tuple(GRID.transform[:6]), SIDE, SIDE, 10.0, "test", "tile",
        "CC0-1.0", "train", 15.0, 48.0,
    )  # fmt: skip


def test_facts_of_images_are_measured_on_the_date_of_the_mask_or_on_the_one_named() -> None:
    later = replace(
        record({"B04": np.full((SIDE, SIDE), 3000), "B08": np.full((SIDE, SIDE), 3500)}, SURFACE), frame="t1",
        cloud_fraction=0.25,
    )  # fmt: skip
    ground = Ground(100, 10.0, ("t0", "t1"), TileImages(tile(optical(), later)))
    masks = [MASK, ~MASK]
    there = Image(optical()).mean("ndvi", MASK)
    assert measure_fact(evidence("ndvi", (0,), 0), masks, ground) == there
    assert measure_fact(evidence("ndvi", (1,), 0), masks, ground) == pytest.approx(500 / 4500)
    assert measure_fact(evidence("ndvi@t1", (0,), 0), masks, ground) == pytest.approx(500 / 4500)
    assert measure_fact(evidence("ndvi@t7", (0,), 0), masks, ground) is None
    assert measure_fact(evidence("cloud", (), 0), masks, ground) is None, "nobody knows"
    assert measure_fact(evidence("cloud@t1", (), 0), masks, ground) == 25.0
    rest = Image(optical()).mean("ndvi", ~MASK)
    assert there is not None
    assert rest is not None
    assert measure_fact(evidence("ndvi_contrast", (0,), 0), masks, ground) == pytest.approx(there - rest, rel=1e-12)
    assert measure_fact(evidence("ndvi", (0,), 0), masks, Ground(100, 10.0)) is None, "no images at hand"
    with pytest.raises(DataError, match="unknown fact"):
        measure_fact(replace(evidence("pixels", (0,), 0), fact="pixels@t1"), masks, ground)


def test_every_fact_of_an_image_has_bands_and_a_unit() -> None:
    for name, fact in FACTS.items():
        assert (fact.rule is None) != (fact.image_rule is None), name
    assert band_names("nbr", ("B8A", "B12")) == ("B8A", "B12")
    assert band_names("nbr", ("B08", "B11")) is None
    assert band_names("ndvi", ("RED", "NIR")) == ("NIR", "RED")
    assert {FACTS[name].unit for name in ("ndvi", "ndwi_contrast", "nbr")} == {"index"}
    assert {FACTS[name].unit for name in ("backscatter_vv", "backscatter_vh_contrast")} == {"dB"}
