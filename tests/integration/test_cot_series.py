"""Series through the command line: long ones, clouded ones, and the same ground in the same colours on every date."""

from __future__ import annotations

import random
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from account import made
from geofactory import mosaic, moved, noise, north_up, reflectance, write_tiff
from numpy.typing import NDArray
from PIL import Image
from rasterio.io import MemoryFile

from terra_cot.tile import FrameRecord, TileRecord

PLACE = north_up(400000, 5400000, 10)
RGB = ("B02", "B03", "B04")


def picture(frame: FrameRecord) -> NDArray[np.uint8]:
    with Image.open(BytesIO(frame.image)) as image:
        return np.asarray(image)


def recipe(root: Path, size_px: int, *frames: dict[str, Any], **more: Any) -> dict[str, Any]:
    source = {"kind": "rasters", "root": str(root), "frames": list(frames), **more}
    return {"name": "series", "source": source, "tile": {"size_px": size_px}}


def test_sixty_dates_in_any_order(tmp_path: Path) -> None:
    """Read as 60 and 3 repeated: sorted, one a day, one reference (the clearest), each with what it does not show."""
    rng, side = random.Random(0), 128
    land = noise(1, side, side)
    days = [date(2022, 1, 1) + timedelta(days=6 * number) for number in range(60)]
    shifts = {day: (rng.uniform(-3, 3), rng.uniform(-3, 3)) for day in days}
    clearest, gaps = days[37], {}
    for number, day in enumerate(sorted(days, key=lambda day: rng.random())):
        cloud = np.zeros((side, side), np.uint8)
        if day != clearest:
            cloud[:24, : 20 + (7 * number) % 60] = 1
        write_tiff(tmp_path / "in" / f"{number:02d}" / "cloud.tif", cloud, PLACE)
        pixels = np.stack([reflectance(moved(land, *shifts[day])) + np.uint16(9 * band) for band in range(3)])
        gaps[day] = rng.randrange(0, 20)
        pixels[:, side - gaps[day] :] = 0
        place = PLACE
        write_tiff(
            tmp_path / "in" / f"{number:02d}" / "S2.tif", pixels, place, bands=RGB, nodata=0, date=f"{day}T10:10:00Z"
        )
    frames = [
        {"modality": "optical", "files": [f"{number:02d}/S2.tif"], "cloud": f"{number:02d}/cloud.tif"}
        for number in range(60)
    ]
    for number, again in enumerate((5, 20, 41)):  # a later image of a day that has one
        with MemoryFile((tmp_path / "in" / f"{again:02d}" / "S2.tif").read_bytes()) as memory, memory.open() as found:
            pixels, day = found.read(), found.tags()["DATETIME"][:10]
        write_tiff(tmp_path / "in" / f"again{number}.tif", pixels, PLACE, bands=RGB, nodata=0, date=f"{day}T10:20:00Z")
        frames.append({"modality": "optical", "files": [f"again{number}.tif"]})
    dataset = made(recipe(tmp_path / "in", side, *frames), tmp_path / "out")
    assert dataset.counts["frames_dropped"]["scan"] == {"duplicate_date": 3}
    assert {drop["item"].rsplit("/", 1)[1] for drop in dataset.drops if drop["reason"] == "duplicate_date"} == {
        f"again{number}.tif" for number in range(3)
    }
    (tile,) = dataset.tiles
    assert [frame.frame for frame in tile.frames] == [f"t{number}" for number in range(60)]
    assert [frame.datetime for frame in tile.frames] == [f"{day}T10:10:00Z" for day in days]
    reference = [frame.frame for frame in tile.frames if frame.shift_status == "reference"]
    assert reference == ["t37"], "the one without cloud"
    for frame, day in zip(tile.frames, days, strict=True):
        if frame.shift_status == "removed":
            expected = np.subtract(shifts[day], shifts[clearest])
            assert np.abs(np.subtract(frame.shift_px, expected)).max() < 0.35
        assert frame.raster is not None
        with MemoryFile(frame.raster) as memory, memory.open() as found:
            known = found.dataset_mask() > 0
        shown = picture(frame)
        assert frame.nodata_fraction == pytest.approx(1 - known.mean(), abs=1e-6)
        assert not shown[~known].any(), "what is not known is black"
        lost = gaps[day] + abs(frame.shift_px[0]) + abs(frame.shift_px[1])
        assert gaps[day] / side - 0.03 < frame.nodata_fraction < (lost + 3) / side, "each date its own"
    found_shift = [frame for frame in tile.frames if frame.shift_status in ("removed", "aligned")]
    assert len(found_shift) >= 56


