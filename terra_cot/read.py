"""Pixels are read once, on the grid that is asked for: a plain window where the pixels coincide, else one warp.

Imagery is resampled bilinearly, label and cloud maps by nearest neighbour (by mode where they are finer than the
grid). What a file does not cover, its no-data and NaN are not valid; nothing is filled in.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import Env
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from terra_cot.cloud import METHODS, CloudOptions, find_cloud
from terra_cot.cloud.formats import MaskFormat, masked
from terra_cot.errors import DataError, GridError
from terra_cot.frame import Frame
from terra_cot.grid import Grid, grid_of, native_grid
from terra_cot.remote import UNREACHABLE, is_remote, located, open_raster
from terra_cot.scene import Scene, SceneFrame

_PLANE = "EPSG:3857"  # any metric CRS does: nothing is projected
_WARP_TOLERANCE_PX = 0.02  # GDAL's own 0.125 is as much as the shifts that are taken out

MASK_BEYOND_MAX = 0.05  # where a mask ends short of the image its pixels count as cloud, up to this share

_DECIBEL = {"linear": 10.0, "amplitude": 20.0}  # dB = factor * log10(value)
_GDAL = {
    # GDAL's fast path for PNG returns noise for a file that was cut off, without an error; JPEG may only warn.
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
}
_FINER = 0.75  # a file whose pixels are smaller than this share of the grid's is averaged (imagery) or counted (labels)


class SceneReader:
    """Holds the files of one scene open while its tiles are cut: one open a file, one warp a file and grid.

    Errors of GDAL become DataError with the file's name.
    """

    def __init__(self, scene: Scene, clouds: CloudOptions | None = None) -> None:
        self.scene = scene
        self._clouds = clouds or CloudOptions()
        self._stack = ExitStack()
        self._open: dict[str, Any] = {}
        self._closed: dict[str, DataError] = {}  # a server that is gone is not asked again for every tile
        self._warped: dict[tuple[str, Resampling], Any] = {}
        self._drawn: NDArray[np.uint16] | None = None

    def __enter__(self) -> SceneReader:
        self._stack.enter_context(Env(**_GDAL))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def frame(self, described: SceneFrame, grid: Grid, shift_px: tuple[float, float] = (0.0, 0.0)) -> Frame:
        """A frame on `grid`; a known misregistration `shift_px` [dy, dx] is taken out in the same resampling."""
        place = grid.moved(*shift_px) if shift_px != (0.0, 0.0) else grid
        stacks, valid = [], np.ones(grid.shape, np.bool_)
        bands: list[str] = []
        for asset in described.assets:
            pixels, known = self._read(asset.path, place, Resampling.bilinear)
            if len(asset.bands) != len(pixels):
                raise DataError(
                    "another number of bands than the source said",
                    file=self._place(asset.path),
                    got=len(pixels),
                    expected=len(asset.bands),
                    reason="wrong_bands",
                )
            stacks.append(pixels)
            valid &= known
            bands += asset.bands
        pixels = stacks[0] if len(stacks) == 1 else np.concatenate(stacks)
        if described.unit in _DECIBEL:
            pixels, positive = _in_db(pixels, _DECIBEL[described.unit])
            valid &= positive
        frame = Frame(
            described.frame,
            described.modality,
            described.datetime,
            tuple(bands),
            pixels,
            valid,
            None,
            grid,
            cloud_flag=described.cloud_flag,
            decibel=described.unit is not None,
        )
        try:
            return replace(frame, cloud=self._cloud(frame, described, place))
        except DataError as error:
            return replace(frame, cloud_unknown=error)

    def _cloud(self, frame: Frame, described: SceneFrame, place: Grid) -> NDArray[np.bool_] | None:
        """Bool HW: cloud or shadow; None where recipe or source give none, DataError where it cannot be known."""
        if self._clouds.method == "none":
            return None
        if self._clouds.method in METHODS:
            return find_cloud(frame, self._clouds) if frame.modality == "optical" else None
        if described.cloud is None:
            return None
        codes, known = self._read(described.cloud.path, place, Resampling.nearest)
        if len(codes) != 1:
            raise DataError(
                "a cloud mask is one band",
                file=described.cloud.path,
                got=f"{len(codes)} bands",
                reason="bad_cloud_mask",
            )
        found = masked(codes[0], MaskFormat(described.cloud.codes, described.cloud.bits))
        beyond = frame.valid & ~known
        if beyond.sum() > MASK_BEYOND_MAX * frame.valid.sum():
            raise DataError(
                "the cloud mask does not reach over the image",
                file=described.cloud.path,
                got=f"{beyond.sum() / frame.valid.sum():.0%} of its valid pixels without a mask",
                expected=f"at most {MASK_BEYOND_MAX:.0%}",
                fix="if the file declares its clear code as no-data, take that out: rio edit-info --unset-nodata",
                reason="cloud_mask_incomplete",
            )
        return (found & known) | beyond

    def label(self, grid: Grid) -> NDArray[np.uint16] | None:
        """Label codes (HW uint16, 0 where the map has no data) on a window of the scene's grid; None without a map."""
        asset = self.scene.label
        if asset is None:
            return None
        if asset.format == "xbd":
            return self._drawn_label(grid)
        if asset.format == "road-mask":
            from terra_cot.sources.deepglobe_road import road_codes

            pixels, _ = self._read(asset.path, grid, Resampling.nearest)
            return road_codes(pixels, Path(self._place(asset.path)))
        dataset = self._dataset(asset.path)
        finer = self._metres(dataset) <= _FINER * grid.gsd_m
        codes, known = self._read(asset.path, grid, Resampling.mode if finer else Resampling.nearest)
        if len(codes) != 1 or not np.issubdtype(codes.dtype, np.integer):
            raise DataError(
                "a label map is one band of whole numbers",
                file=self._place(asset.path),
                got=f"{len(codes)} bands of {codes.dtype}",
                reason="bad_label_map",
            )
        found = np.where(known, codes[0], 0)
        limits = np.iinfo(np.uint16)
        if found.min() < limits.min or found.max() > limits.max:
            raise DataError(
                "a label map holds codes that no legend has",
                file=self._place(asset.path),
                got=f"{found.min()} to {found.max()}",
                fix="declare its no-data value",
                reason="unknown_label_code",
            )
        return found.astype(np.uint16)

    def _drawn_label(self, grid: Grid) -> NDArray[np.uint16]:
        from terra_cot.sources.xbd import read_label

        assert self.scene.label is not None
        if self._drawn is None:
            self._drawn = read_label(Path(self._place(self.scene.label.path)), self.scene.grid)
        offset = grid.offset_in(self.scene.grid)
        assert offset is not None, "label maps are never shifted: tiles are windows of the scene's grid"
        row, column = offset
        return self._drawn[row : row + grid.height, column : column + grid.width]

    def _dataset(self, path: str) -> Any:
        if path in self._closed:
            raise self._closed[path]
        if path not in self._open:
            with warnings.catch_warnings():
                # Sources decide whether imagery without a place is allowed; GDAL need not warn again.
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                try:
                    self._open[path] = self._stack.enter_context(open_raster(self._place(path)))
                except RasterioError as error:
                    self._closed[path] = self._refused("unreadable", error, path)
                    raise self._closed[path] from None
        return self._open[path]

    def _place(self, path: str) -> str | Path:
        return located(self.scene.root, path)

    def _refused(self, problem: str, error: RasterioError, path: str) -> DataError:
        place = self._place(path)
        return DataError(f"{problem} ({error})", file=place, reason=UNREACHABLE if is_remote(place) else None)

    def _read(self, path: str, grid: Grid, resampling: Resampling) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """(CHW pixels, HW valid) of a file on `grid`."""
        dataset = self._dataset(path)
        try:
            return self._plain(dataset, grid) or self._warp(path, dataset, grid, resampling)
        except RasterioError as error:
            raise self._refused("cannot be read", error, path) from None

    def _plain(self, dataset: Any, grid: Grid) -> tuple[NDArray[np.generic], NDArray[np.bool_]] | None:
        """The window itself, where the file's pixels are the grid's pixels; None where they are not."""
        if grid.crs is None:
            if dataset.shape != self.scene.grid.shape:
                raise DataError(
                    "another size than the rest of its scene",
                    file=dataset.name,
                    got=dataset.shape,
                    expected=self.scene.grid.shape,
                    reason="wrong_size",
                )
            offset = grid.offset_in(self.scene.grid)
        else:
            native = native_grid(dataset)
            offset = grid.offset_in(native) if native else None
        if offset is None:
            return None
        row, column = offset
        if row < 0 or column < 0 or row + grid.height > dataset.height or column + grid.width > dataset.width:
            return None
        window = Window(column, row, grid.width, grid.height)
        pixels = dataset.read(window=window)
        return pixels, _valid(pixels, dataset, window)

    def _warp(
        self, path: str, dataset: Any, grid: Grid, resampling: Resampling
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        if dataset.crs is None and grid.crs is not None:
            raise DataError(
                "no CRS, but its scene has one", file=dataset.name, expected=grid.crs, reason=GridError.reason
            )
        window = self._window(grid)
        if window is None:  # a shifted grid: its own warp
            with WarpedVRT(dataset, **self._options(dataset, grid, resampling)) as warped:
                return _warped_pixels(warped, dataset, None)
        key = (path, resampling)
        if key not in self._warped:
            options = self._options(dataset, self.scene.grid, resampling)
            self._warped[key] = self._stack.enter_context(WarpedVRT(dataset, **options))
        return _warped_pixels(self._warped[key], dataset, window)

    def _window(self, grid: Grid) -> Window | None:
        """Where `grid` lies in the scene's grid; None where it is no window of it: a shift by whole pixels may reach
        beyond its edge."""
        offset = grid.offset_in(self.scene.grid)
        if offset is None:
            return None
        row, column = offset
        inside = row >= 0 and column >= 0
        inside &= row + grid.height <= self.scene.grid.height and column + grid.width <= self.scene.grid.width
        return Window(column, row, grid.width, grid.height) if inside else None

    def _metres(self, dataset: Any) -> float:
        """Pixel size of a file on the ground; without a CRS that of its scene."""
        return self.scene.grid.gsd_m if dataset.crs is None else grid_of(dataset).gsd_m

    def _options(self, dataset: Any, grid: Grid, resampling: Resampling) -> dict[str, Any]:
        options: dict[str, Any] = {
            "crs": grid.crs or _PLANE,
            "transform": grid.transform,
            "width": grid.width,
            "height": grid.height,
            "resampling": resampling,
            "tolerance": _WARP_TOLERANCE_PX,
            # Each band by its own no-data: as a set, a pixel missing in one band would be blended into its neighbours.
            "UNIFIED_SRC_NODATA": "NO",
        }
        if self._metres(dataset) > _FINER * grid.gsd_m:
            # Unasked, GDAL blurs where a rotation or another zone makes its estimate of the scale fall below 1.
            options |= {"XSCALE": 1, "YSCALE": 1}
        if grid.crs is None:  # a shift among images without a place: all of them lie on one nameless plane
            options |= {"src_crs": _PLANE, "src_transform": self.scene.grid.transform}
        if grid.crs is not None:
            options |= _wrapped(dataset)
        # Without a no-data value only an alpha band tells what the source does not cover.
        alone = dataset.nodata is None and ColorInterp.alpha not in dataset.colorinterp
        return {**options, "add_alpha": True} if alone else options


def _in_db(pixels: NDArray[np.generic], factor: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """CHW pixels in dB, and HW where all of them have one: power is above zero."""
    values = pixels.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (factor * np.log10(values)).astype(np.float32)
    return found, np.asarray(np.isfinite(found).all(axis=0))


def _wrapped(dataset: Any) -> dict[str, str]:
    """Degrees beyond 180 lie on the other side of the antimeridian: without a wrap half of the file is not found."""
    left, right = dataset.bounds.left, dataset.bounds.right
    if not dataset.crs.is_geographic or -180 <= left <= right <= 180:
        return {}
    return {"src_crs": f"{dataset.crs.to_proj4()} +lon_wrap={(left + right) / 2:g}"}


def _warped_pixels(warped: Any, dataset: Any, window: Window | None) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """(CHW pixels, HW valid) of a warp of `dataset`."""
    pixels = warped.read(indexes=list(dataset.indexes), window=window)
    valid = _valid(pixels, warped, window)
    if warped.count > dataset.count:  # rasterio does not count the alpha band it adds as a mask
        valid &= warped.read(warped.count, window=window) > 0
    return pixels, valid


def _valid(pixels: NDArray[np.generic], dataset: Any, window: Window | None) -> NDArray[np.bool_]:
    flags = {flag for band in dataset.mask_flag_enums for flag in band}
    valid = np.ones(pixels.shape[1:], np.bool_)
    if flags - {MaskFlags.all_valid, MaskFlags.nodata}:  # a mask or an alpha band: another read
        valid = np.asarray(dataset.dataset_mask(window=window)) > 0
    if dataset.nodata is not None and not np.isnan(dataset.nodata):
        # A tile needs all bands; GDAL's own mask is true where any has data.
        for band in pixels:
            valid &= band != dataset.nodata
    if np.issubdtype(pixels.dtype, np.floating):
        valid &= np.isfinite(pixels).all(axis=0)
    return valid
