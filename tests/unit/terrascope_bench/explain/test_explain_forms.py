"""Masks on the ground: polygons that GDAL reads back to the same pixels, valid COGs, roads cut at their edges."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import geopandas
import numpy as np
import pyogrio
import pytest
import rasterio
from affine import Affine
from geofactory import mosaic
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from rasterio import features as rasterise
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import shape

from terra_cot.errors import DataError
from terra_cot.facts import area_m2
from terra_cot.geo.grid import Grid
from terrascope_bench.explain.change import TASKS, task_of
from terrascope_bench.explain.marked import area_text, reduced
from terrascope_bench.explain.rasters import write_mask
from terrascope_bench.explain.roads import read_roads, roads_in
from terrascope_bench.explain.vectors import features, write_features

UTM = Grid("EPSG:32633", Affine(10, 0, 400000, 0, -10, 5400000), 300, 420, 10.0)
DATELINE = Grid("EPSG:32660", Affine(100, 0, 780000, 0, -100, 4000000), 300, 420, 100.0)
COARSE = Grid("EPSG:32633", Affine(250, 0, 400000, 0, -250, 6400000), 300, 420, 250.0)
GEOD = Geod(ellps="WGS84")


def a_mask(grid: Grid) -> NDArray[np.bool_]:
    """Patches with holes, single pixels that meet at corners, and a bar along the whole border."""
    mask = mosaic(3, grid.height, grid.width, cells=12) == 80
    mask[:3] = True
    mask[50:60, 50:60] = np.indices((10, 10)).sum(axis=0) % 2 == 0
    return mask


@pytest.mark.parametrize("grid", [UTM, DATELINE, COARSE], ids=["utm", "dateline", "coarse"])
def test_gdal_reads_polygons_that_cover_the_pixels_of_the_mask(grid: Grid, tmp_path: Path) -> None:
    mask = a_mask(grid)
    found = features(mask, grid, {"label": "water", "date": "t0"})
    path = tmp_path / "water.geojson"
    write_features(path, "water", found)
    assert pyogrio.read_info(path)["driver"] == "GeoJSON"
    table = geopandas.read_file(path)
    assert table.crs.to_epsg() == 4326
    assert len(table) == len(found) == rasterio_parts(mask)
    assert set(table.geometry.geom_type) <= ({"Polygon", "MultiPolygon"} if grid is DATELINE else {"Polygon"})
    assert table.geometry.is_valid.all()
    bounds = table.total_bounds
    assert -180 <= bounds[0] <= bounds[2] <= 180
    assert table.pixels.sum() == mask.sum()
    assert table.area_m2.sum() == pytest.approx(area_m2(int(mask.sum()), grid.gsd_m), abs=1)
    geodesic = sum(abs(GEOD.geometry_area_perimeter(geometry)[0]) for geometry in table.geometry)
    assert table.area_m2.sum() == pytest.approx(geodesic, rel=5e-3)
    if grid is not DATELINE:
        back = laid_back(table, grid)
        assert (back == mask).all()


def rasterio_parts(mask: NDArray[np.bool_]) -> int:
    from scipy import ndimage

    return int(ndimage.label(mask)[1])


def laid_back(table: geopandas.GeoDataFrame, grid: Grid) -> NDArray[np.bool_]:
    """The pixels whose centres lie in the polygons, read in degrees and carried to the grid."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metres = table.to_crs(grid.crs).geometry
    return np.asarray(rasterise.rasterize(metres, grid.shape, transform=grid.transform), bool)


def test_a_long_edge_follows_the_ground_in_degrees(tmp_path: Path) -> None:
    """A bar of 105 km: with its corners alone its middle would lie half a pixel off."""
    mask = np.zeros(COARSE.shape, bool)
    mask[100] = True
    (bar,) = features(mask, COARSE, {})
    to_metres = Transformer.from_crs("EPSG:4326", COARSE.crs, always_xy=True)
    for x, y in densified(shape(bar["geometry"]).exterior.coords):
        row = (~COARSE.transform @ to_metres.transform(x, y))[1]
        assert min(abs(row - 100), abs(row - 101)) < 0.02 or 100 < row < 101


def densified(points: object) -> list[tuple[float, float]]:
    from shapely.geometry import LineString

    line = LineString(points)  # type: ignore[arg-type]
    return [line.interpolate(share, normalized=True).coords[0] for share in np.linspace(0, 1, 4001)]


def test_shells_turn_left_and_holes_right() -> None:
    """RFC 7946, section 3.1.6."""
    for entry in features(a_mask(UTM), UTM, {}):
        polygon = shape(entry["geometry"])
        assert polygon.exterior.is_ccw
        assert not any(ring.is_ccw for ring in polygon.interiors)


def test_an_empty_mask_is_a_collection_without_features(tmp_path: Path) -> None:
    write_features(tmp_path / "none.geojson", "none", features(np.zeros(UTM.shape, bool), UTM, {}))
    assert json.loads((tmp_path / "none.geojson").read_bytes())["features"] == []
    assert len(geopandas.read_file(tmp_path / "none.geojson")) == 0