def test_the_same_ground_has_the_same_colour_on_every_date(tmp_path: Path) -> None:
    """The stretch is the recipe's, not the tile's: snow, cloud or darkness elsewhere change no byte of a field. It is
    that of the bands' names, whatever their order, and of the value, whatever its type."""
    field = np.random.default_rng(0).integers(300, 2500, (3, 32, 32))
    around = {"2023-01-10": 9000, "2023-05-10": 40, "2023-07-10": 1500, "2023-09-10": 2900}
    orders = [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1)]
    for (day, value), order, dtype in zip(
        around.items(), orders, (np.uint16, np.int16, np.float32, np.uint16), strict=True
    ):
        pixels = np.full((3, 128, 128), value)
        pixels[:, 40:72, 50:82] = field
        names = [RGB[band] for band in order]
        write_tiff(tmp_path / "in" / f"a_{day}.tif", pixels[list(order)].astype(dtype), PLACE, bands=names)
    frames = {"modality": "optical", "files": ["{scene}_{date}.tif"]}
    values = recipe(tmp_path / "in", 64, frames)
    tiles = made({**values, "tile": {"size_px": 64, "align": False}}, tmp_path / "out").tiles
    assert len(tiles) == 4
    for tile in tiles:
        row, column = (64 * int(part[1:]) for part in tile.tile_id.split("_")[-2:])
        inside = np.zeros((128, 128), bool)
        inside[40:72, 50:82] = True
        part = inside[row : row + 64, column : column + 64]
        colours = [picture(frame)[part] for frame in tile.frames]
        assert len(colours) == 4
        assert len(np.unique(colours[0])) > 50
        for other in colours[1:]:
            np.testing.assert_array_equal(other, colours[0])
    whole = made({**values, "tile": {"size_px": 128, "align": False}}, tmp_path / "whole").tiles[0]
    np.testing.assert_array_equal(picture(whole.frames[0])[:64, :64], picture(tiles[0].frames[0]))


CODES = {
    "scl": (np.uint8, 4, (9, 8, 3, 10)),
    "qa60": (np.uint16, 0, (1024, 2048, 3072, 1024)),
    "qa_pixel": (np.uint16, 21824, (22280, 23888, 54596, 21826)),
    "bqa": (np.uint16, 2720, (2800, 6816, 2976, 2800)),
    "fmask": (np.uint8, 64, (2, 8, 1, 4)),
}


@pytest.mark.parametrize("name", [*CODES, "codes", "bits"])
def test_each_kind_of_mask_gives_the_share_of_each_tile(name: str, tmp_path: Path) -> None:
    """A quarter of the second tile, all of the third; snow, water and what else a mask may say is no cloud."""
    dtype, clear, cloudy = CODES.get(name, (np.uint8, 0, (2, 2, 2, 2)))
    mask = np.full((128, 128), clear, dtype)
    mask[:32, 64:96], mask[64:96, :32], mask[64:96, 32:64] = cloudy[0], cloudy[1], cloudy[2]
    mask[96:, :64] = cloudy[3]
    if name == "scl":
        mask[:32, :32], mask[96:, 64:] = 11, 6  # snow, water
    image = np.random.default_rng(0).integers(300, 2500, (3, 128, 128)).astype(np.uint16)
    write_tiff(tmp_path / "in" / "a_2023-05-01.tif", image, PLACE, bands=RGB)
    write_tiff(tmp_path / "in" / "a_2023-05-01_mask.tif", mask, PLACE)
    how: dict[str, Any] = {"codes": {"cloud_codes": [2]}, "bits": {"cloud_bits": [1]}}.get(name, {"cloud_format": name})
    frames = {"modality": "optical", "files": ["{scene}_{date}.tif"], "cloud": "{scene}_{date}_mask.tif", **how}
    tiles = made(recipe(tmp_path / "in", 64, frames), tmp_path / "out").tiles
    assert [tile.frames[0].cloud_fraction for tile in tiles] == [0.0, 0.25, 1.0, 0.0]


