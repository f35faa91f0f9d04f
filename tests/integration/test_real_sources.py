"""Real files whose grids disagree: degrees, two pixel sizes, five dates, a map of three degrees, damage by polygons."""

from __future__ import annotations

import json
import os
import shutil
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
import shapely
from account import made
from affine import Affine
from geofactory import noise, reflectance, write_tiff
from numpy.typing import NDArray
from PIL import Image
from pyproj import Geod, Transformer
from rasterio.io import MemoryFile
from rasterio.windows import Window

from terra_cot.sources.xbd import SUBTYPES
from terra_cot.tile import FrameRecord, TileRecord

DATA = Path(os.environ.get("TERRA_COT_TEST_DATA", "/nowhere"))
pytestmark = pytest.mark.skipif(
    "TERRA_COT_TEST_DATA" not in os.environ,
    reason="real data: set TERRA_COT_TEST_DATA to the folder that holds ssl4eo-s12, esa-worldcover, xbd-labels, ...",
)
GEOD = Geod(ellps="WGS84")
RGB = ("B02", "B03", "B04")
FINE, COARSE = ("B2", "B3", "B4", "B8"), ("B5", "B8A", "B11", "B12")
MAP = "ESA_WorldCover_10m_2021_v200_N00E006_Map.tif"


def bands_of(frame: FrameRecord) -> tuple[dict[str, NDArray[np.generic]], NDArray[np.bool_]]:
    assert frame.raster is not None
    with MemoryFile(frame.raster) as memory, memory.open() as dataset:
        return dict(zip(dataset.descriptions, dataset.read(), strict=True)), dataset.dataset_mask() > 0


def places(tile: TileRecord) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude (HW) of the pixel centres of a tile."""
    columns, rows = np.meshgrid(np.arange(tile.width) + 0.5, np.arange(tile.height) + 0.5)
    x, y = Affine(*tile.transform) @ (columns, rows)
    lon, lat = Transformer.from_crs(tile.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def ground_m2(rows: int, columns: int, transform: Affine) -> NDArray[np.float64]:
    """Area on the ellipsoid of a pixel of each row of a raster in degrees."""
    edges = transform.f + transform.e * np.arange(rows + 1)
    west, east = transform.c, transform.c + transform.a
    return np.array(
        [
            abs(GEOD.polygon_area_perimeter([west, east, east, west], [top, top, bottom, bottom])[0])
            for top, bottom in pairwise(edges)
        ]
    )


@pytest.fixture(scope="module")
def ssl4eo(tmp_path_factory: pytest.TempPathFactory) -> TileRecord:
    """S2 L2A and S1 of two dates each; no two of the three pixel sizes and two origins agree."""
    optical = [f"s2a/{{scene}}/{{date}}_*/{band}.tif" for band in (*FINE, *COARSE, "B1")]
    frames = [
        {"modality": "optical", "files": optical, "bands": [[band] for band in (*FINE, *COARSE, "B1")]},
        {
            "modality": "sar",
            "files": [f"s1/{{scene}}/S1A_IW_GRDH_1SDV_{{date}}_*/{band}.tif" for band in ("VV", "VH")],
            "bands": [["VV"], ["VH"]],
            "unit": "dB",
        },
    ]
    source = {"kind": "rasters", "root": str(DATA / "ssl4eo-s12"), "frames": frames}
    out = tmp_path_factory.mktemp("ssl4eo") / "out"
    dataset = made({"name": "ssl4eo", "source": source, "tile": {"size_px": 512}}, out)
    assert dataset.counts["scenes"] == {"read": 1, "kept": 1, "dropped": {}}
    (tile,) = dataset.tiles
    return tile


def test_two_sensors_in_degrees_come_to_one_metric_grid(ssl4eo: TileRecord) -> None:
    assert ssl4eo.crs == "EPSG:32643"
    assert [(frame.modality, (frame.datetime or "")[:10]) for frame in ssl4eo.frames] == [
        ("optical", "2020-06-04"),
        ("sar", "2020-06-07"),
        ("optical", "2020-08-13"),
        ("sar", "2020-09-03"),
    ]
    assert ssl4eo.gsd_m == pytest.approx(9.74, abs=0.1), "metres, not degrees"
    bounds = []
    for band in ("B2", "B5", "B1"):  # the three pixel sizes of Sentinel-2
        with rasterio.open(next((DATA / "ssl4eo-s12").glob(f"s2a/*/20200604*/{band}.tif"))) as dataset:
            bounds.append(dataset.bounds)
    west, east = max(box.left for box in bounds), min(box.right for box in bounds)
    south, north = max(box.bottom for box in bounds), min(box.top for box in bounds)
    truth = abs(GEOD.polygon_area_perimeter([west, east, east, west], [north, north, south, south])[0])
    _, valid = bands_of(ssl4eo.frames[0])
    assert float(valid.sum()) * ssl4eo.gsd_m**2 == pytest.approx(truth, rel=0.005), "what all bands show"


@pytest.mark.parametrize(("band", "most"), [("B4", 0.03), ("B8", 0.03), ("B11", 0.03), ("B1", 0.03)])
def test_every_pixel_is_that_of_its_place(ssl4eo: TileRecord, band: str, most: float) -> None:
    """Against the file itself, sampled bilinearly by hand at the places of the tile's pixels."""
    found, valid = bands_of(ssl4eo.frames[0])
    with rasterio.open(next((DATA / "ssl4eo-s12").glob(f"s2a/*/20200604*/{band}.tif"))) as dataset:
        source, transform = dataset.read(1).astype(np.float32), dataset.transform
    column, row = ~transform @ places(ssl4eo)
    at = [np.asarray(axis - 0.5, np.float32) for axis in (column, row)]
    expected = cv2.remap(source, *at, cv2.INTER_LINEAR)
    inside = valid & (column > 1) & (row > 1) & (column < source.shape[1] - 1) & (row < source.shape[0] - 1)
    assert inside.mean() > 0.85
    error = np.abs(found[band].astype(np.float32) - expected)[inside]
    assert np.median(error) <= most * expected[inside].std()
    assert np.corrcoef(found[band][inside], expected[inside])[0, 1] > 0.995


