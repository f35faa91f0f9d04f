"""GeoParquet, STAC and COGs: read by geopandas, pystac, rasterio and rio-cogeo; laid back on the grid of the tile."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pystac
import pytest
import rasterio
import shapely
from affine import Affine
from exportfactory import changed, every_sample, every_tile
from pyproj import Transformer
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation import validate_dict
from rasterio import features
from rasterio.io import MemoryFile
from rio_cogeo.cogeo import cog_validate

from terra_cot import sources
from terra_cot.export import export
from terra_cot.export.outline import bounds, footprint, outline
from terra_cot.facts import area_m2
from terra_cot.geo.grid import Grid
from terra_cot.legend import legend
from terra_cot.sample import Sample
from terra_cot.scene import Scene
from terra_cot.tile import TileRecord
from terra_cot.timeline import parse_datetime


@pytest.fixture(scope="module")
def geo(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("geo") / "out"
    export(small, "geo", out)
    return out


def table(out: Path) -> Any:
    return geopandas.read_parquet(out / "evidence")


def items(out: Path) -> list[pystac.Item]:
    return list(pystac.Catalog.from_file(str(out / "catalog.json")).get_items(recursive=True))


def test_geopandas_reads_every_mask_where_it_lies(geo: Path, small: Path) -> None:
    """Each outline, laid back on the tile's grid, covers the pixels of its mask and no other."""
    found, samples = table(geo), every_sample(small)
    assert found.crs.to_string() == "OGC:CRS84"
    assert len(found) == sum(len(sample.masks) for _, sample in samples.values())
    empty = 0
    for row in found.itertuples():
        tile, sample = samples[row.sample_id]
        mask = sample.masks[row.mask]
        assert (row.label, row.frame, row.tile_id, row.task) == (mask.label, mask.frame, tile.tile_id, sample.task)
        when = next(frame.datetime for frame in tile.frames if frame.frame == mask.frame)
        assert row.datetime == parse_datetime(when)
        pixels = mask.to_array()
        if row.geometry is None:
            empty += 1
            assert not pixels.any()
            continue
        assert row.geometry.geom_type == "MultiPolygon"
        assert row.geometry.is_valid
        assert all(part.exterior.is_ccw for part in row.geometry.geoms)
        back = Transformer.from_crs("EPSG:4326", tile.crs, always_xy=True)
        ground = shapely.transform(row.geometry, lambda at, to=back: np.column_stack(to.transform(at[:, 0], at[:, 1])))
        drawn = features.rasterize([ground], pixels.shape, transform=Affine(*tile.transform))
        assert np.array_equal(drawn.astype(bool), pixels)
        assert ground.area == pytest.approx(area_m2(int(pixels.sum()), tile.gsd_m), rel=1e-4)
    assert empty < len(found)


def test_facts_are_those_of_the_sample(geo: Path, small: Path) -> None:
    samples, columns = every_sample(small), {"share": "share_pct", "area": "area_m2", "pixels": "pixels"}
    stated = dict.fromkeys(columns, 0)
    for row in table(geo).itertuples():
        _, sample = samples[row.sample_id]
        named = [item for item in sample.evidence if row.mask in item.masks]
        assert [(item["fact"], item["value"]) for item in json.loads(row.facts)] == [(i.fact, i.value) for i in named]
        for fact, column in columns.items():
            values = [item.value for item in named if item.fact == fact and item.masks == (row.mask,)]
            value = getattr(row, column)
            assert value == values[0] if values else np.isnan(value)
            stated[fact] += bool(values)
    assert all(stated.values())


def test_the_file_says_that_it_is_geoparquet_1_1(geo: Path) -> None:
    import pyarrow.parquet as pq

    for path in (geo / "evidence").iterdir():
        meta = json.loads(pq.read_schema(path).metadata[b"geo"])
        assert meta["version"] == "1.1.0"
        assert meta["columns"]["geometry"]["encoding"] == "WKB"
        assert "crs" not in meta["columns"]["geometry"], "absent means OGC:CRS84"
        boxes = [row["bbox"] for row in pq.read_table(path, columns=["bbox"]).to_pylist()]
        outlines = geopandas.read_parquet(path).geometry
        for box, outlined in zip(boxes, outlines, strict=True):
            assert (box and tuple(box.values())) == (outlined and outlined.bounds)
        assert len(geopandas.read_parquet(path, bbox=(0, 0, 1, 1))) == 0
        assert len(geopandas.read_parquet(path, bbox=tuple(outlines.total_bounds))) == outlines.notna().sum()


