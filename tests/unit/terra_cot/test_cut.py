"""A tile holds its frames on one grid, shifts taken out; what is not kept is dropped with a reason that adds up."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from geofactory import box as building
from geofactory import mosaic, moved, noise, north_up, positions, rasters_archive, reflectance, write_tiff, xbd_pair
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from terra_cot.coregister import estimate_shift
from terra_cot.cut import TileOptions, cut_scene, tile_count
from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid
from terra_cot.scene import Asset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.sources import scan
from terra_cot.tile import FrameRecord, TileRecord

PLACE = north_up(400000, 5400000, 10)
RGB = ("B02", "B03", "B04", "B08")


def optical(date: str, name: str, *files: str) -> SceneFrame:
    assets = tuple(Asset(file, RGB) for file in files)
    return SceneFrame(name, f"{date}T00:00:00Z", "optical", assets)


def scene(root: Path, *frames: SceneFrame, height: int = 96, width: int = 160, **fields: Any) -> Scene:
    return Scene("s", "test", str(root), frames, Grid("EPSG:32633", PLACE, height, width, 10.0), **fields)


def cut(described: Scene, **options: Any) -> tuple[list[TileRecord], list[Drop]]:
    items = list(cut_scene(described, TileOptions(**options)))
    return [x for x in items if isinstance(x, TileRecord)], [x for x in items if isinstance(x, Drop)]


def raster(record: FrameRecord) -> tuple[np.ndarray, Any]:
    assert record.raster is not None
    with MemoryFile(record.raster) as memory, memory.open() as dataset:
        return dataset.read(), dataset.nodata


def image(root: Path, name: str, pixels: Any, **options: Any) -> str:
    write_tiff(root / name, pixels, options.pop("transform", PLACE), bands=RGB[: len(pixels)], **options)
    return name


def four(height: int = 96, width: int = 160) -> Any:
    rows, columns = positions(height, width)
    return np.stack([rows + 1, columns + 1, rows + columns, rows * columns + 1]).astype(np.uint16)


def test_each_tile_holds_the_pixels_of_its_place(tmp_path: Path) -> None:
    image(tmp_path, "a.tif", four())
    described = scene(tmp_path, optical("2023-05-01", "t0", "a.tif"))
    tiles, drops = cut(described, size_px=32)
    assert [tile.tile_id for tile in tiles] == [
        f"s_r{row:03d}_c{column:03d}" for row in range(3) for column in range(5)
    ]
    assert not drops
    for tile in tiles:
        row, column = int(tile.tile_id[3:6]), int(tile.tile_id[8:])
        pixels, _ = raster(tile.frames[0])
        np.testing.assert_array_equal(pixels, four()[:, 32 * row : 32 * row + 32, 32 * column : 32 * column + 32])
        x, y = Affine(*tile.transform) * (0, 0)
        assert (x, y) == (400000 + 320 * column, 5400000 - 320 * row)


def test_tiles_are_kept_or_dropped_and_the_sum_is_right(tmp_path: Path) -> None:
    image(tmp_path, "a.tif", four())
    described = scene(tmp_path, optical("2023-05-01", "t0", "a.tif"))
    for size in (16, 32, 33, 50, 96, 100, 160, 500):
        tiles, drops = cut(described, size_px=size)
        assert len(tiles) + len(drops) == tile_count(described, TileOptions(size_px=size))
        assert {drop.reason for drop in drops} <= {"partial_tile"}
    assert len(cut(described, size_px=50)[0]) == 1 * 3
    assert Counter(drop.reason for drop in cut(described, size_px=50)[1]) == {"partial_tile": 2 * 4 - 3}


def test_a_slice_of_a_scene_is_the_slice_of_its_tiles(tmp_path: Path) -> None:
    """Parts begin inside scenes: tiles 4 to 9 are the same whoever cut the rest."""
    image(tmp_path, "a.tif", four())
    described, options = scene(tmp_path, optical("2023-05-01", "t0", "a.tif")), TileOptions(size_px=32)
    assert list(cut_scene(described, options, 4, 9)) == list(cut_scene(described, options))[4:9]


def test_tiles_without_data_are_dropped(tmp_path: Path) -> None:
    pixels = four()
    pixels[:, :, :40] = 0
    image(tmp_path, "a.tif", pixels, nodata=0)
    tiles, drops = cut(scene(tmp_path, optical("2023-05-01", "t0", "a.tif")), size_px=32)
    assert [drop.item for drop in drops if drop.level == "tile"] == [f"s_r{row:03d}_c000" for row in range(3)]
    assert Counter((drop.level, drop.reason) for drop in drops) == {
        ("frame", "too_much_nodata"): 3,
        ("tile", "no_frames"): 3,
    }
    partly = next(tile for tile in tiles if tile.tile_id == "s_r000_c001")
    assert partly.frames[0].nodata_fraction == 0.25
    stored, nodata = raster(partly.frames[0])
    assert ((stored == nodata).all(axis=0) == (np.arange(32) < 8)[None]).all()


def test_a_frame_that_cannot_be_read_takes_only_itself(tmp_path: Path) -> None:
    image(tmp_path, "a.tif", four())
    image(tmp_path, "b.tif", np.random.default_rng(0).integers(1, 9999, (4, 96, 160)).astype(np.uint16))
    whole = (tmp_path / "b.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[: len(whole) // 2])
    described = scene(tmp_path, optical("2023-05-01", "t0", "a.tif"), optical("2023-06-01", "t1", "b.tif"))
    tiles, drops = cut(described, size_px=96)
    assert len(tiles) == 1
    assert [frame.frame for frame in tiles[0].frames] == ["t0"]
    assert ("frame", "s_r000_c000/t1/optical", "unreadable") in {(x.level, x.item, x.reason) for x in drops}


@pytest.mark.parametrize("strange", [7, 255])
def test_unknown_label_codes_drop_the_tile_and_name_the_code(tmp_path: Path, strange: int) -> None:
    image(tmp_path, "a.tif", four())
    codes = np.full((96, 160), 10, np.uint8)
    codes[5, 100] = strange
    write_tiff(tmp_path / "l.tif", codes, PLACE)
    label = LabelAsset("l.tif", "worldcover")
    described = scene(tmp_path, optical("2023-05-01", "t0", "a.tif"), label=label, label_frame="t0")
    tiles, drops = cut(described, size_px=32)
    assert len(tiles) == 14
    assert [(drop.item, drop.reason) for drop in drops] == [("s_r000_c003", "unknown_label_code")]
    assert str(strange) in drops[0].detail


def test_a_label_map_goes_when_its_date_goes(tmp_path: Path) -> None:
    image(tmp_path, "a.tif", np.zeros((4, 96, 160), np.uint16), nodata=0)
    image(tmp_path, "b.tif", four())
    write_tiff(tmp_path / "l.tif", mosaic(0, 96, 160), PLACE)
    described = scene(
        tmp_path,
        optical("2023-05-01", "t0", "a.tif"),
        optical("2023-06-01", "t1", "b.tif"),
        label=LabelAsset("l.tif", "worldcover"),
        label_frame="t0",
    )
    tiles, drops = cut(described, size_px=96)
    assert not tiles
    assert {drop.reason for drop in drops} == {"too_much_nodata", "label_without_frame", "partial_tile"}


def frame_of(record: FrameRecord, tile: TileRecord) -> Frame:
    pixels, nodata = raster(record)
    valid = np.ones(pixels.shape[1:], bool) if nodata is None else (pixels != nodata).all(axis=0)
    grid = Grid(tile.crs, Affine(*tile.transform), tile.height, tile.width, tile.gsd_m)
    return Frame(record.frame, record.modality, record.datetime, record.bands, pixels, valid, None, grid)


@pytest.mark.parametrize("shift", [(1.4, -2.3), (-0.6, 3.1), (2.0, 2.0)])
def test_a_shift_is_found_recorded_and_gone(tmp_path: Path, shift: tuple[float, float]) -> None:
    land = noise(1, 256, 256)
    for name, content in (("a.tif", land), ("b.tif", moved(land, *shift))):
        image(tmp_path, name, np.stack([reflectance(content)] * 4), nodata=0)
    described = scene(
        tmp_path,
        optical("2023-05-01", "t0", "a.tif"),
        optical("2023-06-01", "t1", "b.tif"),
        height=256,
        width=256,
    )
    tiles, _ = cut(described, size_px=128)
    assert len(tiles) == 4
    for tile in tiles:
        first, second = tile.frames
        assert (first.shift_status, first.shift_px, first.shift_found_px) == ("reference", (0.0, 0.0), None)
        assert second.shift_status == "removed"
        assert np.abs(np.subtract(second.shift_px, shift)).max() < 0.15
        assert second.shift_found_px is not None
        whole = shift == (2.0, 2.0)
        assert second.shift_px == (shift if whole else second.shift_found_px)
        left = estimate_shift(frame_of(first, tile), frame_of(second, tile)).found_px
        assert left is not None
        assert max(map(abs, left)) < 0.15


def test_the_labelled_date_is_the_one_that_stays(tmp_path: Path) -> None:
    """The label map was drawn on its date: every other frame comes to it."""
    land = noise(1, 128, 128)
    for name, content in (("a.tif", moved(land, 2.5, 0)), ("b.tif", land)):
        image(tmp_path, name, np.stack([reflectance(content)] * 4))
    write_tiff(tmp_path / "l.tif", mosaic(0, 128, 128), PLACE)
    described = scene(
        tmp_path,
        optical("2023-05-01", "t0", "a.tif"),
        optical("2023-06-01", "t1", "b.tif"),
        height=128,
        width=128,
        label=LabelAsset("l.tif", "worldcover"),
        label_frame="t1",
    )
    (tile,), _ = cut(described, size_px=128)
    assert [frame.shift_status for frame in tile.frames] == ["removed", "reference"]
    assert tile.frames[0].shift_px == pytest.approx((2.5, 0), abs=0.15)


def test_images_that_lie_right_are_not_resampled(tmp_path: Path) -> None:
    land = np.stack([reflectance(noise(1, 128, 128))] * 4)
    image(tmp_path, "a.tif", land)
    image(tmp_path, "b.tif", land)
    frames = (optical("2023-05-01", "t0", "a.tif"), optical("2023-06-01", "t1", "b.tif"))
    (tile,), _ = cut(scene(tmp_path, *frames, height=128, width=128), size_px=128)
    second = tile.frames[1]
    assert (second.shift_status, second.shift_px) == ("aligned", (0.0, 0.0))
    assert second.shift_found_px is not None
    np.testing.assert_array_equal(raster(second)[0], land)
    (still,), _ = cut(scene(tmp_path, *frames, height=128, width=128), size_px=128, align=False)
    assert {frame.shift_status for frame in still.frames} == {"alone"}


def test_unrelated_dates_are_left_where_they_are(tmp_path: Path) -> None:
    for name, seed in (("a.tif", 1), ("b.tif", 99)):
        image(tmp_path, name, np.stack([reflectance(noise(seed, 128, 128))] * 4))
    frames = (optical("2023-05-01", "t0", "a.tif"), optical("2023-06-01", "t1", "b.tif"))
    (tile,), _ = cut(scene(tmp_path, *frames, height=128, width=128), size_px=128)
    assert (tile.frames[1].shift_status, tile.frames[1].shift_px) == ("refused", (0.0, 0.0))


def test_pairs_without_a_place_are_aligned_too(tmp_path: Path) -> None:
    """Aerial pairs have no CRS; a shift between them once lost the whole pair."""
    xbd_pair(tmp_path, [(building(20, 20, 12, 10), "destroyed")], size=(128, 160), shift=(1.5, -2.25))
    (described,) = scan("xbd", tmp_path)
    assert isinstance(described, Scene)
    (tile,), drops = cut(described)
    assert not drops
    assert tile.crs is None
    assert tile.frames[0].shift_status == "removed", "the label describes t1, so t0 moves"
    assert tile.frames[0].shift_px == pytest.approx((-1.5, 2.25), abs=0.15)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_the_stored_no_data_value_is_held_by_no_valid_pixel(tmp_path: Path, dtype: type) -> None:
    pixels = four().astype(dtype)
    pixels[0, 40:50, 60:70] = 3
    missing = pixels[0] == 3
    image(tmp_path, "a.tif", pixels, nodata=3)
    (tile,), _ = cut(scene(tmp_path, optical("2023-05-01", "t0", "a.tif")), size_px=500)
    stored, nodata = raster(tile.frames[0])
    found = np.isnan(stored) if np.isnan(nodata) else stored == nodata
    missing |= (pixels == 3).any(axis=0)
    np.testing.assert_array_equal(found.all(axis=0), missing)
    np.testing.assert_array_equal(found.any(axis=0), missing)
    np.testing.assert_array_equal(stored[:, ~missing], pixels[:, ~missing])


def test_where_every_value_is_used_a_mask_says_what_is_missing(tmp_path: Path) -> None:
    """Photographs of 8 bit and four bands that end inside a tile once lost the whole tile."""
    pixels = np.random.default_rng(0).permutation(np.arange(4 * 96 * 160) % 256).reshape(4, 96, 160).astype(np.uint8)
    image(tmp_path, "a.tif", pixels, transform=PLACE @ Affine.translation(0, 30))
    with rasterio.open(tmp_path / "a.tif", "r+") as dataset:
        dataset.colorinterp = [ColorInterp.undefined] * 4  # GDAL calls the fourth of four bytes alpha, unasked
    (tile,), drops = cut(scene(tmp_path, optical("2023-05-01", "t0", "a.tif")), size_px=500)
    assert not drops
    (frame,) = tile.frames
    stored, nodata = raster(frame)
    assert (frame.nodata_fraction, nodata) == (30 / 96, None)
    np.testing.assert_array_equal(stored[:, 30:], pixels[:, :66])
    assert frame.raster is not None
    with MemoryFile(frame.raster) as memory, memory.open() as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask() > 0, np.arange(96)[:, None].repeat(160, 1) >= 30)


def test_cutting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    recipe = rasters_archive(tmp_path, scenes=1, side=128)["source"]
    options = {key: value for key, value in recipe.items() if key not in ("kind", "root")}
    first, second = ([x.to_row() if isinstance(x, TileRecord) else x for described in scan("rasters", tmp_path, options)
                      if isinstance(described, Scene) for x in cut_scene(described, TileOptions(size_px=64))]
                     for _ in range(2))  # fmt: skip
    assert first == second
    assert len(first) == 4


def test_speckle_is_calmed_in_the_picture_and_kept_in_the_raster(tmp_path: Path) -> None:
    looks = np.random.default_rng(0).gamma(4.4, 1 / 4.4, (2, 96, 96)) * np.array([0.1, 0.02])[:, None, None]
    write_tiff(tmp_path / "s.tif", looks.astype(np.float32), PLACE, bands=("VV", "VH"))
    radar = SceneFrame("t0", "2023-05-01T00:00:00Z", "sar", (Asset("s.tif", ("VV", "VH")),), unit="linear")
    described = scene(tmp_path, radar, width=96)
    (plain,), _ = cut(described)
    (calm,), _ = cut(described, speckle={"filter": "lee", "window_px": 7, "looks": 4.4})
    assert plain.frames[0].raster == calm.frames[0].raster
    deviations = [np.asarray(Image.open(BytesIO(kept.frames[0].image)))[..., 0].std() for kept in (plain, calm)]
    assert deviations[1] < 0.5 * deviations[0]