def test_what_the_two_georeferences_differ_by_is_found_or_refused(ssl4eo: TileRecord) -> None:
    """They contradict each other by three to four pixels of ten metres: never both accepted and small."""
    for frame in ssl4eo.frames:
        if frame.modality == "sar":
            assert frame.shift_status in ("removed", "refused")
            if frame.shift_status == "removed":
                assert 2 < np.hypot(*frame.shift_px) < 6
    later = [frame for frame in ssl4eo.frames if frame.modality == "optical"][1]
    assert later.shift_status in ("removed", "aligned")
    assert later.shift_found_px is not None
    assert np.hypot(*later.shift_found_px) < 1.0, "dates of one sensor lie on each other"


@pytest.fixture(scope="module")
def island() -> tuple[NDArray[np.uint8], Affine]:
    """The land in the map: 400 px of it, with its transform."""
    with rasterio.open(DATA / "esa-worldcover" / MAP) as dataset:
        window = Window(7800, 33000, 400, 400)
        for row in range(30720, 35600, 300):
            for column in range(7680, 10500, 300):
                found = dataset.read(1, window=Window(column, row, 400, 400))
                if (found == 10).mean() > 0.3 and (found == 80).any() and len(np.unique(found)) > 4:
                    window = Window(column, row, 400, 400)
                    return dataset.read(1, window=window), dataset.window_transform(window)
    raise AssertionError("no land where the note on the file says that it lies")


@pytest.mark.parametrize("metric", [True, False], ids=["imagery-in-utm", "imagery-in-degrees"])
def test_worldcover_under_imagery_of_any_grid(
    metric: bool, island: tuple[NDArray[np.uint8], Affine], tmp_path: Path
) -> None:
    """A map of 36,000 x 36,000 px and three degrees, matched by the ground; its classes in true square metres."""
    codes, transform = island
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / MAP).symlink_to(DATA / "esa-worldcover" / MAP)
    if metric:
        middle = transform @ (200, 200)
        x, y = Transformer.from_crs("EPSG:4326", "EPSG:32632", always_xy=True).transform(*middle)
        place, crs, side = Affine(10, 0, round(x) - 1500, 0, -10, round(y) + 1500), "EPSG:32632", 300
    else:
        place, crs, side = transform, "EPSG:4326", 400
    image = np.stack([reflectance(noise(band, side, side)) for band in range(3)])
    write_tiff(tmp_path / "images" / "a_2021-06-01.tif", image, place, crs, bands=RGB)
    source = {
        "kind": "rasters",
        "root": str(tmp_path),
        "frames": [{"modality": "optical", "files": ["images/{scene}_{date}.tif"]}],
        "label": "maps/*_Map.tif",
        "legend": "worldcover",
    }
    dataset = made({"name": "island", "source": source, "tile": {"size_px": 512, "raster": False}}, tmp_path / "out")
    (tile,) = dataset.tiles
    assert dataset.samples
    label = tile.label_array()
    lon, lat = places(tile)
    with rasterio.open(DATA / "esa-worldcover" / MAP) as world:
        column, row = ~world.transform @ (lon, lat)
        top, left = int(row.min()), int(column.min())
        rows, columns = int(row.max()) - top + 1, int(column.max()) - left + 1
        around = world.read(1, window=Window(left, top, columns, rows))
    expected = around[np.floor(row).astype(int) - top, np.floor(column).astype(int) - left]
    assert (label == expected).mean() > 0.995, "the code of the place, pixel for pixel"
    if not metric:
        of_row = ground_m2(400, 400, transform)
        columns, rows = ~transform @ (lon, lat)
        inside = (columns >= 0) & (columns < 400) & (rows >= 0) & (rows < 400)
        for code in (10, 80):
            truth = float(((codes == code).sum(axis=1) * of_row).sum())
            assert float((inside & (label == code)).sum()) * tile.gsd_m**2 == pytest.approx(truth, rel=0.005)


