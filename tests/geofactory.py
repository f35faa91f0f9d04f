"""Real files for tests: images whose values tell their position, noise that can be shifted, tiny faithful archives."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS
from scipy import fft, ndimage

UTM33 = "EPSG:32633"
WORLDCOVER = (10, 30, 40, 50, 80)
BANDS_12 = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
METRES = dict(zip(BANDS_12, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 20, 20), strict=True))
SCRIPT = Path(sys.executable).with_name("terra-cot")


def cli(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The installed command, in a process of its own."""
    command = [str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)


def cli_here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same command by its entry point, in this process: for tests that would start it a dozen times."""
    from pipelines.terra_cot import main

    out, err, before, code = io.StringIO(), io.StringIO(), sys.argv, 0
    sys.argv = [str(SCRIPT), *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(list(map(str, arguments)), code, out.getvalue(), err.getvalue())


def north_up(x: float, y: float, metres: float) -> Affine:
    return Affine(metres, 0, x, 0, -metres, y)


def write_tiff(
    path: Path,
    pixels: NDArray[Any],
    transform: Affine | None,
    crs: str | None = UTM33,
    *,
    bands: Sequence[str] = (),
    nodata: float | None = None,
    date: str | None = None,
) -> Path:
    """A GeoTIFF of CHW or HW pixels; without a transform or CRS it has none."""
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {} if transform is None else {"transform": transform}
    profile = {"driver": "GTiff", "count": len(pixels), "dtype": pixels.dtype, "nodata": nodata, "compress": "deflate"}
    shape = {"height": pixels.shape[1], "width": pixels.shape[2]}
    with rasterio.open(path, "w", crs=CRS.from_user_input(crs) if crs else None, **profile, **shape, **place) as out:
        out.write(pixels)
        if bands:
            out.descriptions = tuple(bands)
        if date:
            out.update_tags(DATETIME=date)
    return path


def positions(height: int, width: int, step: int = 1) -> NDArray[np.uint16]:
    """CHW uint16 of two bands: row and column of each pixel, times `step`."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns]).astype(np.uint16) * np.uint16(step)


def noise(seed: int, height: int, width: int, cutoff: float = 0.15) -> NDArray[np.float64]:
    """Periodic noise without frequencies above `cutoff` cycles per pixel, mean 0, deviation 1: it can be shifted."""
    spectrum = fft.rfft2(np.random.default_rng(seed).normal(size=(height, width)))
    spectrum[np.hypot(fft.fftfreq(height)[:, None], fft.rfftfreq(width)[None, :]) > cutoff] = 0
    image = fft.irfft2(spectrum, (height, width))
    return (image - image.mean()) / image.std()


def moved(image: NDArray[np.float64], dy: float, dx: float) -> NDArray[np.float64]:
    """The content of a periodic image laid `dy` rows and `dx` columns further, exactly."""
    height, width = image.shape
    phase = dy * fft.fftfreq(height)[:, None] + dx * fft.rfftfreq(width)[None, :]
    return fft.irfft2(fft.rfft2(image) * np.exp(-2j * np.pi * phase), (height, width))


def reflectance(image: NDArray[np.float64]) -> NDArray[np.uint16]:
    return np.clip(1500 + 300 * image, 1, 10000).astype(np.uint16)


def mosaic(seed: int, height: int, width: int, codes: Sequence[int] = WORLDCOVER, cells: int = 5) -> NDArray[np.uint8]:
    """HW codes in smooth patches, all of them there."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.zoom(rng.normal(size=(cells, cells)), (height / cells, width / cells), order=1) for _ in codes]
    return np.array(codes, np.uint8)[np.argmax(fields, axis=0)]


RASTERS_RECIPE: dict[str, Any] = {
    "name": "small",
    "source": {
        "kind": "rasters",
        "root": "",
        "frames": [
            {"modality": "optical", "files": ["{scene}/S2_{date}.tif"], "cloud": "{scene}/CL_{date}.tif"},
            {"modality": "sar", "files": ["{scene}/S1_{date}.tif"], "unit": "dB"},
        ],
        "label": "{scene}/labels.tif",
        "legend": "worldcover",
        "licence": "CC0-1.0",
    },
    "tile": {"size_px": 64},
    "generate": {"res": 2, "l1_min": 3, "l1_max": 5},
    "part_tiles": 5,
}


def rasters_archive(root: Path, scenes: int = 2, side: int = 192) -> dict[str, Any]:
    """Two optical dates (the second shifted, with a cloud), a SAR image and a label map a scene; returns the recipe."""
    shift = (1.4, -2.3)
    for number in range(scenes):
        folder, place = root / f"place{number}", north_up(400000 + 20000 * number, 5400000, 10)
        land = noise(10 + number, side, side)
        for date, image in (("2023-05-01", land), ("2023-08-01", moved(land, *shift))):
            stack = np.stack([reflectance(image + 0.2 * band) for band in range(4)])
            write_tiff(folder / f"S2_{date}.tif", stack, place, bands=("B02", "B03", "B04", "B08"), nodata=0)
            cloud = np.zeros((side, side), np.uint8)
            if date == "2023-08-01":
                cloud[5:30, 10:50], cloud[30:40, 10:50] = 1, 2
            write_tiff(folder / f"CL_{date}.tif", cloud, place)
        sar = (-12 + 3 * noise(50 + number, side, side)).astype(np.float32)
        write_tiff(
            folder / "S1_2023-05-02.tif", np.stack([sar, sar - 7]), place, bands=("VV", "VH"), nodata=float("nan")
        )
        write_tiff(folder / "labels.tif", mosaic(30 + number, side, side), place, nodata=0)
    recipe = deepcopy(RASTERS_RECIPE)  # a test may change what it was given
    recipe["source"]["root"] = str(root)
    return recipe


def s2_patch(folder: Path, x: float = 300000, y: float = 5400000, seed: int = 0) -> None:
    """A Sentinel-2 patch of BigEarthNet: one file a band, in the band's own resolution."""
    for number, band in enumerate(BANDS_12):
        side = 1200 // METRES[band]
        pixels = reflectance(noise(seed + number, side, side))
        write_tiff(folder / f"{folder.name}_{band}.tif", pixels, north_up(x, y, METRES[band]))


