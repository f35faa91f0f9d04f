"""Where the world has a reference implementation, we agree with it."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from geofactory import UTM33, noise, north_up, reflectance, write_tiff
from PIL import Image
from pycocotools import mask as coco
from pyproj import Geod, Transformer
from rasterio.enums import Resampling
from rasterio.warp import reproject, transform_geom
from scipy import ndimage

from terra_cot import facts
from terra_cot.geo.grid import Grid, grid_of
from terra_cot.mask import area, check_counts, decode, runs
from terra_cot.mask import encode as encode_mask
from terra_cot.pixels import encode
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Asset, Scene, SceneFrame


@pytest.mark.parametrize("density", [0.0, 0.001, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (64, 37), (256, 256)])
def test_rle_is_that_of_pycocotools(density: float, shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(int(density * 1000)).random(shape) < density
    reference = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    counts = reference["counts"].decode()
    assert encode_mask(mask) == counts
    np.testing.assert_array_equal(decode(shape, counts), coco.decode(reference).astype(bool))
    assert area(counts) == coco.area(reference)
    flat = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(flat, prepend=False, append=~flat[-1]))
    np.testing.assert_array_equal(runs(counts.encode()), np.diff(changes, prepend=0))
    np.testing.assert_array_equal(check_counts(shape, counts), runs(counts.encode()))


@pytest.mark.parametrize("seed", range(5))
def test_pillow_reads_our_png_of_a_scene(seed: int) -> None:
    image = np.stack([reflectance(noise(seed + band, 61, 83)) >> 4 for band in range(3)], -1).astype(np.uint8)
    with Image.open(BytesIO(encode.png(image))) as opened:
        assert opened.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(opened), image)


@pytest.mark.parametrize("zone", [32601, 32633, 32733, 32660])
@pytest.mark.parametrize("northing", [200_000, 3_000_000, 6_500_000])
def test_areas_are_those_of_the_ellipsoid(zone: int, northing: float) -> None:
    """UTM stretches by less than half a percent within its zone: pixels x gsd^2 is the area on the ground."""
    grid = Grid(f"EPSG:{zone}", north_up(420_000, northing, 10), 256, 256, 10.0)
    corners = [grid.transform * corner for corner in ((0, 0), (256, 0), (256, 256), (0, 256))]
    ring = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    place = transform_geom(grid.crs, "EPSG:4326", ring)["coordinates"][0]
    geodesic = abs(Geod(ellps="WGS84").polygon_area_perimeter(*zip(*place, strict=True))[0])
    assert facts.area_m2(256 * 256, grid.gsd_m) == pytest.approx(geodesic, rel=0.005)


def test_pixels_of_a_geographic_raster_keep_their_area(tmp_path: Path) -> None:
    """At 60 degrees north a degree of longitude is half of one of latitude: counting source pixels would be wrong."""
    source = Affine(1e-4, 0, 15.0, 0, -1e-4, 60.02)
    path = write_tiff(tmp_path / "a.tif", np.ones((200, 400), np.uint8), source, "EPSG:4326")
    with rasterio.open(path) as dataset:
        grid = grid_of(dataset)
    scene = Scene(
        "s", "x", str(tmp_path), (SceneFrame("t0", "", "optical", (Asset("a.tif", ("B04",)),)),), grid
    )  # fmt: skip
    with SceneReader(scene) as reader:
        covered = int(reader.frame(scene.frames[0], grid).valid.sum())
    ring = [source * corner for corner in ((0, 0), (400, 0), (400, 200), (0, 200))]
    geodesic = abs(Geod(ellps="WGS84").polygon_area_perimeter(*zip(*ring, strict=True))[0])
    assert facts.area_m2(covered, grid.gsd_m) == pytest.approx(geodesic, rel=0.005)


@pytest.mark.parametrize(("crs", "pixel"), [("EPSG:32634", 10), ("EPSG:3857", 15), ("EPSG:3035", 10)])
def test_a_warp_is_exactly_bilinear(tmp_path: Path, crs: str, pixel: float) -> None:
    """Against pyproj and scipy: each pixel's centre in the other CRS, then the weights of its four neighbours.

    15 m of Mercator are 10 m on the ground here.
    """
    grid = Grid(UTM33, north_up(600_000, 5_400_000, 10), 96, 120, 10.0)
    box = rasterio.warp.transform_bounds(UTM33, crs, 599_700, 5_398_700, 601_500, 5_400_300)
    place = Affine(pixel, 0, box[0], 0, -pixel, box[3])
    side = int(max(box[2] - box[0], box[3] - box[1]) / pixel)
    image = reflectance(noise(4, side, side))
    write_tiff(tmp_path / "a.tif", image, place, crs, nodata=0)
    scene = Scene("s", "x", str(tmp_path), (SceneFrame("t0", "", "optical", (Asset("a.tif", ("B04",)),)),), grid)
    with SceneReader(scene) as reader:
        frame = reader.frame(scene.frames[0], grid)
    columns, rows = np.meshgrid(np.arange(120) + 0.5, np.arange(96) + 0.5)
    x, y = Transformer.from_crs(UTM33, crs, always_xy=True).transform(600_000 + 10 * columns, 5_400_000 - 10 * rows)
    at = ((place.f - y) / pixel - 0.5, (x - place.c) / pixel - 0.5)
    expected = ndimage.map_coordinates(image.astype(np.float64), at, order=1)
    assert frame.valid.all()
    np.testing.assert_allclose(frame.pixels[0], expected, atol=3.0)  # of a deviation of 300


def test_averaging_down_is_that_of_rasterio(tmp_path: Path) -> None:
    """Finer imagery is averaged, not sampled: what rasterio.warp.reproject does."""
    grid = Grid(UTM33, north_up(600_000, 5_400_000, 10), 50, 60, 10.0)
    image = reflectance(noise(4, 300, 360, cutoff=0.5))
    place = north_up(600_000, 5_400_000, 10 / 6)
    write_tiff(tmp_path / "a.tif", image, place, nodata=0)
    scene = Scene("s", "x", str(tmp_path), (SceneFrame("t0", "", "optical", (Asset("a.tif", ("B04",)),)),), grid)
    with SceneReader(scene) as reader:
        frame = reader.frame(scene.frames[0], grid)
    expected = np.zeros(grid.shape, np.uint16)
    reproject(
        image, expected, src_transform=place, src_crs=UTM33, dst_transform=grid.transform, dst_crs=UTM33, src_nodata=0,
        resampling=Resampling.bilinear,
    )  # fmt: skip
    assert np.abs(frame.pixels[0].astype(int) - expected).max() <= 1
    assert frame.pixels[0].std() < 0.5 * image.std()
