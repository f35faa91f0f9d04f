"""Sentinel-2 and Sentinel-1 of the synthetic world as ESA packs them: SAFE folders, JPEG 2000, GRD tied by points.

Two dates of one tile: the first by an old processing baseline, the second by one that adds 1000 to every number.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.control import GroundControlPoint
from rasterio.warp import reproject

from terra_cot.world import WorldConfig, WorldScene, make_scene
from terra_cot.world.config import BANDS_10M, BANDS_20M

TILE = "T33UUP"
SIDE = 256
BASELINES = ("0301", "0509")
PHYSICAL = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
GRD_METRES, GRD_TURN_DEG = 10.0, -12.0
WORLD = WorldConfig(size_px=SIDE, cloud_cover=0.2)


def world() -> WorldScene:
    return make_scene(WORLD, 0, shifted=False)


def s2_name(date: str, baseline: str, level: str = "2A") -> str:
    day = date.replace("-", "")
    return f"S2A_MSIL{level}_{day}T101031_N{baseline}_R022_{TILE}_{day}T143458.SAFE"


def s1_name(date: str) -> str:
    day = date.replace("-", "")
    return f"S1A_IW_GRDH_1SDV_{day}T051841_{day}T051906_048065_05C7A1_1B2C.SAFE"


def safe_archive(root: Path, dates: int = 2) -> WorldScene:
    """Sentinel-2 L2A of `dates` dates, Sentinel-1 of the first, and a map."""
    scene = world()
    for number in range(dates):
        sentinel2(root, scene, number, BASELINES[number])
    sentinel1(root, scene, 0)
    worldcover(root, scene)
    return scene


def place(scene: WorldScene, metres: float = 10) -> Affine:
    left, top = scene.origin_m
    return Affine(metres, 0, left, 0, -metres, top)


def jp2(path: Path, pixels: NDArray[np.generic], transform: Affine) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"height": pixels.shape[0], "width": pixels.shape[1], "count": 1, "dtype": pixels.dtype}
    lossless = {"QUALITY": "100", "REVERSIBLE": "YES"}
    with rasterio.open(
        path, "w", driver="JP2OpenJPEG", crs=f"EPSG:{WORLD.epsg}", transform=transform, **shape, **lossless
    ) as out:
        out.write(pixels, 1)


def sentinel2(root: Path, scene: WorldScene, number: int, baseline: str, level: str = "2A") -> Path:
    """One product: a file a band, in L2A in a folder a resolution, without a declared no-data value."""
    date = scene.dates[number]
    day = date.replace("-", "")
    product = root / s2_name(date, baseline, level)
    images = product / "GRANULE" / f"L{level}_{TILE}_A040765_{day}T101344" / "IMG_DATA"
    add = 1000 if float(baseline) / 100 >= 4 else 0
    for metres, names, stack in ((10, BANDS_10M, scene.optical_10m), (20, BANDS_20M, scene.optical_20m)):
        for name, band in zip(names, stack[number], strict=True):
            stem = f"{TILE}_{day}T101031_{name}"
            path = images / f"R{metres}m" / f"{stem}_{metres}m.jp2" if level == "2A" else images / f"{stem}.jp2"
            jp2(path, np.where(band > 0, band + add, 0).astype(np.uint16), place(scene, metres))
    if level == "2A":
        classes = np.array([4, 9, 3], np.uint8)[scene.cloud[number][::2, ::2]]
        jp2(images / "R20m" / f"{TILE}_{day}T101031_SCL_20m.jp2", classes, place(scene, 20))
    (product / f"MTD_MSIL{level}.xml").write_text(s2_metadata(baseline, level))
    return product


def s2_metadata(baseline: str, level: str = "2A") -> str:
    """The parts of the product metadata that say what the numbers mean."""
    field, names = {
        "2A": ("BOA_ADD_OFFSET", "BOA_ADD_OFFSET_VALUES_LIST"),
        "1C": ("RADIO_ADD_OFFSET", "Radiometric_Offset_List"),
    }[level]
    offsets = "".join(f'<{field} band_id="{number}">-1000</{field}>' for number in range(len(PHYSICAL)))
    offsets = f"<{names}>{offsets}</{names}>" if float(baseline) / 100 >= 4 else ""
    quantum = {
        "2A": "<QUANTIFICATION_VALUES_LIST><BOA_QUANTIFICATION_VALUE unit='none'>10000</BOA_QUANTIFICATION_VALUE>"
        "<AOT_QUANTIFICATION_VALUE unit='none'>1000.0</AOT_QUANTIFICATION_VALUE></QUANTIFICATION_VALUES_LIST>",
        "1C": "<QUANTIFICATION_VALUE unit='none'>10000</QUANTIFICATION_VALUE>",
    }[level]
    special = "".join(
        f"<Special_Values><SPECIAL_VALUE_TEXT>{text}</SPECIAL_VALUE_TEXT>"
        f"<SPECIAL_VALUE_INDEX>{value}</SPECIAL_VALUE_INDEX></Special_Values>"
        for text, value in (("NODATA", 0), ("SATURATED", 65535))
    )
    bands = "".join(
        f'<Spectral_Information bandId="{number}" physicalBand="{name}"><RESOLUTION>10</RESOLUTION>'
        "</Spectral_Information>"
        for number, name in enumerate(PHYSICAL)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="no"?><n1:Level-{level}_User_Product '
        f'xmlns:n1="https://psd-14.sentinel2.eo.esa.int/PSD/User_Product_Level-{level}.xsd"><n1:General_Info>'
        f"<Product_Info><PROCESSING_BASELINE>{baseline[:2]}.{baseline[2:]}</PROCESSING_BASELINE></Product_Info>"
        f"<Product_Image_Characteristics>{special}{quantum}{offsets}<Spectral_Information_List>{bands}"
        "</Spectral_Information_List></Product_Image_Characteristics></n1:General_Info>"
        f"</n1:Level-{level}_User_Product>"
    )


def sentinel1(root: Path, scene: WorldScene, number: int) -> Path:
    """One GRD: amplitudes as the radar sees them, a turned swath that is tied to the ground by points alone."""
    date = scene.dates[number]
    day = date.replace("-", "")
    product = root / s1_name(date)
    # A turned swath around the radar image of the world, with room on all sides.
    size = scene.sar.shape[-1]
    down, right = scene.sar_offset_px
    left, top = scene.origin_m
    radar = Affine(10, 0, left + 10 * right, 0, -10, top - 10 * down)
    height, width = int(1.3 * size), int(1.4 * size)
    middle = radar @ (size / 2, size / 2)
    turned = (
        Affine.translation(*middle)
        @ Affine.rotation(GRD_TURN_DEG)
        @ Affine.scale(GRD_METRES, -GRD_METRES)
        @ Affine.translation(-width / 2, -height / 2)
    )
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    at = ~radar @ turned
    x, y = (at.a * columns + at.b * rows + at.c - 0.5, at.d * columns + at.e * rows + at.f - 0.5)
    for file, (polarisation, decibel) in enumerate(zip(("vv", "vh"), scene.sar[number], strict=True), start=1):
        stem = f"s1a-iw-grd-{polarisation}-{day}t051841-{day}t051906-048065-05c7a1-{file:03d}"
        amplitude = np.power(10, decibel / 20).astype(np.float32)
        seen = cv2.remap(amplitude, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderValue=0)
        numbers = np.rint(seen * lut(columns - 0.5)).astype(np.uint16)
        grd_tiff(product / "measurement" / f"{stem}.tiff", numbers, turned)
        path = product / "annotation" / "calibration" / f"calibration-{stem}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(s1_calibration(polarisation, height, width))
    return product


def lut(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """A of the calibration: it falls across the swath."""
    return 620 - 0.4 * np.asarray(column)


def grd_tiff(path: Path, pixels: NDArray[np.generic], ground: Affine, crs: str = f"EPSG:{WORLD.epsg}") -> None:
    """A measurement file: no transform, no CRS of its own, 10 x 21 points in degrees."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pixels.shape
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    points = []
    for row in np.linspace(0, height, 10):
        for column in np.linspace(0, width, 21):
            lon, lat = to_degrees.transform(*(ground @ (column, row)))
            points.append(GroundControlPoint(row=row, col=column, x=lon, y=lat, z=0))
    shape = {"height": height, "width": width, "count": 1, "dtype": pixels.dtype}
    with rasterio.open(path, "w", driver="GTiff", gcps=points, crs="EPSG:4326", **shape) as out:
        out.write(pixels, 1)


