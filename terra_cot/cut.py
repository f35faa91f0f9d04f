"""Cutting a scene: its frames on the grid of each tile, shifts found and taken out, encoded as a tile record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from terra_cot.balance.duplicates import perceptual_hash
from terra_cot.cloud import CloudOptions, Reflectance
from terra_cot.coregister.series import align
from terra_cot.errors import DataError
from terra_cot.filters import frame_reason, tile_reason
from terra_cot.frame import REFLECTANCE_SCALE, Frame, Tile
from terra_cot.geo.grid import Grid
from terra_cot.legend import legend
from terra_cot.pixels import encode
from terra_cot.pixels.display import Stretch, display
from terra_cot.pixels.read import SceneReader
from terra_cot.pixels.speckle import SpeckleOptions, despeckled
from terra_cot.pixels.spectral import DECIBEL, REFLECTANCE
from terra_cot.scene import Drop, Scene
from terra_cot.tile import DatedLabel, FrameRecord, TileRecord, portrait


class TileOptions(BaseModel):
    """How scenes are cut. Shares are 0 to 1; `raster` False leaves the GeoTIFF of all bands out.

    `align` takes shifts out where they can be trusted, `align_sar` also those between SAR and optical images.
    `speckle` calms the display images of SAR, never the rasters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_px: int = Field(256, ge=16, le=4096)
    max_nodata: float = Field(0.5, ge=0, le=1)
    max_shift_px: float = Field(8.0, ge=2, le=64)
    align: bool = True
    align_sar: bool = True
    raster: bool = True
    cloud: CloudOptions = CloudOptions()
    display: Stretch = Stretch()
    speckle: SpeckleOptions | None = None


def tile_count(scene: Scene, options: TileOptions) -> int:
    """How many places `cut_scene` visits: kept and dropped tiles together."""
    return sum(1 for _ in scene_tiles(scene, options))


def scene_tiles(scene: Scene, options: TileOptions) -> Iterator[tuple[str, Grid | None]]:
    """Name and grid of every tile of a scene, row by row; no grid where the scene ends inside."""
    if scene.whole:
        yield from ((scene.scene_id, grid) for _, _, grid in scene.grid.tiles(max(scene.grid.shape)))
        return
    for row, column, grid in scene.grid.tiles(options.size_px):
        yield f"{scene.scene_id}_r{row:03d}_c{column:03d}", grid


def cut_scene(
    scene: Scene,
    options: TileOptions,
    first: int = 0,
    last: int | None = None,
    splits: Mapping[str, str | None] | None = None,
) -> Iterator[TileRecord | Drop]:
    """Tiles `first` to `last` (exclusive) of a scene, row by row, each kept or dropped with its reason.

    `splits` gives the split of a tile by its name, None where it lies too near to another split; without it the split
    of the scene holds.
    """
    with SceneReader(scene, options.cloud) as reader:
        for tile_id, grid in islice(scene_tiles(scene, options), first, last):
            if grid is None:
                yield Drop("tile", tile_id, "partial_tile", f"the scene ends inside this {options.size_px} px tile")
                continue
            split = scene.split if splits is None else splits[tile_id]
            if split is None:
                yield Drop("tile", tile_id, "split_gap", "nearer than the gap to a cell of another split")
                continue
            try:
                yield from _cut(reader, tile_id, grid, options, split)
            except DataError as error:
                yield Drop.of("tile", tile_id, error)


def _cut(
    reader: SceneReader, tile_id: str, grid: Grid, options: TileOptions, split: str
) -> Iterator[TileRecord | Drop]:
    scene = reader.scene
    frames: list[Frame] = []
    for described in scene.frames:
        item = f"{tile_id}/{described.frame}/{described.modality}"
        try:
            frame = reader.frame(described, grid)
        except DataError as error:
            yield Drop.of("frame", item, error)
            continue
        reason = frame_reason(frame, options.max_nodata)
        if reason:
            yield Drop("frame", item, *reason)
            continue
        if frame.cloud_unknown:
            yield Drop.of("frame", f"{item}/cloud", frame.cloud_unknown)
        frames.append(frame)
    if options.align:
        frames = _aligned(reader, frames, options)
    kept = {frame.frame for frame in frames}
    series = {}
    for entry in scene.label_series:
        if entry.frame in kept:
            series[entry.frame] = reader.codes(grid, entry.label)
        else:
            detail = f"{entry.frame} was dropped, and its label map with it"
            yield Drop("frame", f"{tile_id}/{entry.frame}/label", "label_without_frame", detail)
    tile = Tile(tile_id, tuple(frames), reader.label(grid), scene.label_frame, grid, series)
    dropped = tile_reason(tile)
    if dropped:
        yield Drop("tile", tile_id, *dropped)
        return
    if tile.label is not None and scene.label is not None:
        for codes in (tile.label, *tile.label_series.values()):
            legend(scene.label.legend).vocabulary("native").index(codes)  # refuses unknown codes here, not later
    yield record(tile, scene, options, split)


