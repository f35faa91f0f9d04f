"""A tile is right when its pictures are what its rasters show, on the grid that its row states."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from terra_cot.balance.duplicates import perceptual_hash
from terra_cot.cut import TileOptions, picture_of
from terra_cot.errors import TerraError
from terra_cot.frame import Frame
from terra_cot.geo.grid import Grid, pixel_m
from terra_cot.legend import legend
from terra_cot.pixels.spectral import DECIBEL
from terra_cot.tile import FrameRecord, TileRecord, decode_label, portrait
from terra_cot.verify.report import TOLERANCE, Where


def check_tile(tile: TileRecord, options: TileOptions, where: Where) -> None:
    grid = Grid(tile.crs, Affine(*tile.transform), tile.height, tile.width, tile.gsd_m)
    side = pixel_m(grid.transform)
    if not np.isclose(side, tile.gsd_m, rtol=TOLERANCE, atol=0):
        where.say("gsd_m", f"is {tile.gsd_m}, the transform has pixels of {side}")
    place = grid.lon_lat()
    if place and (tile.lon is None or tile.lat is None or not np.allclose(place, (tile.lon, tile.lat), atol=1e-5)):
        where.say("lon", f"and lat are {(tile.lon, tile.lat)}, the grid lies at {place}")
    shown = portrait(tile.frames, tile.label_frame)
    for number, frame in enumerate(tile.frames):
        name = f"frames.{frame.frame}.{frame.modality}"
        picture = _picture(frame.image)
        if picture is None or picture.shape != (*grid.shape, 3):
            where.say(f"{name}.image", f"is not a colour picture of {tile.width} x {tile.height} px")
        elif frame.raster is not None:
            _check_raster(frame, grid, picture, options, name, where)
        if number == shown and picture is not None and picture.ndim == 3 and perceptual_hash(picture) != tile.phash:
            where.say("phash", f"is {tile.phash}, the picture of {name} has {perceptual_hash(picture)}")
        _check_cloud(frame, grid, name, where)
    if tile.label is None:
        return
    try:
        _check_label("label", decode_label(tile.label), tile, where)
    except (TerraError, UnidentifiedImageError, OSError) as error:
        where.say("label", str(error))
    names = [entry.frame for entry in tile.label_series]
    if names != [name for name in tile.frame_names() if name in names and name != tile.label_frame]:
        where.say(
            "label_series", f"has dates {names}, expected dates of the tile, in order, without {tile.label_frame}"
        )
    for entry in tile.label_series:
        name = f"label_series.{entry.frame}"
        try:
            _check_label(name, decode_label(entry.label), tile, where)
        except (TerraError, UnidentifiedImageError, OSError) as error:
            where.say(name, str(error))
    if tile.label_frame not in tile.frame_names():
        where.say("label_frame", f"{tile.label_frame} is no frame of the tile")


def _check_label(name: str, label: NDArray[np.uint16], tile: TileRecord, where: Where) -> None:
    """A label map has the tile's size and holds codes of its legend."""
    if label.shape != (tile.height, tile.width):
        where.say(name, f"is {label.shape[1]} x {label.shape[0]} px, the tile {tile.width} x {tile.height}")
    if tile.legend is None:
        where.say("legend", "a label map without a legend")
    else:
        legend(tile.legend).vocabulary("native").index(label)


def _check_cloud(frame: FrameRecord, grid: Grid, name: str, where: Where) -> None:
    """A cloud mask there is where a fraction is stated, and it is that of the mask."""
    if frame.cloud is None:
        if frame.cloud_fraction is not None:
            where.say(f"{name}.cloud_fraction", f"is {frame.cloud_fraction}, without a mask")
        return
    mask = _picture(frame.cloud)
    if mask is None or mask.shape != grid.shape:
        where.say(f"{name}.cloud", f"is not a grey picture of {grid.width} x {grid.height} px")
    elif frame.cloud_fraction != round(float((mask > 0).mean()), 6):
        where.say(f"{name}.cloud_fraction", f"is {frame.cloud_fraction}, the mask has {(mask > 0).mean():.6f}")


def _picture(data: bytes) -> NDArray[np.uint8] | None:
    try:
        with Image.open(BytesIO(data)) as picture:
            return np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError):
        return None


def _check_raster(
    frame: FrameRecord, grid: Grid, picture: NDArray[np.uint8], options: TileOptions, name: str, where: Where
) -> None:
    """The raster has the tile's grid and the row's bands, and the picture is what it shows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with MemoryFile(frame.raster) as memory, memory.open() as dataset:
                pixels, valid = dataset.read(), _valid(dataset)
                bands, crs, transform = dataset.descriptions, dataset.crs, dataset.transform
                decibel = set(dataset.units) == {DECIBEL}
    except RasterioError as error:
        where.say(f"{name}.raster", f"cannot be read ({error})")
        return
    if bands != frame.bands or pixels.shape[1:] != grid.shape:
        where.say(f"{name}.raster", f"holds {bands} of {pixels.shape[2]} x {pixels.shape[1]} px")
        return
    same_crs = crs is None if grid.crs is None else crs == CRS.from_user_input(grid.crs)
    if not same_crs or not transform.almost_equals(grid.transform, 1e-6):
        where.say(f"{name}.raster", "lies elsewhere than the tile")
    if round(1.0 - float(valid.mean()), 6) != frame.nodata_fraction:
        where.say(f"{name}.nodata_fraction", f"is {frame.nodata_fraction}, the raster has {1.0 - valid.mean():.6f}")
    held = Frame(frame.frame, frame.modality, frame.datetime, bands, pixels, valid, None, grid, decibel=decibel)
    shown = picture_of(held, options)
    if not np.array_equal(shown, picture):
        differ = int((shown != picture).any(axis=-1).sum())
        where.say(f"{name}.image", f"differs from the picture of the raster in {differ} pixels")


def _valid(dataset: Any) -> NDArray[np.bool_]:
    """Where a stored raster has data: no valid pixel holds its no-data value in any band; else its mask says it."""
    if dataset.nodata is None:
        return np.asarray(dataset.dataset_mask() > 0)
    pixels = dataset.read()
    known = ~np.isnan(pixels) if np.isnan(dataset.nodata) else np.not_equal(pixels, dataset.nodata)
    return np.asarray(known.all(axis=0), np.bool_)
