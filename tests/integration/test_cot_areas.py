"""Areas in a finished dataset are those on the ellipsoid, whatever grid, place or order of rows the files came in.

A field is drawn on the ground (a geodesic circle of known area), rasterised into a label map in the file's own grid,
and measured in the samples and tiles that come out at the other end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import yaml
from affine import Affine
from geofactory import cli_here, write_tiff
from pyproj import Geod, Transformer
from rasterio.features import rasterize
from shapely.geometry import Polygon

from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terra_cot.tile import TileRecord

GEOD = Geod(ellps="WGS84")
SIDE, MAP_SIDE = 300, 360
CROP, FIELD = 40, 80
DEGREE_M = 111_320.0
UPRIGHT, SOUTH_UP, TILTED = Affine.identity(), Affine.scale(1, -1), Affine.rotation(27)


@dataclass(frozen=True)
class Place:
    """A raster around a place: pixels of about `metres`, laid out by `turn` in the file's own CRS."""

    crs: str
    lon: float
    lat: float
    metres: float = 10.0
    turn: Affine = UPRIGHT
    label_crs: str | None = None
    lon_wrap: float = 0.0

    @property
    def map_metres(self) -> float:
        """Pixels of the label map. On a grid of nearly its own pixels nearest neighbours would keep their number, and
        not their area: such a map is finer."""
        return self.metres if self.crs.startswith("EPSG:32") and not self.label_crs else 0.83 * self.metres

    def transform(self, crs: str, metres: float, side: int) -> Affine:
        """Pixel to CRS, the place in the middle."""
        if crs == "EPSG:4326":
            step = metres / DEGREE_M
            across = step / max(np.cos(np.radians(self.lat)), 0.02)
            x, y, size = self.lon + self.lon_wrap, self.lat, Affine.scale(across, -step)
        else:
            x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(self.lon, self.lat)
            size = Affine.scale(metres, -metres)
        return Affine.translation(x, y) @ size @ self.turn @ Affine.translation(-side / 2, -side / 2)


def utm(lon: float, lat: float) -> str:
    return f"EPSG:{(32600 if lat >= 0 else 32700) + int((lon + 180) // 6) + 1}"


LATITUDES = (0.0, 20.0, 40.0, 60.0, 75.0, 83.5)
PLACES: dict[str, Place] = {
    **{f"utm {lat:g}": Place(utm(15, lat), 15.0, lat) for lat in LATITUDES},
    **{f"utm south {lat:g}": Place(utm(15, -lat), 15.0, -lat) for lat in LATITUDES[1:]},
    **{f"degrees {lat:g}": Place("EPSG:4326", 15.7, lat) for lat in (*LATITUDES, 85.0, 87.0)},
    **{f"degrees south {lat:g}": Place("EPSG:4326", 15.7, -lat) for lat in (*LATITUDES[1:], 85.0)},
    **{f"zone edge {lat:g}": Place("EPSG:32633", 17.99, lat) for lat in LATITUDES},
    **{f"beyond the zone {lat:g}": Place("EPSG:32633", 19.2, lat) for lat in LATITUDES},
    **{f"far beyond {lat:g}": Place("EPSG:32633", 24.0, lat) for lat in LATITUDES[:4]},
    **{f"seam {lat:g}": Place("EPSG:32633", 18.0, lat, label_crs="EPSG:32634") for lat in LATITUDES},
    **{f"degrees on the seam {lat:g}": Place("EPSG:4326", 18.0, lat) for lat in LATITUDES},
    **{f"map in degrees {lat:g}": Place(utm(15, lat), 15.0, lat, label_crs="EPSG:4326") for lat in LATITUDES},
    **{f"tilted {lat:g}": Place(utm(15, lat), 15.0, lat, turn=TILTED) for lat in LATITUDES},
    **{f"south up {lat:g}": Place(utm(15, lat), 15.0, lat, turn=SOUTH_UP) for lat in LATITUDES},
    **{f"degrees south up {lat:g}": Place("EPSG:4326", 15.0, lat, turn=SOUTH_UP) for lat in LATITUDES},
    **{f"degrees tilted {lat:g}": Place("EPSG:4326", 15.0, lat, turn=TILTED) for lat in LATITUDES[:4]},
    **{f"dateline {lat:g}": Place("EPSG:4326", 180.0, lat) for lat in (*LATITUDES, 85.0)},
    **{f"dateline from the west {lat:g}": Place("EPSG:4326", -180.0, lat) for lat in LATITUDES},
    **{f"dateline in utm {lat:g}": Place("EPSG:32660", 179.999, lat) for lat in LATITUDES},
    **{f"360 degrees {lat:g}": Place("EPSG:4326", -73.0, lat, lon_wrap=360) for lat in LATITUDES[:4]},
    **{f"mercator {lat:g}": Place("EPSG:3857", 15.0, lat, 10 / max(np.cos(np.radians(lat)), 0.1)) for lat in LATITUDES},
    **{f"arctic {lat:g}": Place("EPSG:3413", -30.0, lat) for lat in (65.0, 72.0, 83.5, 85.0, 89.99)},
    **{f"antarctic {lat:g}": Place("EPSG:3031", 100.0, lat) for lat in (-65.0, -72.0, -79.5, -85.0, -89.99)},
    "equal area": Place("EPSG:3035", 10.0, 50.0),
    "feet": Place("EPSG:2229", -118.2, 34.0, metres=32.8),
    "conformal cone": Place("EPSG:2154", 9.0, 42.0),
    "another datum": Place("EPSG:27700", -2.0, 53.0),
    "300 m": Place("EPSG:4326", 15.0, 50.0, metres=300.0),
    "wide": Place("EPSG:4326", 15.0, 20.0, metres=5000.0),
}


