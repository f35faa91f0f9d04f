"""Pixels land where they lie on the ground, whatever grid their file has; what is not known is not valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from geofactory import UTM33, north_up, positions, write_tiff
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer

from terra_cot.errors import DataError
from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid, grid_of
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Asset, CloudAsset, LabelAsset, Scene, SceneFrame

X, Y = 400000.0, 5400000.0
GRID = Grid(UTM33, north_up(X, Y, 10), 40, 60, 10.0)


def scene(root: Path, *names: str, grid: Grid = GRID, bands: int = 2, **fields: Any) -> Scene:
    assets = tuple(Asset(name, tuple(f"{name}{number}" for number in range(bands))) for name in names)
    cloud = fields.pop("cloud", None)
    frame = SceneFrame("t0", "2023-05-01T00:00:00Z", "optical", assets, cloud)
    return Scene("s", "test", str(root), (frame,), grid, **fields)


def read(described: Scene, grid: Grid | None = None, shift: tuple[float, float] = (0.0, 0.0)) -> Frame:
    with SceneReader(described) as reader:
        return reader.frame(described.frames[0], grid or described.grid, shift)


def ramp(transform: Affine, height: int, width: int, crs: str = UTM33) -> NDArray[np.float64]:
    """CHW: x and y of GRID's CRS, in metres from its corner, at each pixel centre: linear, so exact under bilinear."""
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    if crs != UTM33:
        x, y = Transformer.from_crs(crs, UTM33, always_xy=True).transform(x, y)
    return np.stack([x - X, y - Y])


def around(crs: str, step: float, down: float | None = None) -> tuple[Affine, tuple[int, int]]:
    """A north-up transform and shape (height, width) in another CRS that cover GRID with room to spare."""
    to_crs = Transformer.from_crs(UTM33, crs, always_xy=True)
    corners = [to_crs.transform(X + x, Y - y) for x in (-60, 660) for y in (-60, 460)]
    (left, right), (bottom, top) = ((min(axis), max(axis)) for axis in zip(*corners, strict=True))
    down = down or step
    shape = (int((top - bottom) / down) + 2, int((right - left) / step) + 2)
    return Affine(step, 0, left, 0, -down, top), shape


EXPECTED = ramp(GRID.transform, 40, 60)


def test_the_same_pixels_are_read_as_they_are(tmp_path: Path) -> None:
    image = positions(40, 60, 7)
    write_tiff(tmp_path / "a.tif", image, GRID.transform)
    frame = read(scene(tmp_path, "a.tif"))
    np.testing.assert_array_equal(frame.pixels, image)
    assert frame.pixels.dtype == np.uint16
    assert frame.valid.all()
    window = GRID.window(5, 11, 20, 30)
    np.testing.assert_array_equal(read(scene(tmp_path, "a.tif"), window).pixels, image[:, 5:25, 11:41])


@pytest.mark.parametrize(
    ("transform", "shape", "crs"),
    [
        (north_up(X - 100, Y + 100, 20), (40, 50), UTM33),
        (north_up(X - 120, Y + 120, 60), (12, 16), UTM33),
        (north_up(X - 33.7, Y + 21.3, 10), (60, 80), UTM33),
        (Affine(10, 0, X - 50, 0, 10, Y - 500), (60, 80), UTM33),
        (Affine.translation(X + 80, Y + 620) * Affine.rotation(-30) * Affine.scale(10, -10), (120, 120), UTM33),
        (*around("EPSG:4326", 1e-4, 7e-5), "EPSG:4326"),
        (*around("EPSG:32634", 10), "EPSG:32634"),
    ],
    ids=["20m", "60m", "half-pixel", "south-up", "rotated", "geographic", "next-zone"],
)
def test_every_grid_is_brought_to_the_tile_where_it_lies(
    tmp_path: Path, transform: Affine, shape: tuple[int, int], crs: str
) -> None:
    """Against an analytic ramp: an error of three hundredths of a pixel would show, and so would any swap or flip."""
    write_tiff(tmp_path / "a.tif", ramp(transform, *shape, crs).astype(np.float32), transform, crs)
    frame = read(scene(tmp_path, "a.tif"))
    assert frame.valid.all(), f"{(~frame.valid).sum()} pixels are not covered: the test is wrong"
    np.testing.assert_allclose(frame.pixels, EXPECTED, atol=0.3)


