"""BigEarthNet of the synthetic world, v2 and v1: one GeoTIFF a band, Sentinel-1 beside, maps, tables and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from geofactory import north_up, write_tiff
from numpy.typing import NDArray
from rasterio.crs import CRS

from terra_cot.world import BANDS_10M, BANDS_20M, WorldConfig, WorldScene, make_scene

S2 = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP"
S1 = "S1B_IW_GRDH_1SDV_20170612T165809"
V1_S2, V1_S1 = "S2A_MSIL2A_20170613T101031", "S1A_IW_GRDH_1SDV_20170613T165043_33UUP"
SPLITS = ("train", "validation", "test", "train")
CLOUDED = 3
"""The patch that the second table lists, with cloud in it."""

SIDE, LEFT, TOP, STEP_M = 120, 300_000, 5_400_000, 1200
# WorldCover code -> CORINE level-3 code, and its name among the 19 classes of v2 and the 43 of v1.
CLASSES = {
    10: (312, "Coniferous forest", "Coniferous forest"),
    20: (324, "Transitional woodland, shrub", "Transitional woodland/shrub"),
    30: (231, "Pastures", "Pastures"),
    40: (211, "Arable land", "Non-irrigated arable land"),
    50: (112, "Urban fabric", "Discontinuous urban fabric"),
    60: (333, "Natural grassland and sparsely vegetated areas", "Sparsely vegetated areas"),
    80: (512, "Inland waters", "Water bodies"),
    90: (411, "Inland wetlands", "Inland marshes"),
}


@dataclass(frozen=True)
class Patch:
    """What one patch shows: bands HW in their own resolution, VV and VH on the optical grid, WorldCover codes."""

    column: int
    row: int
    bands: dict[str, NDArray[np.uint16]]
    sar: dict[str, NDArray[np.float32]]
    codes: NDArray[np.uint8]

    def place(self, metres: float) -> Any:
        return north_up(LEFT + STEP_M * self.column, TOP - STEP_M * self.row, metres)

    def names(self, version: int) -> list[str]:
        """The classes of the patch, as its metadata list them."""
        return sorted(CLASSES[code][version] for code in np.unique(self.codes).tolist())


def bigearthnet_v2(root: Path) -> Path:
    """Four neighbouring patches: three in the first table, the clouded one in the second; one lacks its map."""
    rows = []
    for number, patch in enumerate(patches()):
        tail = f"{patch.column}_{patch.row}"
        name, partner = f"{S2}_{tail}", f"{S1}_33UUP_{tail}"
        _bands(root / "BigEarthNet-S2" / S2 / name, patch)
        _sar(root / "BigEarthNet-S1" / S1 / partner, patch)
        if number != 1:
            folder = root / "Reference_Maps" / S2 / name
            codes = np.zeros(101, np.uint16)
            codes[list(CLASSES)] = [entry[0] for entry in CLASSES.values()]
            write_tiff(folder / f"{name}_reference_map.tif", codes[patch.codes], patch.place(10), nodata=0)
        row = {"patch_id": name, "labels": patch.names(1), "split": SPLITS[number], "country": "Austria"}
        row |= {"s1_name": partner, "s2v1_name": f"{V1_S2}_{tail}", "contains_seasonal_snow": False}
        rows.append(row | {"contains_cloud_or_shadow": number == CLOUDED})
    text = pa.large_string()
    schema = pa.schema(
        [("patch_id", text), ("labels", pa.list_(pa.string())), ("split", text), ("country", text), ("s1_name", text),
         ("s2v1_name", text), ("contains_seasonal_snow", pa.bool_()), ("contains_cloud_or_shadow", pa.bool_())]
    )  # fmt: skip
    for name, flagged in (("metadata", False), ("metadata_for_patches_with_snow_cloud_or_shadow", True)):
        listed = [row for row in rows if row["contains_cloud_or_shadow"] == flagged]
        pq.write_table(pa.Table.from_pylist(listed, schema=schema), root / f"{name}.parquet")
    return root


def bigearthnet_v1(root: Path) -> Path:
    """The same patches as published first: no maps and no tables, a JSON of labels in each folder."""
    projection = CRS.from_epsg(32633).to_wkt()
    for patch in patches():
        tail = f"{patch.column}_{patch.row}"
        name, partner = f"{V1_S2}_{tail}", f"{V1_S1}_{tail}"
        optical, radar = root / "BigEarthNet-v1.0" / name, root / "BigEarthNet-S1-v1.0" / partner
        _bands(optical, patch)
        _sar(radar, patch)
        left, top = LEFT + STEP_M * patch.column, TOP - STEP_M * patch.row
        corners = {"ulx": left, "uly": top, "lrx": left + STEP_M}
        both = {"labels": patch.names(2), "projection": projection}
        found = {**both, "coordinates": {**corners, "lry": top - STEP_M}, "acquisition_date": "2017-06-13 10:10:31"}
        found["tile_source"] = "S2A_MSIL1C_20170613T101031_N0205_R022_T33UUP_20170613T101608.SAFE"
        (optical / f"{name}_labels_metadata.json").write_text(json.dumps(found))
        found = {**both, "coordinates": {**corners, "lly": top - STEP_M}, "acquisition_time": "2017-06-13T16:50:43"}
        found |= {"corresponding_s2_patch": name, "scene_source": f"{V1_S1[:-6]}_20170613T165108_017018_01C579_7EEC"}
        (radar / f"{partner}_labels_metadata.json").write_text(json.dumps(found))
    return root


def patches() -> Iterator[Patch]:
    """A place of the world in quarters; the last one on a date with cloud."""
    scene = _scene()
    for number in range(4):
        column, row = divmod(number, 2)  # in the order of their names
        date = 0 if number != CLOUDED else int(np.argmax([(mask == 1).mean() for mask in scene.cloud]))
        at = slice(row * SIDE, (row + 1) * SIDE), slice(column * SIDE, (column + 1) * SIDE)
        half = slice(row * 60, (row + 1) * 60), slice(column * 60, (column + 1) * 60)
        bands = {name: band[at] for name, band in zip(BANDS_10M, scene.optical_10m[date], strict=True)}
        bands |= {name: band[half] for name, band in zip(BANDS_20M, scene.optical_20m[date], strict=True)}
        rise = bands["B8A"].astype(int) - bands["B05"]
        bands |= {name: (bands["B05"] + rise * part // 3).astype(np.uint16) for name, part in (("B06", 1), ("B07", 2))}
        bands |= {"B01": _coarser(bands["B02"], 6), "B09": _coarser(bands["B8A"], 3)}
        down, right = scene.sar_offset_px
        move = np.array([[1, 0, right], [0, 1, down]], np.float32)
        sar = [cv2.warpAffine(band, move, (240, 240), flags=cv2.INTER_LINEAR)[at] for band in scene.sar[date]]
        yield Patch(10 + column, 20 + row, bands, dict(zip(("VV", "VH"), sar, strict=True)), scene.labels[date][at])


@cache
def _scene() -> WorldScene:
    return make_scene(WorldConfig(size_px=2 * SIDE, cloud_cover=0.4), 0, shifted=False)


def _coarser(band: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    side = len(band) // factor
    return np.rint(band.reshape(side, factor, side, factor).mean(axis=(1, 3))).astype(np.uint16)


def _bands(folder: Path, patch: Patch) -> None:
    for name, band in patch.bands.items():
        write_tiff(folder / f"{folder.name}_{name}.tif", band, patch.place(STEP_M / len(band)))


def _sar(folder: Path, patch: Patch) -> None:
    for name, band in patch.sar.items():
        write_tiff(folder / f"{folder.name}_{name}.tif", band, patch.place(10))
