"""An image tied to the ground by points lands where they say, in one resampling, wherever on Earth it lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from archives.safe import grd_tiff, lut, s1_calibration
from geofactory import north_up
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio.control import GroundControlPoint

from terra_cot.geo.gcps import tie_of
from terra_cot.geo.grid import Grid
from terra_cot.geo.ground import ground_of_tie
from terra_cot.pixels.header import opened
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Asset, Drop, Scene, SceneFrame
from terra_cot.sources import scan

PLACES = [("EPSG:32633", 5_400_000), ("EPSG:32701", 8_000_000), ("EPSG:32660", 3_000_000)]
HEIGHT, WIDTH = 150, 200


def swath(x: float, y: float, turn: float = -12) -> Affine:
    return Affine.translation(x, y) @ Affine.rotation(turn) @ Affine.scale(10, -10)


def centres(transform: Affine, height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return (
        transform.a * columns + transform.b * rows + transform.c,
        transform.d * columns + transform.e * rows + transform.f,
    )


def read(
    root: Path, name: str, grid: Grid, nodata: float | None = None
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    asset = Asset(name, ("B02",), nodata)
    described = Scene("s", "test", str(root), (SceneFrame("t0", None, "optical", (asset,)),), grid)
    with SceneReader(described) as reader:
        frame = reader.frame(described.frames[0], grid)
    return frame.pixels[0], frame.valid


@pytest.mark.parametrize(("crs", "north"), PLACES, ids=["north", "south", "antimeridian"])
def test_pixels_land_where_the_points_say(tmp_path: Path, crs: str, north: float) -> None:
    east = 400_000.0
    if crs == "EPSG:32660":  # its eastern edge is the antimeridian
        east = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(179.999, 27.1)[0] - 1000
    ground = swath(east, north)
    x, y = centres(ground, HEIGHT, WIDTH)
    grd_tiff(tmp_path / "x.tiff", (x - east).astype(np.float32), ground, crs)
    grd_tiff(tmp_path / "y.tiff", (y - north).astype(np.float32), ground, crs)
    grid = Grid(crs, north_up(east + 600, north - 700, 10), 60, 80, 10.0)
    wanted = centres(grid.transform, 60, 80)
    for name, expected in (("x.tiff", wanted[0] - east), ("y.tiff", wanted[1] - north)):
        pixels, valid = read(tmp_path, name, grid)
        assert valid.all()
        assert np.abs(pixels.astype(np.float64) - expected).max() < 0.05, "of pixels of 10 m"


def test_points_off_a_plane_are_met_where_a_polynomial_would_miss(tmp_path: Path) -> None:
    """Over relief the points of a GRD lie off any smooth surface; each of them must be met."""
    bumps = np.random.default_rng(0).normal(0, 60, (10, 21))
    to_degrees = Transformer.from_crs("EPSG:32633", "EPSG:4326", always_xy=True)
    points, places = [], []
    for i, row in enumerate(np.linspace(5, 895, 10)):
        for j, column in enumerate(np.linspace(5, 1195, 21)):
            x, y = 400_000 + 10 * column + bumps[i, j], 5_400_000 - 10 * row
            lon, lat = to_degrees.transform(x, y)
            points.append(GroundControlPoint(row=row, col=column, x=lon, y=lat, z=0))
            places.append((x, y, column))
    columns = np.broadcast_to(np.arange(1200, dtype=np.float32) + 0.5, (900, 1200))
    shape = {"height": 900, "width": 1200, "count": 1, "dtype": "float32"}
    with rasterio.open(tmp_path / "r.tiff", "w", driver="GTiff", gcps=points, crs="EPSG:4326", **shape) as out:
        out.write(columns, 1)
    for x, y, column in places[45:165:7]:
        grid = Grid("EPSG:32633", north_up(x - 5, y + 5, 10), 1, 1, 10.0)
        pixels, _ = read(tmp_path, "r.tiff", grid)
        assert float(pixels[0, 0]) == pytest.approx(column, abs=0.1)


def test_what_lies_outside_and_what_has_no_data_is_not_valid(tmp_path: Path) -> None:
    ground = swath(400_000, 5_400_000)
    numbers = np.full((HEIGHT, WIDTH), 300, np.uint16)
    numbers[:, :60] = 0
    grd_tiff(tmp_path / "g.tiff", numbers, ground)
    grid = Grid("EPSG:32633", north_up(399_800, 5_400_400, 10), 200, 260, 10.0)
    pixels, valid = read(tmp_path, "g.tiff", grid, nodata=0)
    assert set(np.unique(pixels[valid])) == {300}, "no-data is not blended into its neighbours"
    at = ~ground @ grid.transform
    columns, rows = centres(at, 200, 260)
    inside = (columns > 61) & (columns < WIDTH - 1) & (rows > 1) & (rows < HEIGHT - 1)
    outside = (columns < 59) | (columns > WIDTH + 1) | (rows < -1) | (rows > HEIGHT + 1)
    assert valid[inside].all()
    assert not valid[outside].any()


@pytest.mark.parametrize(("crs", "north"), PLACES[:2], ids=["north", "south"])
def test_alone_it_gets_a_grid_of_true_metres(tmp_path: Path, crs: str, north: float) -> None:
    grd_tiff(tmp_path / "g_2023-05-01.tiff", np.full((HEIGHT, WIDTH), 300, np.uint16), swath(400_000, north), crs)
    given = {"frames": [{"modality": "sar", "files": ["{scene}_{date}.tiff"], "bands": [["VV"]], "unit": "amplitude"}]}
    (found,) = scan("rasters", tmp_path, given)
    assert isinstance(found, Scene)
    assert (found.grid.crs, found.grid.gsd_m) == (crs, 10.0)
    with opened(tmp_path / "g_2023-05-01.tiff") as dataset:
        tie = tie_of(dataset)
    assert tie is not None
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(ground_of_tie(tie))[0])
    assert area == pytest.approx(HEIGHT * WIDTH * 100, rel=0.005)
    with SceneReader(found) as reader:
        valid = reader.frame(found.frames[0], found.grid).valid
    assert valid.sum() * found.grid.gsd_m**2 == pytest.approx(area, rel=0.01)


@pytest.mark.parametrize(
    ("points", "crs", "reason"),
    [(3, "EPSG:4326", "no_place"), (0, None, "no_crs")],
)
def test_points_that_place_nothing_are_one_drop(tmp_path: Path, points: int, crs: str | None, reason: str) -> None:
    tied = [GroundControlPoint(row=at, col=at * at, x=15 + at / 100, y=48, z=0) for at in range(points)]
    given = {"gcps": tied, "crs": crs} if points else {}
    shape = {"height": 20, "width": 20, "count": 1, "dtype": "uint16"}
    with rasterio.open(tmp_path / "g_2023-05-01.tiff", "w", driver="GTiff", **shape, **given) as out:
        out.write(np.ones((20, 20), np.uint16), 1)
    recipe = {"frames": [{"modality": "sar", "files": ["{scene}_{date}.tiff"], "bands": [["VV"]], "unit": "amplitude"}]}
    first, second = scan("rasters", tmp_path, recipe)
    assert isinstance(first, Drop)
    assert isinstance(second, Drop)
    assert (first.reason, second.reason) == (reason, "no_frames")
    assert len(first.detail.splitlines()) == 1


def test_calibration_makes_sigma0_of_numbers(tmp_path: Path) -> None:
    """A falls across the swath: the same backscatter has other numbers on its two sides."""
    ground = swath(400_000, 5_400_000)
    amplitude = 0.25
    numbers = np.broadcast_to(np.rint(amplitude * lut(np.arange(WIDTH))), (HEIGHT, WIDTH)).astype(np.uint16)
    grd_tiff(tmp_path / "g_2023-05-01.tiff", numbers, ground)
    pattern = {"modality": "sar", "files": ["{scene}_{date}.tiff"], "bands": [["VV"]], "nodata": 0}
    (tmp_path / "g.c_2023-05-01.xml").write_text(s1_calibration("vv", HEIGHT, WIDTH))
    (found,) = scan("rasters", tmp_path, {"frames": [{**pattern, "metadata": ["{scene}.c_{date}.xml"]}]})
    assert isinstance(found, Scene)
    assert found.frames[0].unit == "amplitude"
    assert "g.c_2023-05-01.xml" in found.files()
    with SceneReader(found) as reader:
        frame = reader.frame(found.frames[0], found.grid)
    assert frame.decibel
    np.testing.assert_allclose(frame.pixels[0][frame.valid], 20 * np.log10(amplitude), atol=0.05)
