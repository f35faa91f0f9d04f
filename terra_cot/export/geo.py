"""Evidence as GeoParquet, and the tiles it was measured on as a static STAC catalogue with masks as COGs.

    OUT/evidence/part-*.parquet                     see evidence_table.py
    OUT/catalog.json, collection.json               see stac.py
    OUT/items/<part>/catalog.json
    OUT/items/<part>/<tile>_<frame>/item.json       one item a tile and date
                             optical.tif, sar.tif   all bands where the dataset holds them, else the display image
                             label.tif              codes of the legend, on each date that has a map
                             mask-<class>.tif       1 inside, 0 outside: each mask that a sample of the date points at

Everything is on the grid of its tile. A tile without CRS and a date that nobody tells have no place in it. A dataset
that has grown is appended: new parts are written beside the old ones, the collection last.
"""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer

from terra_cot.export import Job, Target
from terra_cot.export import stac as stac_form
from terra_cot.export.cog import convert, write_cog
from terra_cot.export.evidence_table import EvidenceTable, facts_of
from terra_cot.export.outline import outline
from terra_cot.export.pictures import safe_name
from terra_cot.geo.grid import Grid
from terra_cot.legend import legend
from terra_cot.mask import Mask
from terra_cot.pixels.header import many
from terra_cot.sample import Sample
from terra_cot.store.atomic import dump_json, write_json
from terra_cot.store.join import Pair, joined
from terra_cot.tile import FrameRecord, TileRecord
from terra_cot.timeline import parse_datetime


def write(job: Job) -> None:
    recipe = job.manifest["recipe"]["name"]
    name = safe_name(f"terra-cot-{recipe}")
    path = job.out / "collection.json"
    known = orjson.loads(path.read_bytes()) if path.is_file() else None
    extent = stac_form.Extent(known["extent"] if known else None)
    listed = [link["href"].split("/")[2] for link in known["links"] if link["rel"] == "child"] if known else []
    with many():
        new = [pair.name for pair in job.parts() if _part(job, pair, name, extent)]
    parts = list(dict.fromkeys([*listed, *new]))  # an append killed at its end is done again
    if not extent.empty:
        licences = sorted({entry["licence"] for entry in job.manifest["sources"]})
        write_json(job.out / "catalog.json", stac_form.catalog(name, recipe))
        write_json(path, stac_form.collection(name, recipe, licences, parts, extent))


def _part(job: Job, pair: Pair, collection: str, extent: stac_form.Extent) -> bool:
    """Write the items and the evidence of one part; whether it has items. A part is renamed into place whole."""
    folder = job.out / "items" / pair.name
    growing = folder.with_name(f".{pair.name}.tmp")
    shutil.rmtree(growing, ignore_errors=True)
    growing.mkdir(parents=True)
    table = EvidenceTable(growing / "evidence.parquet")
    items: list[str] = []
    for tile, samples in joined(job.folder, pair, images=True, rasters=True):
        grid = Grid(tile.crs, Affine(*tile.transform), tile.height, tile.width, tile.gsd_m)
        reason = "other_split" if not job.wants(tile.split) else "no_crs" if tile.crs is None else None
        if reason is None:
            names = _items(job, growing, tile, samples, grid, collection, extent)
            items += names.values()
            _evidence(job, table, tile, samples, grid, names)
        else:
            _drop(job, tile, samples, reason)
        job.tile_done()
    table.close()
    write_json(growing / "catalog.json", stac_form.part_catalog(pair.name, items))
    evidence = growing / "evidence.parquet"
    if evidence.is_file():
        (job.out / "evidence").mkdir(exist_ok=True)
        evidence.replace(job.out / "evidence" / f"part-{pair.name}.parquet")
    if items:
        shutil.rmtree(folder, ignore_errors=True)  # of an append that was killed before its collection named it
        growing.rename(folder)
    else:
        shutil.rmtree(growing)
    return bool(items)


def _drop(job: Job, tile: TileRecord, samples: tuple[Sample, ...], reason: str) -> None:
    job.count("items").drop(reason, len(tile.frame_names()))
    job.count("samples").drop(reason, len(samples))
    job.count("masks").drop(reason, sum(len(sample.masks) for sample in samples))