def _aligned(reader: SceneReader, frames: list[Frame], options: TileOptions) -> list[Frame]:
    described = {(entry.frame, entry.modality): entry for entry in reader.scene.frames}

    def reread(frame: Frame, shift_px: tuple[float, float]) -> Frame:
        return reader.frame(described[frame.frame, frame.modality], frame.grid, shift_px)

    return align(frames, reader.scene.label_frame, options.max_shift_px, options.align_sar, reread)


def record(tile: Tile, scene: Scene, options: TileOptions, split: str) -> TileRecord:
    """The stored form of a tile."""
    grid = tile.grid
    place = grid.lon_lat() or scene.lon_lat
    pictures = [picture_of(frame, options) for frame in tile.frames]
    return TileRecord(
        tile_id=tile.tile_id,
        frames=tuple(
            _frame_record(frame, picture, options) for frame, picture in zip(tile.frames, pictures, strict=True)
        ),
        label=None if tile.label is None else encode.label_png(tile.label),
        label_frame=tile.label_frame,
        label_series=tuple(DatedLabel(frame, encode.label_png(codes)) for frame, codes in tile.label_series.items()),
        legend=scene.label.legend if scene.label else None,
        crs=grid.crs,
        transform=tuple(float(value) for value in grid.transform[:6]),
        width=grid.width,
        height=grid.height,
        gsd_m=grid.gsd_m,
        source=scene.source,
        source_id=scene.scene_id,
        licence=scene.licence,
        split=split,
        lon=place[0] if place else None,
        lat=place[1] if place else None,
        phash=perceptual_hash(pictures[portrait(tile.frames, tile.label_frame)]),
    )


def picture_of(frame: Frame, options: TileOptions) -> NDArray[np.uint8]:
    """HW3 uint8: what a frame looks like, by the options alone."""
    return display(despeckled(frame, options.speckle), options.display)


def _frame_record(frame: Frame, picture: NDArray[np.uint8], options: TileOptions) -> FrameRecord:
    plain_rgb = frame.pixels.dtype == np.uint8 and len(frame.bands) == 3
    return FrameRecord(
        frame=frame.frame,
        modality=frame.modality,
        datetime=frame.datetime,
        image=encode.png(picture),
        raster=_raster(frame, options.cloud.reflectance) if options.raster and not plain_rgb else None,
        bands=frame.bands,
        cloud_fraction=None if frame.cloud is None else round(float(frame.cloud.mean()), 6),
        nodata_fraction=round(1.0 - float(frame.valid.mean()), 6),
        shift_px=frame.shift.removed_px,
        shift_score=frame.shift.score,
        shift_found_px=frame.shift.found_px,
        shift_status=frame.shift.status,
        shift_reason=frame.shift.reason,
        cloud_flag=frame.cloud_flag,
        cloud=None if frame.cloud is None else encode.png(frame.cloud.astype(np.uint8) * 255),
    )


def _raster(frame: Frame, reflectance: Reflectance | None) -> bytes:
    """All bands, with what is invalid set to a no-data value that no valid pixel has, and what the values mean.

    Where valid pixels use every value of the dtype (photographs of 8 bit) a mask band says what is invalid.
    """
    pixels: NDArray[np.generic] = frame.pixels
    nodata: float | None = None
    mask: NDArray[np.bool_] | None = None
    if not frame.valid.all():
        floating = np.issubdtype(pixels.dtype, np.floating)
        nodata = float("nan") if floating else _free_value(pixels, frame.valid)
        mask = frame.valid if nodata is None else None
        pixels = np.where(frame.valid, pixels, np.array(nodata or 0, pixels.dtype))
    tags = {"MODALITY": frame.modality} | ({"DATETIME": frame.datetime} if frame.datetime else {})
    return encode.geotiff(pixels, frame.bands, frame.grid, nodata, tags, _meaning(frame, reflectance), mask)


def _meaning(frame: Frame, reflectance: Reflectance | None) -> encode.Meaning | None:
    """Unit, scale and offset of the pixels, where source or recipe state them."""
    if frame.modality == "sar":
        return encode.Meaning(DECIBEL) if frame.decibel else None
    if frame.reflectance:
        return encode.Meaning(REFLECTANCE, REFLECTANCE_SCALE)
    if reflectance is None or frame.pixels.dtype == np.uint8:
        return None
    return encode.Meaning(REFLECTANCE, reflectance.scale, reflectance.offset)


def _free_value(pixels: NDArray[np.generic], valid: NDArray[np.bool_]) -> float | None:
    """A value of an integer dtype that no valid pixel holds: 0 if it can be, else the highest; None if all are used."""
    used = np.unique(pixels[:, valid])
    if 0 not in used:
        return 0.0
    limits = np.iinfo(pixels.dtype.type)  # type: ignore[type-var]
    for value in range(limits.max, limits.min - 1, -1):
        if value not in used:
            return float(value)
    return None
