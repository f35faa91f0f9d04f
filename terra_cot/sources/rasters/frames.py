"""A frame from the headers of its files: band names, date, place, and what its numbers mean; nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shapely.geometry.base import BaseGeometry

from terra_cot.errors import DataError, GridError
from terra_cot.geo.gcps import tie_of
from terra_cot.geo.grid import Grid, grid_of
from terra_cot.geo.ground import ground, ground_of_tie
from terra_cot.pixels.header import opened
from terra_cot.pixels.sentinel1 import read_calibration
from terra_cot.pixels.sentinel2 import REFLECTANCE, read_product
from terra_cot.pixels.values import sar_unit
from terra_cot.scene import Asset, CloudAsset, SarUnit, Scale, SceneFrame
from terra_cot.sources.rasters.find import Found
from terra_cot.sources.rasters.options import FramePattern, RastersOptions
from terra_cot.timeline import iso, parse_datetime


@dataclass(frozen=True, slots=True)
class FoundFrame:
    """A frame without its name, the grid of its finest file, and the ground that this file shows (None without CRS)."""

    frame: SceneFrame
    grid: Grid
    area: BaseGeometry | None


@dataclass(frozen=True, slots=True)
class _File:
    """What the header of one file says."""

    asset: Asset
    grid: Grid
    area: BaseGeometry | None
    unit: SarUnit | None
    picture: bool
    tagged: str | None


def frame_of(
    root: Path,
    scene_id: str,
    date: str,
    entry: FramePattern,
    patterns: dict[str, Found],
    options: RastersOptions,
    *,
    dated: bool = True,
) -> FoundFrame:
    """The frame of one scene and date; one that nobody dates is refused unless `dated` is False.

    Raises:
        DataError: what its files cannot be used for; `reason` is the word that it is counted under.
    """
    files = []
    for number, text in enumerate(entry.files):
        metadata = _metadata(scene_id, date, entry, number, patterns)
        files.append(_file(root, patterns[text][scene_id][date], entry, number, metadata, options))
    first = files[0].asset.path
    names = [band for file in files for band in file.asset.bands]
    if len(set(names)) < len(names):
        raise DataError("a band is there twice", file=first, got=names, reason="duplicate_band")
    taken = next((file.tagged for file in files if file.tagged), date)
    if not taken and dated:
        raise DataError(
            "no date",
            file=first,
            fix="set the DATETIME tag or put {date} into the pattern",
            reason="no_date",
        )
    finest = min(range(len(files)), key=lambda number: (files[number].grid.gsd_m, number))
    ordered = (files[finest], *(file for number, file in enumerate(files) if number != finest))
    cloud = patterns[entry.cloud].get(scene_id, {}).get(date) if entry.cloud else None
    how = entry.mask_format()
    frame = SceneFrame(
        "",
        iso(parse_datetime(taken)) if taken else None,
        entry.modality,
        tuple(file.asset for file in ordered),
        CloudAsset(cloud, how.codes, how.bits) if cloud else None,
        unit=_unit(files, entry),
    )
    return FoundFrame(frame, files[finest].grid, files[finest].area)


def _metadata(scene_id: str, date: str, entry: FramePattern, number: int, patterns: dict[str, Found]) -> str | None:
    """The metadata file of a file, below the root; None where the recipe asks for none."""
    if not entry.metadata:
        return None
    text = entry.metadata[number if len(entry.metadata) > 1 else 0]
    path = patterns[text].get(scene_id, {}).get(date)
    if path is None:
        raise DataError("the metadata are missing", expected=text, reason="missing_metadata")
    return path


def _file(
    root: Path, path: str, entry: FramePattern, number: int, metadata: str | None, options: RastersOptions
) -> _File:
    with opened(root / path) as dataset:
        named = entry.bands[number] if entry.bands else dataset.descriptions
        bands = tuple(band for band in named if band)
        tie = tie_of(dataset)
        if dataset.crs is None and tie is None and not options.allow_no_crs:
            raise GridError(
                "no CRS",
                file=path,
                fix="write it back with `rio edit-info --crs`, or set allow_no_crs if it has no place",
                reason="no_crs",
            )
        grid = tie.grid(options.gsd_m) if tie else grid_of(dataset, options.gsd_m)
        area = ground_of_tie(tie) if tie else ground(grid) if grid.crs else None
        if len(bands) != dataset.count:
            raise DataError(
                "bands without a name",
                file=path,
                got=list(bands),
                expected=f"{dataset.count} names",
                fix="set band descriptions in the file or `bands` in the recipe",
                reason="unnamed_bands",
            )
        picture = all(kind == "uint8" for kind in dataset.dtypes)
        asset = Asset(path, bands, entry.nodata)
        unit: SarUnit | None = None
        if entry.modality == "optical":
            asset = _optical(root, asset, dataset, entry, metadata, picture)
        elif metadata is not None:
            read_calibration(root / metadata)  # refused here, not when the tiles are cut
            asset, unit = Asset(path, bands, entry.nodata, calibration=metadata), "amplitude"
        elif entry.unit is None:
            unit = sar_unit(dataset.units, [dataset.tags(), *(dataset.tags(at) for at in dataset.indexes)])
        return _File(asset, grid, area, unit, picture, dataset.tags().get("DATETIME"))


def _optical(root: Path, asset: Asset, dataset: Any, entry: FramePattern, metadata: str | None, picture: bool) -> Asset:
    """An asset with what makes reflectance x 10000 of its numbers."""
    if metadata is not None:
        product = read_product(root / metadata)
        nodata = product.nodata if asset.nodata is None else asset.nodata
        return Asset(asset.path, asset.bands, nodata, tuple(product.scale(band) for band in asset.bands))
    declared = list(zip(dataset.scales, dataset.offsets, strict=True))
    if entry.offset == "declared":
        # Rounded: 1e-4 x 10,000 is one.
        scales = [Scale(round(scale * REFLECTANCE, 9), round(add * REFLECTANCE, 9)) for scale, add in declared]
        return Asset(asset.path, asset.bands, asset.nodata, tuple(scales))
    if entry.offset is not None:
        return Asset(asset.path, asset.bands, asset.nodata, (Scale(1.0, entry.offset),) * len(asset.bands))
    if not picture and any(add != 0 or scale not in (1, 1 / REFLECTANCE) for scale, add in declared):
        raise DataError(
            "declares a scale and an offset",
            file=asset.path,
            got=declared[0],
            fix="set `offset` of these frames: declared (value * scale + offset is reflectance), or 0 (as they are)",
            reason="scale_not_chosen",
        )
    return asset


def _unit(files: list[_File], entry: FramePattern) -> SarUnit | None:
    """The unit of a SAR frame; None for a publisher's 8-bit picture, which is shown as it is."""
    if entry.modality != "sar" or entry.unit is not None:
        return entry.unit
    units = {file.unit for file in files}
    if len(units) == 1 and None not in units:
        return units.pop()
    if units == {None} and all(file.picture for file in files):
        return None
    raise DataError(
        "nothing says what the SAR values are" if None in units else "files in different units",
        file=files[0].asset.path,
        field="unit",
        got=sorted(unit or "nothing" for unit in units),
        expected="dB, linear or amplitude, in all files",
        fix="set `unit` of these frames in the recipe, or a UNIT tag or the unit type of the bands in the files",
        reason="unknown_sar_unit",
    )