def s1_calibration(polarisation: str, height: int, width: int, kind: str = "GRD") -> str:
    pixels = np.unique(np.r_[np.arange(0, width, 40), width - 1])
    table = " ".join(f"{value:.6e}" for value in lut(pixels))
    vectors = "".join(
        f"<calibrationVector><azimuthTime>2023-04-11T05:18:41.0</azimuthTime><line>{line}</line>"
        f'<pixel count="{len(pixels)}">{" ".join(map(str, pixels))}</pixel>'
        f'<sigmaNought count="{len(pixels)}">{table}</sigmaNought></calibrationVector>'
        for line in (0, height // 2, height)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><calibration><adsHeader><missionId>S1A</missionId><productType>{kind}'
        f"</productType><polarisation>{polarisation.upper()}</polarisation></adsHeader><calibrationInformation>"
        "<absoluteCalibrationConstant>1.000000e+00</absoluteCalibrationConstant></calibrationInformation>"
        f'<calibrationVectorList count="3">{vectors}</calibrationVectorList></calibration>'
    )


def worldcover(root: Path, scene: WorldScene) -> Path:
    """Codes of the first date in degrees, as ESA WorldCover cuts them."""
    labels = scene.labels[0]
    step = 1 / 12_000
    to_degrees = Transformer.from_crs(f"EPSG:{WORLD.epsg}", "EPSG:4326", always_xy=True)
    at = place(scene)
    left, bottom, right, top = to_degrees.transform_bounds(*(at @ (-20, SIDE + 20)), *(at @ (SIDE + 20, -20)))
    transform = Affine(step, 0, left, 0, -step, top)
    codes = np.zeros((int((top - bottom) / step), int((right - left) / step)), np.uint8)
    reproject(labels, codes, src_transform=at, src_crs=f"EPSG:{WORLD.epsg}", dst_transform=transform,
              dst_crs="EPSG:4326", dst_nodata=0)  # fmt: skip
    path = root / "worldcover" / "ESA_WorldCover_10m_2021_v200_N48E012_Map.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"height": codes.shape[0], "width": codes.shape[1], "count": 1, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:4326", transform=transform, **shape) as out:
        out.write(codes, 1)
    return path