def test_pystac_validates_every_document_and_finds_every_item(geo: Path, small: Path) -> None:
    """The schemas of the core ship with pystac; those of extensions are on the web and are checked below by use."""
    root = pystac.Catalog.from_file(str(geo / "catalog.json"))
    documents = [*(node for node, _, _ in root.walk()), *items(geo)]
    for document in documents:
        body = json.loads(Path(document.get_self_href()).read_bytes())
        assert validate_dict(body, extensions=[])
    dates = {f"{tile.tile_id}_{frame}" for tile in every_tile(small).values() for frame in tile.frame_names()}
    assert sorted(item.id for item in items(geo)) == sorted(dates)
    broken = json.loads((geo / "collection.json").read_bytes()) | {"license": None}
    with pytest.raises(pystac.STACValidationError):
        validate_dict(broken, extensions=[])


def test_assets_are_cogs_on_the_grid_that_the_item_states(geo: Path, small: Path) -> None:
    tiles, samples = every_tile(small), every_sample(small)
    pointed: dict[tuple[str, str], set[str]] = {}
    for tile, sample in samples.values():
        for mask in sample.masks:
            pointed.setdefault((tile.tile_id, mask.frame), set()).add(mask.label)
    masks = 0
    for item in items(geo):
        tile, frame = tiles[item.properties["terra_cot:tile_id"]], item.properties["terra_cot:frame"]
        place = ProjectionExtension.ext(item)
        assert (place.code, place.shape, place.transform) == (
            tile.crs, [tile.height, tile.width], list(tile.transform),
        )  # fmt: skip
        assert item.geometry is not None
        assert shapely.geometry.shape(item.geometry).is_valid
        labels = set()
        for key, asset in item.assets.items():
            path = Path(item.get_self_href() or "").parent / asset.href
            whole, errors, _ = cog_validate(path, quiet=True)
            assert whole, errors
            with rasterio.open(path) as dataset:
                assert (dataset.crs.to_string(), dataset.transform) == (tile.crs, Affine(*tile.transform))
                pixels = dataset.read()
                if key == "label":
                    assert np.array_equal(pixels[0], tile.label_array(frame))
                    told = {entry.value: entry for entry in ClassificationExtension.ext(asset).classes or []}
                    for code in set(np.unique(pixels).tolist()) - set(legend(str(tile.legend)).void):
                        entry = next(one for one in legend(str(tile.legend)).native if code in one.codes)
                        assert told[code].name == re.sub(r"\W+", "-", entry.name)
                        assert dataset.colormap(1)[code][:3] == entry.color
                        assert told[code].color_hint == "".join(f"{value:02X}" for value in entry.color)
                elif key.startswith("mask-"):
                    label = asset.extra_fields["terra_cot:label"]
                    labels.add(label)
                    known = [m.to_array() for t, s in samples.values() if t.tile_id == tile.tile_id
                             for m in s.masks if (m.frame, m.label) == (frame, label)]  # fmt: skip
                    assert any(np.array_equal(pixels[0].astype(bool), mask) for mask in known)
                    masks += 1
                else:
                    record = next(r for r in tile.shown(frame) if r.modality == key)
                    with MemoryFile(record.raster) as memory, memory.open() as stored:
                        assert np.array_equal(pixels, stored.read(), equal_nan=True)
                        assert dataset.descriptions == stored.descriptions == record.bands
                        assert dataset.nodata == stored.nodata or np.isnan([dataset.nodata, stored.nodata]).all()
                    assert [band["name"] for band in asset.extra_fields["bands"]] == list(record.bands)
        assert ("label" in item.assets) == (frame in tile.labels())
        assert labels == pointed.get((tile.tile_id, frame), set())
    assert masks > 0


