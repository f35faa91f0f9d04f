"""BigEarthNet v2 (reBEN) and v1 as published: one GeoTIFF a band, Sentinel-1 beside, CORINE reference maps in v2.

v2: BigEarthNet-S2/TILE/PATCH/PATCH_B02.tif, BigEarthNet-S1/SCENE/S1PATCH/S1PATCH_VV.tif,
Reference_Maps/TILE/PATCH/PATCH_reference_map.tif, metadata.parquet (patch_id, split, s1_name) and
metadata_for_patches_with_snow_cloud_or_shadow.parquet.
v1: BigEarthNet-v1.0/PATCH/..., BigEarthNet-S1-v1.0/S1PATCH/..., PATCH_labels_metadata.json in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import orjson
import pyarrow.parquet as pq

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid, grid_of
from terra_cot.listing import Entry, Place, Total
from terra_cot.pixels.header import opened
from terra_cot.scene import Asset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.store.index import Index
from terra_cot.store.walk import sorted_folders, walk
from terra_cot.tile import Split
from terra_cot.timeline import iso, parse_datetime

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
POLARISATIONS = ("VV", "VH")
PATCH_PX, GSD_M = 120, 10.0
_METADATA = ("metadata.parquet", "metadata_for_patches_with_snow_cloud_or_shadow.parquet")
_COLUMNS = ("patch_id", "split", "s1_name")
_TWICE = "\n"  # between rows of one patch
_FLAGS = ("contains_cloud_or_shadow", "contains_seasonal_snow")


class BigEarthNetOptions(Options):
    """`splits` keeps patches of these splits only; `sar` False leaves Sentinel-1 out.

    `cloudy`, `snowy`: what becomes of patches that v2's metadata flags for cloud or shadow, or for seasonal snow. Kept
    ones carry the flag for cloud (`cloud_flag`); where in the patch it lies nobody knows: `cloud_fraction` stays null.
    """

    splits: tuple[Split, ...] = ("train", "validation", "test")
    sar: bool = True
    cloudy: Literal["keep", "drop"] = "keep"
    snowy: Literal["keep", "drop"] = "keep"
    licence: str = "CDLA-Permissive-1.0"


@dataclass(frozen=True, slots=True)
class _Record:
    """What the metadata says of a patch."""

    split: str
    s1_name: str | None
    cloud: bool | None = None
    snow: bool | None = None


def scan(root: Path, options: BigEarthNetOptions) -> Iterator[Entry]:
    """One place a patch, in order of folder and name; optical and SAR of a patch are both its date t0."""
    folder = _one_folder(root, r"BigEarthNet-(S2.*|v1\.0)")
    s1_folder = _one_folder(root, r"BigEarthNet-S1.*", required=False)
    with Index() as records, Index() as sar_v1:
        v2 = _metadata(root, records)
        if v2:
            yield Total(len(records))
        elif s1_folder is not None and options.sar:
            yield from _v1_partners(s1_folder, sar_v1)
        for patch in _patches(folder):
            if v2:
                row = records.get(patch.name).get("")
                if row is None:
                    yield Drop("scene", patch.name, "not_in_metadata", f"no row in {' or '.join(_METADATA)}")
                    continue
                if _TWICE in row:
                    told = " and ".join(row.split(_TWICE))
                    yield Drop("scene", patch.name, "duplicate_metadata", f"rows that differ: {told}")
                    continue
                record = _Record(*orjson.loads(row))
            else:
                record = _Record("train", sar_v1.get(patch.name).get(""))
            if record.split not in options.splits:
                yield Drop("scene", patch.name, "split_not_asked", record.split)
            elif record.cloud and options.cloudy == "drop":
                yield Drop("scene", patch.name, _FLAGS[0], "flagged in the metadata")
            elif record.snow and options.snowy == "drop":
                yield Drop("scene", patch.name, _FLAGS[1], "flagged in the metadata")
            else:
                describe = partial(_scene, root, patch, record, s1_folder, options)
                yield Place(patch.name, _looked_at(root, patch, record, s1_folder), describe, astuple(record))


def _looked_at(root: Path, patch: Path, record: _Record, s1_folder: Path | None) -> tuple[Path, ...]:
    """What the description of a patch follows from: a folder stands for the names in it."""
    partners = _partner_folders(s1_folder, record.s1_name) if s1_folder and record.s1_name else ()
    documents = [folder / f"{folder.name}_labels_metadata.json" for folder in (patch, *partners)]
    return patch, patch / f"{patch.name}_B02.tif", *partners, *documents, _label(root, patch)


def _scene(
    root: Path, patch: Path, record: _Record, s1_folder: Path | None, options: BigEarthNetOptions
) -> Iterator[Scene | Drop]:
    names = {path.name for path in patch.iterdir()}
    missing = [band for band in BANDS if f"{patch.name}_{band}.tif" not in names]
    if missing:
        yield Drop("scene", patch.name, "missing_band", ", ".join(missing))
        return
    try:
        grid = _grid(patch / f"{patch.name}_B02.tif")
        taken = _datetime(patch)
    except DataError as error:
        yield Drop.of("scene", patch.name, error)
        return
    frames = [SceneFrame("t0", taken, "optical", _assets(root, patch, BANDS), cloud_flag=record.cloud)]
    if options.sar:
        try:
            partner = _partner(s1_folder, record.s1_name)
            frames.append(SceneFrame("t0", _datetime(partner), "sar", _assets(root, partner, POLARISATIONS), unit="dB"))
        except DataError as error:
            yield Drop.of("frame", f"{patch.name}/sar", error)
    label = _label(root, patch)
    labelled = label.is_file()
    yield Scene(
        scene_id=patch.name,
        source="bigearthnet",
        root=str(root),
        frames=tuple(frames),
        grid=grid,
        label=LabelAsset(label.relative_to(root).as_posix(), "corine-19") if labelled else None,
        label_frame="t0" if labelled else None,
        licence=options.licence,
        split=record.split,
        whole=True,
    )


def _grid(path: Path) -> Grid:
    with opened(path) as dataset:
        grid = grid_of(dataset)
    if grid.shape != (PATCH_PX, PATCH_PX) or grid.gsd_m != GSD_M:
        raise DataError(
            "not a BigEarthNet patch",
            file=path,
            got=f"{grid.height} x {grid.width} px of {grid.gsd_m} m",
            expected=f"{PATCH_PX} x {PATCH_PX} px of {GSD_M} m",
            reason="wrong_size",
        )
    return grid


def _assets(root: Path, patch: Path, bands: tuple[str, ...]) -> tuple[Asset, ...]:
    below = patch.relative_to(root).as_posix()
    return tuple(Asset(f"{below}/{patch.name}_{band}.tif", (band,)) for band in bands)


def _label(root: Path, patch: Path) -> Path:
    return root / "Reference_Maps" / patch.parent.name / patch.name / f"{patch.name}_reference_map.tif"


def _partner_folders(s1_folder: Path, name: str) -> tuple[Path, Path]:
    """Where v2 and where v1 has a Sentinel-1 patch."""
    return s1_folder / name.rsplit("_", 3)[0] / name, s1_folder / name


def _partner(s1_folder: Path | None, name: str | None) -> Path:
    """The Sentinel-1 patch folder; DataError says why there is none."""
    if s1_folder is None:
        raise DataError("no BigEarthNet-S1 folder", reason="missing_sar")
    if name is None:
        raise DataError("no Sentinel-1 partner is named", reason="missing_sar")
    nested, flat = _partner_folders(s1_folder, name)
    folder = nested if nested.is_dir() else flat
    missing = [band for band in POLARISATIONS if not (folder / f"{name}_{band}.tif").is_file()]
    if missing:
        raise DataError(f"no {', '.join(missing)}", file=name, reason="missing_sar")
    return folder


def _datetime(patch: Path) -> str:
    """Acquisition time: v1 names cut leading zeros off the hour, so its JSON is asked first."""
    document = patch / f"{patch.name}_labels_metadata.json"
    if document.is_file():
        values = _json(document)
        text = values.get("acquisition_date") or values.get("acquisition_time")
        if isinstance(text, str):
            return iso(parse_datetime(text))
    found = re.search(r"_(\d{8}T\d{6})_", patch.name)
    if not found:
        raise DataError("no acquisition time in the patch name", file=patch, reason="no_date")
    return iso(parse_datetime(found[1]))


def _json(path: Path) -> dict[str, object]:
    try:
        values = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    return values if isinstance(values, dict) else {}


def _v1_partners(s1_folder: Path, partners: Index) -> list[Drop]:
    """Put Sentinel-2 patch name -> Sentinel-1 patch name, from the JSON beside each Sentinel-1 patch; unusable JSON."""
    drops: list[Drop] = []
    for below in walk(s1_folder, "*/*_labels_metadata.json"):
        document = s1_folder / below
        try:
            partner = _json(document).get("corresponding_s2_patch")
        except DataError as error:
            drops.append(Drop.of("frame", document.parent.name, error))
            continue
        # Of two that name one patch the last in order of name is taken, whatever the order of the walk.
        if isinstance(partner, str) and document.parent.name > partners.get(partner).get("", ""):
            partners.put(partner, value=document.parent.name)
    return sorted(drops, key=lambda drop: drop.item)


def _metadata(root: Path, records: Index) -> bool:
    """Put the rows of v2's metadata tables by patch name, those that differ side by side; False without tables (v1)."""
    tables = [root / name for name in _METADATA if (root / name).is_file()]
    for path in tables:
        try:
            with pq.ParquetFile(path) as table:
                known = table.schema_arrow.names
                absent = [name for name in _COLUMNS if name not in known]
                if absent:
                    raise DataError("unreadable metadata", file=path, got=known, expected=absent)
                columns = [*_COLUMNS, *(flag for flag in _FLAGS if flag in known)]
                for batch in table.iter_batches(65536, columns=columns):
                    for row in batch.to_pylist():
                        values = [row[name] for name in _COLUMNS[1:]] + [row.get(flag) for flag in _FLAGS]
                        text = orjson.dumps(values).decode()
                        if not records.add(row["patch_id"], value=text):
                            earlier = records.get(row["patch_id"])[""]
                            if text not in earlier.split(_TWICE):
                                records.put(row["patch_id"], value=f"{earlier}{_TWICE}{text}")
        except (OSError, ValueError) as error:
            raise DataError(f"unreadable metadata ({error})", file=path) from None
    return bool(tables)


def _one_folder(root: Path, pattern: str, required: bool = True) -> Path | None:
    found = sorted(path for path in root.iterdir() if path.is_dir() and re.fullmatch(pattern, path.name))
    if required and not found:
        raise DataError(
            "not a BigEarthNet archive",
            file=root,
            got=sorted(path.name for path in root.iterdir())[:6],
            expected="a folder BigEarthNet-S2 (v2) or BigEarthNet-v1.0 (v1)",
        )
    return found[0] if found else None


def _patches(folder: Path | None) -> Iterator[Path]:
    """Patch folders in order of name: one level down in v1, two in v2."""
    assert folder is not None
    for name in sorted_folders(folder):
        inner = sorted_folders(folder / name)
        yield from (folder / name / patch for patch in inner)
        if not inner:
            yield folder / name


SOURCE = Source("bigearthnet", "BigEarthNet", "CDLA-Permissive-1.0", BigEarthNetOptions, scan)