def s1_patch(folder: Path, x: float = 300000, y: float = 5400000, seed: int = 0) -> None:
    for band in ("VV", "VH"):
        pixels = (-14 + 3 * noise(seed, 120, 120)).astype(np.float32)
        write_tiff(folder / f"{folder.name}_{band}.tif", pixels, north_up(x, y, 10))


S2_STEM, S1_STEM = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP", "S1B_IW_GRDH_1SDV_20170612T165809"


def bigearthnet_v2(
    root: Path, places: Sequence[str] = ("10_20", "10_21"), labelled: Sequence[str] = ("10_20",)
) -> Path:
    """An archive of v2: optical and SAR patches, reference maps and both metadata tables."""
    rows = []
    for number, place in enumerate(places):
        patch, partner = f"{S2_STEM}_{place}", f"{S1_STEM}_33UUP_{place}"
        x = 300000 + 1200 * number
        s2_patch(root / "BigEarthNet-S2" / S2_STEM / patch, x, seed=20 * number)
        s1_patch(root / "BigEarthNet-S1" / S1_STEM / partner, x, seed=7 + number)
        if place in labelled:
            codes = np.array([211, 311, 512, 112], np.uint16)
            label = codes[mosaic(number, 120, 120, range(4))]
            name = root / "Reference_Maps" / S2_STEM / patch / f"{patch}_reference_map.tif"
            write_tiff(name, label, north_up(x, 5400000, 10))
        rows.append({"patch_id": patch, "split": ("train", "test")[number % 2], "s1_name": partner})
    for name, half in (
        ("metadata.parquet", rows[:-1]),
        ("metadata_for_patches_with_snow_cloud_or_shadow.parquet", rows[-1:]),
    ):
        schema = pa.schema([(key, pa.string()) for key in ("patch_id", "split", "s1_name")])
        pq.write_table(pa.Table.from_pylist(half, schema=schema), root / name)
    return root


def bigearthnet_v1(root: Path) -> Path:
    """An archive of v1: one patch whose name has lost the zeros of its hour, and its SAR partner."""
    patch = root / "BigEarthNet-v1.0" / "S2B_MSIL2A_20170924T93020_69_24"
    s2_patch(patch)
    for band in ("B10",):  # v1 has none either; no file may be invented
        assert not (patch / f"{patch.name}_{band}.tif").exists()
    (patch / f"{patch.name}_labels_metadata.json").write_text(
        json.dumps({"labels": ["Pastures"], "acquisition_date": "2017-09-24 09:30:20"})
    )
    partner = root / "BigEarthNet-S1-v1.0" / "S1A_IW_GRDH_1SDV_20170925T043256_35VPK_69_24"
    s1_patch(partner)
    (partner / f"{partner.name}_labels_metadata.json").write_text(
        json.dumps({"corresponding_s2_patch": patch.name, "acquisition_time": "2017-09-25T04:32:56"})
    )
    return root


Ring = Sequence[tuple[float, float]]


def box(x: float, y: float, width: float, height: float) -> Ring:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _wkt(ring: Ring) -> str:
    return f"POLYGON (({', '.join(f'{x} {y}' for x, y in [*ring, ring[0]])}))"


def xbd_document(
    buildings: Sequence[tuple[Ring, str]], size: tuple[int, int], gsd_m: float, date: str
) -> dict[str, Any]:
    """An xBD label file: polygons in pixels and in degrees, at 40 degrees north."""
    per_lat = gsd_m / 111_320
    per_lon = per_lat / np.cos(np.radians(40))
    features: dict[str, list[Any]] = {"xy": [], "lng_lat": []}
    for ring, subtype in buildings:
        degrees = [(-90 + x * per_lon, 40 - y * per_lat) for x, y in ring]
        for key, corners in (("xy", ring), ("lng_lat", degrees)):
            properties = {"feature_type": "building", "subtype": subtype, "uid": f"{len(features[key])}"}
            features[key].append({"properties": properties, "wkt": _wkt(corners)})
    height, width = size
    return {
        "features": features,
        "metadata": {"width": width, "height": height, "capture_date": date, "gsd": 2.35, "disaster": "storm"},
    }


def xbd_pair(
    root: Path,
    buildings: Sequence[tuple[Ring, str]],
    name: str = "storm_00000001",
    size: tuple[int, int] = (96, 128),
    gsd_m: float = 0.5,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Path:
    """One pair in `root`/train; the image after lies `shift` [dy, dx] px off the one before."""
    folder = root / "train"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    height, width = size
    before = noise(3, height, width)
    for when, image, date in (
        ("pre", before, "2021-05-01T16:00:00.000Z"),
        ("post", moved(before, *shift), "2021-05-09T16:00:00.000Z"),
    ):
        grey = np.clip(120 + 40 * image, 1, 255).astype(np.uint8)
        Image.fromarray(np.stack([grey, 255 - grey, grey // 2 + 40], axis=-1)).save(
            folder / "images" / f"{name}_{when}_disaster.png"
        )
        document = xbd_document(buildings, size, gsd_m, date)
        (folder / "labels" / f"{name}_{when}_disaster.json").write_text(json.dumps(document))
    return root