def test_the_slovenia_series_with_its_land_cover_and_its_masks(tmp_path: Path) -> None:
    """Five dates, two of them opaque; the codes of its map are written in a legend of ours, one for one."""
    source = DATA / "slovenia-s2-series"
    for path in source.glob("*.tif"):
        shutil.copy(path, tmp_path / path.name)
    with rasterio.open(source / "LULC.tif") as dataset:
        codes, transform, crs = dataset.read(1), dataset.transform, dataset.crs.to_string()
    ours = np.zeros(9, np.uint8)
    ours[[1, 2, 3, 4, 8]] = 40, 10, 30, 20, 50
    write_tiff(tmp_path / "map.tif", ours[codes], transform, crs, nodata=0)
    frames = [{"modality": "optical", "files": ["S2_L1C_{date}.tif"], "cloud": "CLM_{date}.tif", "cloud_codes": [1]}]
    given = {"kind": "rasters", "root": str(tmp_path), "frames": frames, "label": "map.tif", "legend": "worldcover"}
    dataset = made({"name": "slovenia", "source": given, "tile": {"size_px": 256}}, tmp_path / "out")
    (tile,) = dataset.tiles
    np.testing.assert_array_equal(tile.label_array(), ours[codes])
    assert tile.gsd_m**2 * 10_100 == pytest.approx(9.99479222 * 9.99744847 * 10_100, rel=1e-6)
    for frame in tile.frames:
        with rasterio.open(source / f"CLM_{(frame.datetime or '')[:10]}.tif") as mask:
            share = float((mask.read(1) == 1).mean())
        assert frame.cloud_fraction == pytest.approx(share, abs=0.03), "a shift moves the mask with its image"
    assert [frame.cloud_fraction == 1.0 for frame in tile.frames] == [False, True, True, False, False]
    assert dataset.samples
    for row in dataset.samples:
        assert row["frames"][0]["frame"] == "t0"
    forest = [
        item["value"]
        for row in dataset.samples
        for item in row["evidence"]
        if item["fact"] == "share" and [row["masks"][at]["label"] for at in item["masks"]] in (["tree"], ["tree cover"])
    ]
    assert forest
    assert forest == pytest.approx([100 * 7601 / (10_100 - 155)] * len(forest), abs=1e-6), "none is no land"


def xbd_baseline(document: dict[str, Any], border: int) -> NDArray[np.uint8]:
    """The rule of the xView2 baseline (mask_polygons.py): corners move `border` px to the centroid, then truncate."""
    mask = np.zeros((1024, 1024), np.uint8)
    for feature in document["features"]["xy"]:
        polygon = shapely.from_wkt(feature["wkt"])
        (x, y), corners = polygon.centroid.coords[0], shapely.get_coordinates(polygon)
        moved = corners + border * np.sign(np.array([x, y]) - corners)
        cv2.fillPoly(mask, [moved.astype(np.int32)], SUBTYPES[feature["properties"].get("subtype", "no-damage")])
    return mask


def test_the_published_xbd_pair_and_its_masks(tmp_path: Path) -> None:
    """The masks beside the JSON are the baseline's, byte for byte, with a border of one pixel. Ours are the same
    buildings of the same damage, without that border: all that differs lies at an outline."""
    folder, name = DATA / "xbd-labels", "joplin-tornado_00000050"
    for kind in ("images", "labels"):
        (tmp_path / "train" / kind).mkdir(parents=True)
    for number, when in enumerate(("pre", "post")):
        shutil.copy(folder / f"{name}_{when}_disaster.json", tmp_path / "train" / "labels")
        grey = np.clip(120 + 40 * noise(number, 1024, 1024), 1, 255).astype(np.uint8)
        Image.fromarray(np.stack([grey] * 3, axis=-1)).save(
            tmp_path / "train" / "images" / f"{name}_{when}_disaster.png"
        )
    recipe = {"name": "xbd", "source": {"kind": "xbd", "root": str(tmp_path)}, "tile": {"align": False}}
    (tile,) = made(recipe, tmp_path / "out").tiles
    label = tile.label_array()
    for when in ("pre", "post"):
        document = json.loads((folder / f"{name}_{when}_disaster.json").read_text())
        published = np.asarray(Image.open(BytesIO((folder / f"{name}_{when}_disaster_b1.png").read_bytes())))
        np.testing.assert_array_equal(xbd_baseline(document, 1), published)
    outlines = np.ones(label.shape, np.uint8)
    for feature in document["features"]["xy"]:
        corners = np.rint(shapely.get_coordinates(shapely.from_wkt(feature["wkt"]))).astype(np.int32)
        cv2.polylines(outlines, [corners], True, 0)
    away_px = cv2.distanceTransform(outlines, cv2.DIST_C, 3)
    assert away_px[label != published].max() <= 2
    both = (label > 0) & (published > 0)
    np.testing.assert_array_equal(label[both], published[both])
    assert both.sum() > 0.998 * (published > 0).sum()
    assert tile.gsd_m == pytest.approx(0.46, abs=0.02)
