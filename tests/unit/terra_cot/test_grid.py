"""The working grid lies where the raster lies, north up, square and metric; without a place there is an error."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geofactory import UTM33, north_up, positions, write_tiff
from pyproj import Geod, Transformer

from terra_cot.errors import GridError
from terra_cot.geo.grid import Grid, grid_of

PLAIN = Grid(UTM33, north_up(400000, 5400000, 10), 30, 50, 10.0)


def written(path: Path, transform: Affine | None, crs: str | None, shape: tuple[int, int] = (30, 50)) -> Path:
    return write_tiff(path / "a.tif", positions(*shape), transform, crs)


def grid_at(path: Path, gsd_m: float | None = None) -> Grid:
    with rasterio.open(path) as dataset:
        return grid_of(dataset, gsd_m)


def test_a_north_up_metric_raster_keeps_its_own_pixels(tmp_path: Path) -> None:
    assert grid_at(written(tmp_path, PLAIN.transform, UTM33)) == PLAIN


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(10, 0, 400000, 0, 10, 5399700), UTM33),  # south up
        (Affine.translation(400000, 5400000) * Affine.rotation(30) * Affine.scale(10, -10), UTM33),
        (Affine(10, 0, 400000, 0, -20, 5400000), UTM33),
        (Affine(9e-5, 0, 13.5, 0, -9e-5, 48.5), "EPSG:4326"),
        (Affine(9e-5, 0, -0.002, 0, -9e-5, 0.001), "EPSG:4326"),  # across equator and meridian
        (Affine(30, 0, 6_000_000, 0, -30, 2_100_000), "EPSG:2229"),  # California zone 5, US survey feet
    ],
    ids=["south-up", "rotated", "non-square", "geographic", "null-island", "feet"],
)
def test_other_rasters_get_a_north_up_metric_grid_around_them(tmp_path: Path, transform: Affine, crs: str) -> None:
    path = written(tmp_path, transform, crs)
    grid = grid_at(path)
    assert grid.transform.b == grid.transform.d == 0
    assert grid.transform.a == -grid.transform.e == grid.gsd_m
    assert rasterio.crs.CRS.from_user_input(grid.crs).linear_units_factor[1] == 1.0
    to_grid = Transformer.from_crs(crs, grid.crs, always_xy=True)
    for row in (0.5, 15, 29.5):
        for column in (0.5, 25, 49.5):
            x, y = to_grid.transform(*(transform * (column, row)))
            grid_column, grid_row = ~grid.transform * (x, y)
            assert 0 <= grid_row <= grid.height
            assert 0 <= grid_column <= grid.width
    with rasterio.open(path) as dataset:
        centre = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*(transform * (25, 15)))
        assert grid.lon_lat() == pytest.approx(centre, abs=2 * max(dataset.res) if crs == "EPSG:4326" else 1e-4)


@pytest.mark.parametrize(
    ("transform", "crs", "target"),
    [
        (Affine(10, 0, 1_300_000, 0, -10, 6_100_000), "EPSG:3857", "EPSG:32632"),  # Mercator: 2.2 times too large here
        (Affine(10, 0, 100_000, 0, -10, -1_000_000), "EPSG:3413", "EPSG:32624"),  # polar stereographic
        (Affine(1e-4, 0, 20, 0, -1e-4, 86), "EPSG:4326", "EPSG:6931"),
        (Affine(1e-4, 0, 20, 0, -1e-4, -80.1), "EPSG:4326", "EPSG:6932"),
        (Affine(1e-4, 0, 179.998, 0, -1e-4, 10), "EPSG:4326", "EPSG:32601"),  # across the antimeridian
        (Affine(1e-4, 0, -180.004, 0, -1e-4, -10), "EPSG:4326", "EPSG:32760"),
    ],
    ids=["mercator", "stereographic", "arctic", "antarctic", "antimeridian", "antimeridian-west"],
)
def test_areas_are_true_square_metres_anywhere(tmp_path: Path, transform: Affine, crs: str, target: str) -> None:
    """Within 0.5 % of the area on the ellipsoid; longitudes stay within -180..180."""
    grid = grid_at(written(tmp_path, transform, crs))
    assert grid.crs == target
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    ring = [to_degrees.transform(*(grid.transform @ at)) for at in ((0, 0), (20, 0), (20, 20), (0, 20))]
    geodesic = abs(Geod(ellps="WGS84").polygon_area_perimeter(*zip(*ring, strict=True))[0])
    assert 400 * grid.gsd_m**2 == pytest.approx(geodesic, rel=0.005)
    place = grid.lon_lat()
    assert place is not None
    assert -180 <= place[0] < 180
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*(transform @ (25, 15)))
    assert abs((place[0] - lon + 180) % 360 - 180) < 0.01
    assert place[1] == pytest.approx(lat, abs=1e-3)


def test_a_transform_that_leads_off_the_earth_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GridError, match="off the Earth"):
        grid_at(written(tmp_path, Affine(10, 0, 4e8, 0, -10, 5e9), UTM33))


def test_pixels_are_as_fine_as_the_finer_side(tmp_path: Path) -> None:
    assert grid_at(written(tmp_path, Affine(10, 0, 400000, 0, -20, 5400000), UTM33)).gsd_m == 10
    assert grid_at(written(tmp_path, Affine(30, 0, 6e6, 0, -30, 2.1e6), "EPSG:2229")).gsd_m == pytest.approx(9.1)
    assert grid_at(written(tmp_path, PLAIN.transform, UTM33), gsd_m=20).gsd_m == 20


def test_pixels_that_are_all_but_square_are_left_alone(tmp_path: Path) -> None:
    """A real series has pixels of 9.9948 x 9.9974 m: resampling it would only blur, and its area is kept exactly."""
    native = Affine(9.9948, 0, 465181.05, 0, -9.9974, 5080254.63)
    grid = grid_at(written(tmp_path, native, UTM33))
    assert (grid.transform, grid.shape) == (native, (30, 50))
    assert grid.gsd_m**2 == pytest.approx(9.9948 * 9.9974, rel=1e-12)


@pytest.mark.parametrize(
    ("transform", "crs", "reason"),
    [(PLAIN.transform, None, "no_crs"), (None, None, "no_crs"), (None, UTM33, "no_place")],
)
def test_a_raster_without_a_place_is_an_error(
    tmp_path: Path, transform: Affine | None, crs: str | None, reason: str
) -> None:
    with pytest.raises(GridError, match=r"a\.tif") as caught:
        grid_at(written(tmp_path, transform, crs))
    assert caught.value.reason == reason


def test_a_stated_pixel_size_stands_in_for_a_place(tmp_path: Path) -> None:
    grid = grid_at(written(tmp_path, None, None), gsd_m=0.5)
    assert (grid.crs, grid.shape, grid.gsd_m, grid.lon_lat()) == (None, (30, 50), 0.5, None)


@pytest.mark.parametrize("gsd_m", [0, -1, math.nan, math.inf])
def test_nonsense_pixel_sizes_are_refused(gsd_m: float) -> None:
    with pytest.raises(GridError):
        Grid(None, Affine.identity(), 3, 4, gsd_m)


def test_a_window_is_where_its_pixels_are() -> None:
    window = PLAIN.window(3, 7, 5, 9)
    assert window.transform * (0, 0) == PLAIN.transform * (7, 3), "column is x, row is y"
    assert window.offset_in(PLAIN) == (3, 7)
    assert window.shape == (5, 9)
    assert PLAIN.moved(1.5, -0.25).transform * (0, 0) == PLAIN.transform * (-0.25, 1.5)


@pytest.mark.parametrize(
    "other",
    [
        PLAIN.moved(0.01, 0),
        PLAIN.moved(0, 0.5),
        Grid(UTM33, north_up(400000, 5400000, 10.001), 30, 50, 10.001),
        Grid("EPSG:32634", PLAIN.transform, 30, 50, 10.0),
        Grid(UTM33, Affine(10, 0, 400000, 0, 10, 5400000), 30, 50, 10.0),
    ],
)
def test_pixels_that_do_not_coincide_have_no_offset(other: Grid) -> None:
    assert other.offset_in(PLAIN) is None
    assert PLAIN.offset_in(other) is None


def test_tiles_cover_the_grid_once_and_partial_ones_are_named() -> None:
    seen = np.zeros(PLAIN.shape, int)
    partial = 0
    for _row, _column, grid in PLAIN.tiles(20):
        if grid is None:
            partial += 1
            continue
        offset = grid.offset_in(PLAIN)
        assert offset is not None
        seen[offset[0] : offset[0] + 20, offset[1] : offset[1] + 20] += 1
    assert partial == 4
    assert seen.max() == 1
    assert seen.sum() == 2 * 400
    assert [(row, column) for row, column, _ in PLAIN.tiles(20)] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_a_grid_no_larger_than_a_tile_is_one_tile() -> None:
    assert list(PLAIN.tiles(50)) == [(0, 0, PLAIN)]