def test_the_catalogue_is_a_source_of_scenes(geo: Path, small: Path) -> None:
    """What was written as STAC is read as STAC, by the reader that archives are read with."""
    tiles = every_tile(small)
    bands = next(iter(tiles.values())).frames[0].bands
    options = {
        "optical": {"collection": "terra-cot-small", "assets": dict.fromkeys(bands, "optical")},
        "sar": {"collection": "terra-cot-small", "assets": {"VV": "sar", "VH": "sar"}, "unit": "dB"},
        "label": {"collection": "terra-cot-small", "asset": "label", "legend": "worldcover"},
    }
    scenes = [entry for entry in sources.scan("stac", str(geo / "catalog.json"), options) if isinstance(entry, Scene)]
    by_place = {scene.grid.transform: scene for scene in scenes}
    assert len(by_place) == len(scenes) == len(tiles)
    for tile in tiles.values():
        scene = by_place[Affine(*tile.transform)]
        assert (scene.grid.crs, scene.grid.shape) == (tile.crs, (tile.height, tile.width))
        assert [(f.frame, f.modality) for f in scene.frames] == [(f.frame, f.modality) for f in tile.frames]
        assert scene.label is not None
        with rasterio.open(scene.label.path) as dataset:
            assert np.array_equal(dataset.read(1), tile.label_array())


def test_tiles_without_a_place_and_dates_that_nobody_tells_are_counted(world: Path, tmp_path: Path) -> None:
    def undated(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
        frames = tuple(replace(frame, datetime=None) if frame.frame == "t1" else frame for frame in tile.frames)
        return replace(tile, frames=frames), samples

    dataset = changed(world, tmp_path / "dataset", undated)
    counts = export(dataset, "geo", tmp_path / "out")["counts"]
    tiles = every_tile(dataset).values()
    nowhere = sum(len(tile.frame_names()) for tile in tiles if tile.crs is None)
    somewhere = [tile for tile in tiles if tile.crs is not None]
    dropped = {"no_crs": nowhere, "no_date": len(somewhere)}
    dates = sum(len(tile.frame_names()) for tile in tiles)
    assert min(dropped.values()) > 0
    assert counts["items"] == {"read": dates, "written": dates - sum(dropped.values()), "dropped": dropped}
    for count in counts.values():
        assert count["read"] == count["written"] + sum(count["dropped"].values())


def test_without_rasters_the_display_image_is_the_asset(small: Path, tmp_path: Path) -> None:
    def plain(tile: TileRecord, samples: tuple[Sample, ...]) -> tuple[TileRecord, tuple[Sample, ...]]:
        return replace(tile, frames=tuple(replace(frame, raster=None) for frame in tile.frames)), samples

    export(changed(small, tmp_path / "dataset", plain), "geo", tmp_path / "out")
    for item in items(tmp_path / "out"):
        assert item.assets["optical"].roles == ["visual"]
        with rasterio.open(tmp_path / "out" / Path(item.get_self_href() or "").parent / "optical.tif") as dataset:
            assert (dataset.count, dataset.dtypes[0]) == (3, "uint8")


def test_a_mask_across_the_antimeridian_is_cut_there() -> None:
    grid = Grid("EPSG:32601", Affine(10, 0, 165_000, 0, -10, 100_000), 64, 256, 10)
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    mask = np.zeros(grid.shape, bool)
    mask[10:50, 5:250] = True
    mask[20:30, 100:120] = False
    found = outline(mask, grid.transform, to_degrees)
    assert found is not None
    assert found.is_valid
    assert {round(edge) for edge in (found.bounds[0], found.bounds[2])} == {-180, 180}
    east = shapely.union_all([part for part in found.geoms if part.bounds[0] < 0])
    west = shapely.union_all([part for part in found.geoms if part.bounds[0] > 0])
    assert not east.is_empty
    assert not west.is_empty
    area = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for part in found.geoms:
            area += abs(geopandas.GeoSeries([part], crs="OGC:CRS84").to_crs("EPSG:6933").area.iloc[0])
    assert area == pytest.approx(mask.sum() * 100, rel=0.01)
    ground = footprint(grid)
    assert ground.geom_type == "MultiPolygon"
    left, _, right, _ = bounds(ground)
    assert left > 0 > right


def test_holes_corners_and_specks_are_drawn_back_exactly() -> None:
    grid = Grid("EPSG:32633", Affine(10, 0, 400_000, 0, -10, 5_400_000), 40, 50, 10)
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    back = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    for seed in range(20):
        mask = np.random.default_rng(seed).random(grid.shape) < (seed + 1) / 22
        found = outline(mask, grid.transform, to_degrees)
        assert found is not None
        assert found.is_valid, shapely.is_valid_reason(found)
        ground = shapely.transform(found, lambda at: np.column_stack(back.transform(at[:, 0], at[:, 1])))
        assert np.array_equal(features.rasterize([ground], grid.shape, transform=grid.transform).astype(bool), mask)
    assert outline(np.zeros(grid.shape, bool), grid.transform, to_degrees) is None