def overcast(root: Path, share: float) -> list[dict[str, Any]]:
    """A place of 128 px whose lower tiles are `share` cloud; a label map and a SAR image over the left half of it."""
    cloud = np.zeros((128, 128), np.uint8)
    cloud[64 : 64 + round(64 * share)] = 1
    image = np.stack([reflectance(noise(band, 128, 128)) for band in range(3)])
    image[:, cloud > 0] = 8000
    write_tiff(root / "a_2023-05-01.tif", image, PLACE, bands=RGB)
    write_tiff(root / "a_2023-05-01_mask.tif", cloud, PLACE)
    radar = np.stack([-12 + 3 * noise(9, 128, 128), -19 + 3 * noise(8, 128, 128)]).astype(np.float32)
    radar[:, :, 64:] = np.nan
    write_tiff(root / "a_2023-05-02_sar.tif", radar, PLACE, bands=("VV", "VH"), nodata=float("nan"))
    write_tiff(root / "a_map.tif", mosaic(3, 128, 128), PLACE, nodata=0)
    optical = {"modality": "optical", "files": ["{scene}_{date}.tif"], "cloud": "{scene}_{date}_mask.tif"}
    return [optical | {"cloud_codes": [1]}, {"modality": "sar", "files": ["{scene}_{date}_sar.tif"], "unit": "dB"}]


@pytest.mark.parametrize("share", [0.85, 1.0])
def test_an_overcast_tile_with_sar_stays_and_its_samples_lean_on_sar(share: float, tmp_path: Path) -> None:
    frames = overcast(tmp_path / "in", share)
    values = recipe(tmp_path / "in", 64, *frames, label="{scene}_map.tif", legend="worldcover")
    dataset = made(
        {**values, "generate": {"res": 3, "l1_min": 6, "l1_max": 6, "l2_min": 8, "l2_max": 8}}, tmp_path / "out"
    )
    tiles: dict[str, TileRecord] = {tile.tile_id: tile for tile in dataset.tiles}
    assert len(tiles) == 4
    with_sar, without = tiles["a_r001_c000"], tiles["a_r001_c001"]
    assert with_sar.frames[0].cloud_fraction == pytest.approx(share, abs=0.01)
    assert [frame.modality for frame in with_sar.frames] == ["optical", "sar"]
    assert [frame.modality for frame in without.frames] == ["optical"]
    assert dataset.reasons("tile") == {without.tile_id: "cloud_without_sar"}
    samples = [row for row in dataset.samples if row["tile_id"] == with_sar.tile_id]
    assert len(samples) >= 5
    for row in samples:
        shown = {frame["modality"] for frame in row["frames"]}
        assert "sar" in shown, "never the optical image alone"
        if shown == {"optical", "sar"}:
            assert "radar" in row["chain"]
            assert {item["fact"] for item in row["evidence"]}.isdisjoint({"ndvi", "ndwi", "nbr"}), "cloud has no index"
    clear = [row for row in dataset.samples if row["tile_id"] == "a_r000_c000"]
    assert {"optical"} in [{frame["modality"] for frame in row["frames"]} for row in clear]