@pytest.mark.parametrize("left", [179.99, -180.01])
def test_a_file_across_the_antimeridian_is_read_on_both_sides(tmp_path: Path, left: float) -> None:
    columns = np.tile(np.arange(1, 201, dtype=np.uint16), (100, 1))
    write_tiff(tmp_path / "a.tif", columns, Affine(1e-4, 0, left, 0, -1e-4, 10), "EPSG:4326")
    with rasterio.open(tmp_path / "a.tif") as dataset:
        grid = grid_of(dataset)
    described = SceneFrame("t0", "", "optical", (Asset("a.tif", ("B04",)),))
    with SceneReader(Scene("s", "x", str(tmp_path), (described,), grid)) as reader:
        frame = reader.frame(described, grid)
    middle = frame.pixels[0][grid.height // 2]
    assert frame.valid.mean() > 0.95
    assert (np.diff(middle[5:-5].astype(int)) >= 0).all()
    assert abs(int(middle[grid.width // 2]) - 101) <= 1


@pytest.mark.parametrize("shift", [(1.0, 0.0), (0.0, 1.0), (-1.5, 0.25), (2.25, -3.75)])
def test_a_shift_is_taken_out(tmp_path: Path, shift: tuple[float, float]) -> None:
    """Content at [dy, dx] px of where it should be is read from there: rows are y, columns are x."""
    big = north_up(X - 100, Y + 100, 10)
    write_tiff(tmp_path / "a.tif", ramp(big, 60, 80).astype(np.float32), big)
    frame = read(scene(tmp_path, "a.tif"), shift=shift)
    np.testing.assert_allclose(frame.pixels[0], EXPECTED[0] + 10 * shift[1], atol=0.3)
    np.testing.assert_allclose(frame.pixels[1], EXPECTED[1] - 10 * shift[0], atol=0.3)


def test_a_shift_without_a_place_is_taken_out_too(tmp_path: Path) -> None:
    """Pairs of aerial PNGs have no CRS; their second date is still brought to the first."""
    rows, columns = np.mgrid[:40, :60]
    Image.fromarray(np.stack([rows * 4, columns * 4, rows + columns], -1).astype(np.uint8)).save(tmp_path / "a.png")
    flat = Grid(None, Affine.scale(0.5, -0.5), 40, 60, 0.5)
    frame = read(scene(tmp_path, "a.png", grid=flat, bands=3), shift=(2.0, -1.0))
    assert frame.valid[:38, 1:].all()
    assert not frame.valid[38:].any()
    assert not frame.valid[:, 0].any()
    np.testing.assert_array_equal(frame.pixels[0, :38, 1:], rows[2:, 1:] * 4)
    np.testing.assert_array_equal(frame.pixels[1, :38, 1:], columns[:38, :-1] * 4)


def test_bands_of_several_resolutions_are_one_frame(tmp_path: Path) -> None:
    write_tiff(tmp_path / "10", ramp(GRID.transform, 40, 60).astype(np.float32), GRID.transform)
    coarse = north_up(X - 40, Y + 40, 20)
    write_tiff(tmp_path / "20", ramp(coarse, 24, 34).astype(np.float32), coarse)
    frame = read(scene(tmp_path, "10", "20"))
    assert frame.bands == ("100", "101", "200", "201")
    np.testing.assert_allclose(frame.band("100"), frame.band("200"), atol=0.1)
    np.testing.assert_allclose(frame.band("101"), frame.band("201"), atol=0.1)


LOWEST = -3.4028234663852886e38  # of float32, as GDAL and ArcGIS declare it


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("uint8", 0), ("uint8", 255), ("int8", -128), ("int16", -9999), ("int16", -32768), ("uint16", 0),
     ("uint16", 65535), ("int32", -9999), ("int32", -(2**31)), ("uint32", 0), ("uint32", 2**32 - 1),
     ("float32", -9999), ("float32", np.nan), ("float32", LOWEST), ("float32", -3.4e38), ("float64", -9999),
     ("float64", np.nan), ("float64", -1.7976931348623157e308)],
)  # fmt: skip
@pytest.mark.parametrize("aside", [0.0, 3.0], ids=["window", "warp"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "stated"])
def test_no_data_is_not_valid_on_any_grid(
    tmp_path: Path, dtype: str, nodata: float, aside: float, declared: bool
) -> None:
    """In one band it is missing everywhere: a tile needs all of them. `aside` makes the read a warp. NaN needs no word;
    any other value is declared by the file, or stated by the recipe."""
    image = (1 + ramp(GRID.transform, 40, 60) % 100).astype(dtype)
    image[0, 10:20, 30:40] = nodata
    image[1, 30:, :5] = nodata
    write_tiff(tmp_path / "a.tif", image, GRID.transform, nodata=nodata if declared else None)
    asset = Asset("a.tif", ("0", "1"), None if declared or np.isnan(nodata) else nodata)
    described = SceneFrame("t0", "2023-05-01T00:00:00Z", "optical", (asset,))
    with SceneReader(Scene("s", "x", str(tmp_path), (described,), GRID)) as reader:
        frame = reader.frame(described, GRID.moved(aside / 10, 0).window(0, 0, 40, 60))
    assert not frame.valid[11:18, 31:39].any()
    assert not frame.valid[31:39, :4].any()
    assert frame.valid[:8].all()
    assert frame.valid[22:28].all()
    inside = frame.pixels[:, frame.valid].astype(np.float64)
    assert inside.min() >= 1, "nothing is blended with no-data"
    assert inside.max() <= 101


@pytest.mark.parametrize(
    ("dtype", "kind", "nodata"),
    [("uint8", "Byte", (0, 255)), ("uint16", "UInt16", (0, None)), ("uint16", "UInt16", (None, 0)),
     ("float32", "Float32", (-9999, np.nan)), ("float32", "Float32", (np.nan, -9999)),
     ("uint8", "Byte", ("-9999", "-9999")), ("uint8", "Byte", ("nan", "nan"))],
)  # fmt: skip
@pytest.mark.parametrize("aside", [0.0, 3.0], ids=["window", "warp"])
def test_each_band_has_its_own_no_data(
    tmp_path: Path, dtype: str, kind: str, nodata: tuple[float | str | None, ...], aside: float
) -> None:
    """The value of one band is an ordinary value of the next; a value that the dtype cannot hold is nowhere."""
    image = (1 + ramp(GRID.transform, 40, 60) % 100).astype(dtype)
    for number, value in enumerate(nodata):
        if value is not None and not isinstance(value, str):
            image[number, 10 + 10 * number : 20 + 10 * number, 30:40] = value
        elif value is None and 0 in nodata:
            image[number, 3:6, 3:6] = 0  # the other band's value, and data here
    write_tiff(tmp_path / "a.tif", image, GRID.transform)
    bands = "".join(
        f'<VRTRasterBand dataType="{kind}" band="{number}">'
        + (f"<NoDataValue>{value}</NoDataValue>" if value is not None else "")
        + f'<SimpleSource><SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>{number}</SourceBand>'
        "</SimpleSource></VRTRasterBand>"
        for number, value in enumerate(nodata, start=1)
    )
    place = ", ".join(map(str, (GRID.transform.c, 10, 0, GRID.transform.f, 0, -10)))
    (tmp_path / "a.vrt").write_text(
        f'<VRTDataset rasterXSize="60" rasterYSize="40"><SRS>{UTM33}</SRS><GeoTransform>{place}</GeoTransform>'
        f"{bands}</VRTDataset>"
    )
    frame = read(scene(tmp_path, "a.vrt"), GRID.moved(aside / 10, 0).window(0, 0, 40, 60))
    for number, value in enumerate(nodata):
        there = value is None or isinstance(value, str)
        part = frame.valid[11 + 10 * number : 18 + 10 * number, 31:39]
        assert part.all() if there else not part.any()
    assert frame.valid[:8, :50].all()
    inside = frame.pixels[:, frame.valid].astype(np.float64)
    assert np.isfinite(inside).all()
    assert inside.min() >= (0 if None in nodata else 1)
    assert inside.max() <= 101


@pytest.mark.parametrize("nodata", [None, 0])
def test_what_a_file_does_not_cover_is_not_valid(tmp_path: Path, nodata: float | None) -> None:
    write_tiff(tmp_path / "a.tif", positions(20, 30) + np.uint16(5), north_up(X + 100, Y - 50, 10), nodata=nodata)
    frame = read(scene(tmp_path, "a.tif"))
    covered = np.zeros((40, 60), bool)
    covered[5:25, 10:40] = True
    np.testing.assert_array_equal(frame.valid, covered)
    np.testing.assert_array_equal(frame.pixels[:, 5:25, 10:40], positions(20, 30) + 5)


def test_an_alpha_band_of_its_own_does_not_stop_the_warp(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:40, :60]
    rgba = np.stack([rows * 4, columns * 4, rows, np.full_like(rows, 255)], -1).astype(np.uint8)
    rgba[:5, :, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    flat = Grid(None, Affine.scale(0.5, -0.5), 40, 60, 0.5)
    frame = read(scene(tmp_path, "a.png", grid=flat, bands=4), shift=(1.0, 0.0))
    assert not frame.valid[:4].any()
    assert frame.valid[4:38].all()


def test_cloud_is_read_by_its_codes(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", positions(40, 60), GRID.transform)
    cloud = np.zeros((40, 60), np.uint8)
    cloud[3:9, 20:30], cloud[9:12, 20:30], cloud[20:30, :] = 1, 2, 3
    write_tiff(tmp_path / "c.tif", cloud, GRID.transform)
    frame = read(scene(tmp_path, "a.tif", cloud=CloudAsset("c.tif", (1, 2))))
    assert frame.cloud is not None
    np.testing.assert_array_equal(frame.cloud, np.isin(cloud, (1, 2)))
    np.testing.assert_array_equal(frame.clear(), ~frame.cloud)


def labels(root: Path, pixels: NDArray[Any], transform: Affine, crs: str = UTM33, **options: Any) -> NDArray[np.uint16]:
    write_tiff(root / "a.tif", positions(40, 60), GRID.transform)
    write_tiff(root / "l.tif", pixels, transform, crs, **options)
    described = scene(root, "a.tif", label=LabelAsset("l.tif", "worldcover"), label_frame="t0")
    with SceneReader(described) as reader:
        found = reader.label(GRID)
    assert found is not None
    return found


def test_coarse_labels_are_repeated_never_blended(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).choice([10, 30, 80], (20, 30)).astype(np.uint8)
    found = labels(tmp_path, codes, north_up(X, Y, 20))
    np.testing.assert_array_equal(found, codes.repeat(2, 0).repeat(2, 1))


def test_fine_labels_are_the_most_frequent_code(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.choice([10, 30, 80], (40, 60)).astype(np.uint8)
    fine = coarse.repeat(5, 0).repeat(5, 1)
    for row in range(40):
        for column in range(60):  # 9 of 25 are something else, the centre among them
            block = fine[5 * row : 5 * row + 5, 5 * column : 5 * column + 5]
            block[1:4, 1:4] = 50
    np.testing.assert_array_equal(labels(tmp_path, fine, north_up(X, Y, 2)), coarse)


def test_fine_labels_of_another_zone_are_the_most_frequent_code_too(tmp_path: Path) -> None:
    """Stripes of 2 m, a third of each another code: the nearest pixel would be wrong one time in three."""
    transform, (height, width) = around("EPSG:32634", 2)
    fine = np.where(np.arange(width)[None] % 3 == 0, 50, 10).astype(np.uint8).repeat(height, 0)
    found = labels(tmp_path, fine, transform, "EPSG:32634")
    assert (found == 10).mean() > 0.99


def test_no_data_of_labels_is_void(tmp_path: Path) -> None:
    codes = np.full((40, 60), 10, np.int16)
    codes[5:9] = -9999
    assert (labels(tmp_path, codes, GRID.transform, nodata=-9999) == np.where(codes < 0, 0, codes)).all()
    half = labels(tmp_path, codes[:20], GRID.transform, nodata=-9999)
    assert (half[20:] == 0).all()


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.full((40, 60), 10.7, np.float32), "bad_label_map"),
        (np.full((2, 40, 60), 10, np.uint8), "bad_label_map"),
        (np.full((40, 60), 65536 + 10, np.int32), "unknown_label_code"),
        (np.full((40, 60), -9999, np.int16), "unknown_label_code"),
    ],
    ids=["floats", "two-bands", "too-high", "negative"],
)
def test_what_is_no_label_map_is_refused_never_wrapped(tmp_path: Path, pixels: NDArray[Any], reason: str) -> None:
    with pytest.raises(DataError, match=r"l\.tif") as caught:
        labels(tmp_path, pixels, GRID.transform)
    assert caught.value.reason == reason


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.tif"):
        read(scene(tmp_path, "gone.tif"))
    path = write_tiff(tmp_path / "short.tif", np.random.default_rng(0).integers(0, 9999, (2, 40, 60)).astype("uint16"),
                      GRID.transform)  # fmt: skip
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"short\.tif"):
        read(scene(tmp_path, "short.tif"))
    write_tiff(tmp_path / "place.tif", positions(40, 60), GRID.transform, None)
    with pytest.raises(DataError, match=r"place\.tif: no CRS"):
        read(scene(tmp_path, "place.tif"))
    write_tiff(tmp_path / "bands.tif", positions(40, 60), GRID.transform)
    with pytest.raises(DataError, match="another number of bands"):
        read(scene(tmp_path, "bands.tif", bands=3))
    write_tiff(tmp_path / "size.tif", positions(40, 61), None, None)
    with pytest.raises(DataError, match="another size"):
        read(scene(tmp_path, "size.tif", grid=Grid(None, Affine.scale(1, -1), 40, 60, 1.0)))
