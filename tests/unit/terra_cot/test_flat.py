"""A grid keeps the areas of all of its raster, holds all of it, or is refused: wide rasters, bulging sides, poles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geofactory import write_tiff
from numpy.typing import NDArray
from pyproj import Geod, Transformer

from terra_cot.errors import GridError
from terra_cot.geo.grid import Grid, grid_of

GEOD = Geod(ellps="WGS84")


def grid_at(folder: Path, transform: Affine, crs: str, shape: tuple[int, int]) -> Grid:
    path = write_tiff(folder / "a.tif", np.zeros(shape, np.uint8), transform, crs)
    with rasterio.open(path) as dataset:
        return grid_of(dataset)


def worst_area(grid: Grid) -> float:
    """The largest share by which squares of 4 pixels all over a grid miss their area on the ellipsoid."""
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    errors = []
    for row in np.linspace(0, grid.height - 4, 7):
        for column in np.linspace(0, grid.width - 4, 7):
            corners = [(column, row), (column + 4, row), (column + 4, row + 4), (column, row + 4)]
            lon, lat = zip(*(to_degrees.transform(*(grid.transform @ at)) for at in corners), strict=True)
            errors.append(16 * grid.gsd_m**2 / abs(GEOD.polygon_area_perimeter(lon, lat)[0]) - 1)
    return float(np.abs(errors).max())


def beyond(grid: Grid, transform: Affine, crs: str, shape: tuple[int, int]) -> float:
    """Pixels of the grid by which the farthest place of a raster lies outside it."""
    rows, columns = np.mgrid[0 : shape[0] : 50j, 0 : shape[1] : 50j]
    x, y = transform @ (columns.ravel(), rows.ravel())
    column, row = ~grid.transform @ Transformer.from_crs(crs, grid.crs, always_xy=True).transform(x, y)
    out: NDArray[np.float64] = np.stack([-column, -row, column - grid.width, row - grid.height])
    return float(out.max())


def degrees(lon: float, lat: float, wide: float, high: float, shape: tuple[int, int]) -> Affine:
    return Affine(wide / shape[1], 0, lon - wide / 2, 0, -high / shape[0], lat + high / 2)


@pytest.mark.parametrize(
    ("transform", "crs", "plane"),
    [
        (degrees(15, 0, 6, 6, (300, 300)), "EPSG:4326", "EPSG:32633"),
        (degrees(15, 0, 10, 10, (300, 300)), "EPSG:4326", "lambert"),
        (degrees(12.1, 0, 4, 4, (300, 300)), "EPSG:4326", "lambert"),
        (degrees(15, 60, 3, 3, (300, 300)), "EPSG:4326", "EPSG:32633"),
        (degrees(15, -45, 20, 20, (300, 300)), "EPSG:4326", "lambert"),
        (degrees(180, 10, 12, 12, (300, 300)), "EPSG:4326", "lambert"),
        (degrees(0, 87, 360, 6, (300, 300)), "EPSG:4326", "EPSG:6931"),
        (degrees(0, -87, 360, 6, (300, 300)), "EPSG:4326", "EPSG:6932"),
        (Affine(4000, 0, -100_000, 0, -4000, 6_000_000), "EPSG:32633", "lambert"),
        (Affine(1000, 0, -150_000, 0, -1000, 150_000), "EPSG:3413", "EPSG:6931"),
    ],
    ids=["a-zone", "ten-degrees", "off-the-zone", "sixty-north", "south", "dateline", "cap", "southern-cap", "wide-utm",
         "over-the-pole"],
)  # fmt: skip
def test_areas_are_kept_all_over_and_nothing_is_left_out(
    tmp_path: Path, transform: Affine, crs: str, plane: str
) -> None:
    """In UTM an image of ten degrees is 0.7 % too large at its sides; its upper side bulges by kilometres."""
    grid = grid_at(tmp_path, transform, crs, (300, 300))
    assert grid.crs is not None
    assert grid.crs == plane or (plane == "lambert" and "Lambert_Azimuthal_Equal_Area" in grid.crs)
    assert worst_area(grid) < 0.005
    assert beyond(grid, transform, crs, (300, 300)) < 0.2


@pytest.mark.parametrize(
    ("transform", "crs"),
    [
        (Affine(0.5, 0, -180, 0, -0.5, 90), "EPSG:4326"),
        (degrees(10, 0, 60, 60, (300, 300)), "EPSG:4326"),
        (Affine(100_000, 0, -20_000_000, 0, -100_000, 20_000_000), "EPSG:3857"),
    ],
    ids=["world", "a-continent", "mercator"],
)
def test_what_no_plane_holds_is_refused(tmp_path: Path, transform: Affine, crs: str) -> None:
    """Such a raster once became a strip a pixel wide, without a word."""
    with pytest.raises(GridError, match="too wide for one flat grid") as caught:
        grid_at(tmp_path, transform, crs, (360, 720) if transform.a == 0.5 else (300, 300))
    assert caught.value.reason == "too_wide"