def circle(place: Place) -> tuple[Polygon, float]:
    """A field of 100 pixels' radius on the ground in degrees, and its area in m2. Its corners are too many to count."""
    scale = place.metres
    if place.crs == "EPSG:2229":
        scale *= 0.3048
    if place.crs == "EPSG:3857":
        scale *= np.cos(np.radians(place.lat))
    azimuths = np.linspace(0, 360, 720, endpoint=False)
    many = np.full(720, 1.0)
    lon, lat, _ = GEOD.fwd(many * place.lon, many * place.lat, azimuths, many * 100 * scale)
    area = abs(GEOD.polygon_area_perimeter(lon, lat)[0])
    return Polygon(zip(lon, lat, strict=True)), area


def drawn(place: Place, crs: str, transform: Affine) -> Any:
    """The field in a raster: the one place of the test that goes from the ground to pixels."""
    lon, lat = np.array(circle(place)[0].exterior.coords).T
    if crs == "EPSG:4326":
        middle = place.lon + place.lon_wrap
        x, y = middle + (lon - middle + 180) % 360 - 180, lat
    else:
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    pixels = Polygon(zip(*(~transform @ (np.asarray(x), np.asarray(y))), strict=True))
    return rasterize([(pixels, FIELD)], (MAP_SIDE, MAP_SIDE), fill=CROP, dtype="uint8")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[TileRecord, list[float]]]:
    """Of each place the tile, and the areas of the field that its samples state (m2)."""
    folder = tmp_path_factory.mktemp("areas")
    rng = np.random.default_rng(0)
    for number, place in enumerate(PLACES.values()):
        transform = place.transform(place.crs, place.metres, SIDE)
        image = rng.integers(200, 3000, (3, SIDE, SIDE)).astype(np.uint16)
        home = folder / "data" / f"place{number:03d}"
        write_tiff(home / "S2_2023-05-01.tif", image, transform, place.crs, bands=("B02", "B03", "B04"))
        label_crs = place.label_crs or place.crs
        grid = place.transform(label_crs, place.map_metres, MAP_SIDE)
        write_tiff(home / "labels.tif", drawn(place, label_crs, grid), grid, label_crs, nodata=0)
    recipe = {
        "name": "areas",
        "source": {
            "kind": "rasters",
            "root": str(folder / "data"),
            "frames": [{"modality": "optical", "files": ["{scene}/S2_{date}.tif"]}],
            "label": "{scene}/labels.tif",
            "legend": "worldcover",
        },
        "tile": {"size_px": 4096, "raster": False, "max_nodata": 0.9},
        "near_duplicate_bits": None,
        "generate": {"l1_min": 6, "l1_max": 6},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(recipe))
    for command in (("run", folder / "r.yaml", "-o", folder / "out", "--quiet"), ("verify", folder / "out", "--quiet")):
        done = cli_here(*command)
        assert done.returncode == 0, done.stderr
    out = folder / "out"
    tiles = [TileRecord.from_row(row) for path in TILES.parts(out) for row in read_rows(path, TILES)]
    stated: dict[str, list[float]] = {}
    for path in SAMPLES.parts(out):
        for row in read_rows(path, SAMPLES):
            for item in row["evidence"]:
                water = [row["masks"][at]["label"] in ("water", "permanent water") for at in item["masks"]]
                if item["unit"] == "m2" and water == [True]:
                    stated.setdefault(row["tile_id"], []).append(item["value"])
    by_place = {tile.source_id: (tile, stated.get(tile.tile_id, [])) for tile in tiles}
    assert len(by_place) == len(tiles) == len(PLACES)
    return {name: by_place[f"place{number:03d}"] for number, name in enumerate(PLACES)}


@pytest.mark.parametrize("name", PLACES)
def test_a_field_is_as_large_as_on_the_ground(name: str, measured: dict[str, tuple[TileRecord, list[float]]]) -> None:
    tile, stated = measured[name]
    _, area = circle(PLACES[name])
    label = tile.label_array()
    found = float((label == FIELD).sum()) * tile.gsd_m**2
    assert found == pytest.approx(area, rel=0.005)
    assert tile.crs != "EPSG:4326"
    for value in stated:
        assert value == pytest.approx(area, rel=0.005)
    assert tile.lon is not None
    assert tile.lat is not None
    away_m = GEOD.inv(tile.lon, tile.lat, PLACES[name].lon, PLACES[name].lat)[2]
    assert -180 <= tile.lon < 180
    assert away_m < 60 * tile.gsd_m, "the tile says where it lies"


def test_samples_state_those_areas(measured: dict[str, tuple[TileRecord, list[float]]]) -> None:
    assert sum(bool(stated) for _, stated in measured.values()) > 20