def _items(
    job: Job,
    folder: Path,
    tile: TileRecord,
    samples: tuple[Sample, ...],
    grid: Grid,
    collection: str,
    extent: stac_form.Extent,
) -> dict[str, str]:
    """Write one item for each date of a tile that is known; item ids by frame."""
    written: dict[str, str] = {}
    for frame in tile.frame_names():
        records = sorted(tile.shown(frame), key=lambda record: record.modality)
        if not any(record.datetime for record in records):
            job.count("items").drop("no_date")
            continue
        item_id = f"{safe_name(tile.tile_id)}_{frame}"
        place = folder / item_id
        place.mkdir()
        assets: dict[str, Any] = {record.modality: _image(place, record, grid) for record in records}
        if frame in tile.labels():
            assets["label"] = _label(place, tile, frame, grid)
        assets |= _masks(place, [mask for sample in samples for mask in sample.masks if mask.frame == frame], grid)
        body = stac_form.item(item_id, collection, tile, records, grid, assets)
        extent.add(body)
        (place / "item.json").write_bytes(dump_json(body))  # the part is renamed into place whole
        written[frame] = item_id
        job.count("items").keep()
    return written


def _image(place: Path, record: FrameRecord, grid: Grid) -> dict[str, Any]:
    href, when = f"{record.modality}.tif", {"datetime": record.datetime} if record.datetime else {}
    if record.raster is not None:
        convert(record.raster, place / href)
        bands = [{"name": name} for name in record.bands]
        return stac_form.asset(f"./{href}", f"{record.modality}, all bands", ["data"], bands=bands, **when)
    with Image.open(BytesIO(record.image)) as image:
        pixels = np.moveaxis(np.asarray(image.convert("RGB")), -1, 0)
    write_cog(place / href, pixels, grid, ("red", "green", "blue"))
    return stac_form.asset(f"./{href}", f"{record.modality}, as displayed", ["visual"], **when)


def _label(place: Path, tile: TileRecord, frame: str, grid: Grid) -> dict[str, Any]:
    codes = tile.label_array(frame)
    assert tile.legend is not None
    classes = {code: entry for entry in legend(tile.legend).native for code in entry.codes}
    small: NDArray[Any] = codes.astype(np.uint8) if int(codes.max(initial=0)) < 256 else codes
    # A table of colours has 256 places; QGIS shows it as it is.
    colors = {code: entry.color for code, entry in classes.items()} if small.dtype == np.uint8 else None
    write_cog(place / "label.tif", small[None], grid, ("label",), colors)
    return stac_form.asset(
        "./label.tif",
        f"label map, codes of {tile.legend}",
        ["data", "labels", "labels-raster"],
        **{"classification:classes": stac_form.classes(classes)},
    )


def _masks(place: Path, masks: list[Mask], grid: Grid) -> dict[str, Any]:
    """One COG for each region that samples point at; two regions of a class are numbered."""
    assets: dict[str, Any] = {}
    for mask in dict.fromkeys(masks):
        stem = f"mask-{safe_name(mask.label.replace(' ', '-'))}"
        same = sum(1 for key in assets if key == stem or key.rpartition("-")[0] == stem)
        key = f"{stem}-{same + 1}" if same else stem
        write_cog(place / f"{key}.tif", mask.to_array().astype(np.uint8)[None], grid, (mask.label,))
        more = {"terra_cot:label": mask.label}
        assets[key] = stac_form.asset(f"./{key}.tif", f"mask of {mask.label}", ["data", "labels-raster"], **more)
    return assets


def _evidence(
    job: Job,
    table: EvidenceTable,
    tile: TileRecord,
    samples: tuple[Sample, ...],
    grid: Grid,
    items: dict[str, str],
) -> None:
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    dates = {record.frame: record.datetime for record in reversed(tile.frames)}
    known: dict[Mask, dict[str, Any]] = {}
    for sample in samples:
        if not sample.masks:
            job.count("samples").drop("no_mask")
            continue
        for number, mask in enumerate(sample.masks):
            if mask not in known:
                known[mask] = _place(mask, grid, to_degrees)
            when = dates.get(mask.frame)
            table.add(
                [
                    {
                        "sample_id": sample.sample_id,
                        "tile_id": tile.tile_id,
                        "item_id": items.get(mask.frame),
                        "tier": sample.tier,
                        "task": sample.task,
                        "split": sample.split,
                        "source": tile.source,
                        "licence": tile.licence,
                        "frame": mask.frame,
                        "datetime": parse_datetime(when) if when else None,
                        "mask": number,
                        "label": mask.label,
                        **facts_of(sample, number),
                        **known[mask],
                    }
                ]
            )
            job.count("masks").keep()
        job.count("samples").keep()


def _place(mask: Mask, grid: Grid, to_degrees: Transformer) -> dict[str, Any]:
    found = outline(mask.to_array(), grid.transform, to_degrees)
    if found is None:
        return {"geometry": None, "bbox": None}
    return {"geometry": found.wkb, "bbox": dict(zip(("xmin", "ymin", "xmax", "ymax"), found.bounds, strict=True))}


TARGET = Target("geo", write, appends=True)