@pytest.mark.parametrize("side", [90, 700])
def test_a_mask_is_a_valid_cog_on_the_grid_of_the_scene(side: int, tmp_path: Path) -> None:
    grid = Grid("EPSG:32633", Affine(10, 0, 400000, 0, -10, 5400000), side, side + 13, 10.0)
    mask, valid = np.zeros(grid.shape, bool), np.ones(grid.shape, bool)
    mask[10:40, 20:70], valid[:, -9:] = True, False
    path = tmp_path / "mask.tif"
    write_mask(path, mask, valid, grid, "water", (0, 100, 200))
    assert cog_validate(path, strict=True, quiet=True) == (True, [], [])
    with rasterio.open(path) as dataset:
        assert (dataset.crs.to_epsg(), dataset.transform, dataset.shape) == (32633, grid.transform, grid.shape)
        assert (dataset.dtypes, dataset.nodata, dataset.descriptions) == (("uint8",), 255, ("water",))
        assert (dataset.read(1) == np.where(valid, mask, 255)).all()
        table = dataset.colormap(1)
        assert (table[1], table[0], table[255][3]) == ((0, 100, 200, 255), (240, 240, 240, 255), 0)
        assert bool(dataset.overviews(1)) == (side > 512)
        if dataset.overviews(1):
            assert set(np.unique(dataset.read(1, out_shape=(side // 2, side // 2)))) <= {0, 1, 255}


def roads_file(path: Path, *geometries: object, crs: object = None) -> Path:
    body = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"name": f"road {number}"}, "geometry": geometry}
            for number, geometry in enumerate(geometries)
        ],
    }
    path.write_text(json.dumps(body | ({"crs": crs} if crs else {})))
    return path


def in_degrees(*places: tuple[float, float]) -> list[list[float]]:
    """Places (column, row) of UTM's grid in degrees."""
    carry = Transformer.from_crs(UTM.crs, "EPSG:4326", always_xy=True)
    return [list(carry.transform(*(UTM.transform @ place))) for place in places]


def test_roads_are_cut_at_the_edges_of_the_mask(tmp_path: Path) -> None:
    mask = np.zeros(UTM.shape, bool)
    mask[100:200, 100:150] = True  # 500 m wide
    mask[100:200, 300:310] = True  # 100 m wide
    path = roads_file(
        tmp_path / "roads.geojson",
        {"type": "LineString", "coordinates": in_degrees((-50, 150.5), (500, 150.5))},
        {"type": "LineString", "coordinates": in_degrees((10, 10), (400, 20))},
        {"type": "MultiLineString", "coordinates": [in_degrees((0, 110), (120, 110)), in_degrees((0, 290), (9, 290))]},
        {"type": "Point", "coordinates": in_degrees((1, 1))[0]},
        None,
    )
    roads = read_roads(path)
    assert (len(roads.lines), dict(roads.dropped)) == (3, {"Point": 1, "no geometry": 1})
    wet = roads_in(mask, UTM, roads)
    assert [entry["properties"]["name"] for entry in wet] == ["road 0", "road 2"]
    across, part = (shape(entry["geometry"]) for entry in wet)
    assert (across.geom_type, len(across.geoms), part.geom_type) == ("MultiLineString", 2, "LineString")
    for entry, metres in zip(wet, (600, 200), strict=True):
        assert entry["properties"]["length_m"] == pytest.approx(metres, rel=1e-3)  # UTM's own scale
        assert entry["properties"]["length_m"] == pytest.approx(
            GEOD.geometry_length(shape(entry["geometry"])), abs=0.01
        )
    assert wet[0]["properties"]["of_length_m"] == pytest.approx(5500, rel=1e-3)
    write_features(tmp_path / "wet.geojson", "wet", wet)
    assert geopandas.read_file(tmp_path / "wet.geojson").geometry.is_valid.all()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "not GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "no line in this file"),
        ('{"type": "Point", "coordinates": [1, 2]}', "no line in this file"),
        ('{"type": "LineString", "coordinates": [[400000, 5400000], [400010, 5400000]]}', "not longitude and latitude"),
        ('{"type": "LineString", "coordinates": [[1, 2]]}', "not a LineString"),
        ('{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:32633"}}}', "another CRS"),
    ],
)
def test_roads_that_are_none_are_told_in_one_line(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "roads.geojson"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read_roads(path)
    with pytest.raises(DataError, match="no such file"):
        read_roads(tmp_path / "absent.geojson")


def test_changes_are_what_came_or_went_where_both_dates_show_the_ground() -> None:
    """Blocks of 4 x 4 pixels: on both dates, gone, come, on neither, gone where only one date shows the ground."""

    def blocks(*there: int) -> NDArray[np.bool_]:
        return np.kron(np.array([there], bool), np.ones((4, 4), bool))

    before, after, valid = blocks(1, 1, 0, 0, 1), blocks(1, 0, 1, 0, 0), blocks(1, 1, 1, 1, 0)
    assert (TASKS["flood"].change(before, after, valid) == blocks(0, 0, 1, 0, 0)).all()
    assert (TASKS["clearing"].change(before, after, valid) == blocks(0, 1, 0, 0, 0)).all()
    assert (TASKS["damage"].change(before, after, valid) == blocks(1, 0, 0, 0, 0)).all()
    grown = before.copy()
    grown[:, 8:10] = True  # a border that two masks draw two pixels apart
    assert not TASKS["flood"].change(before, grown, valid).any()
    with pytest.raises(Exception, match='did you mean "flood"'):
        task_of("floods", ["t0", "t1"])
    with pytest.raises(Exception, match="compares two dates"):
        task_of("flood", ["t0"])


def test_a_reduced_mask_keeps_its_area() -> None:
    mask = a_mask(UTM)
    assert reduced(mask, (75, 105)).mean() == pytest.approx(mask.mean(), abs=1e-3)
    assert (reduced(mask, UTM.shape) == mask).all()


@pytest.mark.parametrize(("value", "text"), [(900, "900 m²"), (25_000, "2.5 ha"), (3_204_000, "3.20 km²"), (0, "0 m²")])
def test_areas_for_people(value: float, text: str) -> None:
    assert area_text(value) == text
