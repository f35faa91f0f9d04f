"""The files of a scene on any grid: a plain window where the pixels coincide, else one warp (by points if it has some).

Imagery is resampled bilinearly, maps by nearest neighbour (by mode where they are finer than the grid). What a file
does not cover, its no-data and NaN are not valid; nothing is filled in.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import Env
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from terra_cot.errors import DataError, GridError
from terra_cot.geo.flat import true_sides_m
from terra_cot.geo.gcps import FINER, PLANE, WARP_TOLERANCE_PX, read_tied, tie_of
from terra_cot.geo.grid import Grid, crs_name, native_grid
from terra_cot.pixels.remote import UNREACHABLE, is_remote, located, open_raster, told
from terra_cot.scene import Scene

_GDAL = {
    # GDAL's fast path for PNG returns noise for a file that was cut off, without an error; JPEG may only warn.
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": "NO",
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
}


class SceneFiles:
    """Holds the files of one scene open: one open a file, one warp a file and grid; closed by `close`.

    Errors of GDAL become DataError with the file's name.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._stack = ExitStack()
        self._open: dict[str, Any] = {}
        self._closed: dict[str, DataError] = {}  # a server that is gone is not asked again for every tile
        self._warped: dict[tuple[str, Resampling, str], Any] = {}

    def start(self) -> None:
        self._stack.enter_context(Env(**_GDAL))

    def close(self) -> None:
        self._stack.close()

    def dataset(self, path: str) -> Any:
        if path in self._closed:
            raise self._closed[path]
        if path not in self._open:
            with warnings.catch_warnings():
                # Sources decide whether imagery without a place is allowed; GDAL need not warn again.
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                try:
                    self._open[path] = self._stack.enter_context(open_raster(self.place(path)))
                except RasterioError as error:
                    self._closed[path] = self._refused("unreadable", error, path)
                    raise self._closed[path] from None
        return self._open[path]

    def place(self, path: str) -> str | Path:
        return located(self._scene.root, path)

    def _refused(self, problem: str, error: RasterioError, path: str) -> DataError:
        place = self.place(path)
        return DataError(
            f"{problem} ({told(error, place)})", file=place, reason=UNREACHABLE if is_remote(place) else None
        )

    def read(
        self, path: str, grid: Grid, resampling: Resampling, nodata: float | None = None
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """(CHW pixels, HW valid) of a file on `grid`; `nodata` where the file does not declare it."""
        dataset = self.dataset(path)
        try:
            tie = tie_of(dataset) if grid.crs is not None else None
            if tie is not None:
                return read_tied(dataset, tie, grid, resampling, dataset.nodata if nodata is None else nodata)
            return self._plain(dataset, grid, nodata) or self._warp(path, dataset, grid, resampling, nodata)
        except RasterioError as error:
            raise self._refused("cannot be read", error, path) from None

    def _plain(
        self, dataset: Any, grid: Grid, nodata: float | None
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]] | None:
        """The window itself, where the file's pixels are the grid's pixels; None where they are not."""
        if grid.crs is None:
            if dataset.shape != self._scene.grid.shape:
                raise DataError(
                    "another size than the rest of its scene",
                    file=dataset.name,
                    got=dataset.shape,
                    expected=self._scene.grid.shape,
                    reason="wrong_size",
                )
            offset = grid.offset_in(self._scene.grid)
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
        return pixels, _valid(pixels, dataset, window, _missing(dataset, nodata))

    def _warp(
        self, path: str, dataset: Any, grid: Grid, resampling: Resampling, nodata: float | None
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        if dataset.crs is None and grid.crs is not None:
            raise DataError(
                "no CRS, but its scene has one", file=dataset.name, expected=grid.crs, reason=GridError.reason
            )
        alike: dict[str, list[int]] = {}  # bands by their no-data value: as a word, since NaN is not equal to itself
        missing = _missing(dataset, nodata)
        for band, value in zip(dataset.indexes, missing, strict=True):
            alike.setdefault(str(value), []).append(band)
        if len(alike) == 1:
            return self._bands(path, dataset, list(dataset.indexes), grid, resampling, missing[0])
        found = {
            band: (plane, known)
            for bands in alike.values()
            for planes, known in [self._bands(path, dataset, bands, grid, resampling, missing[bands[0] - 1])]
            for band, plane in zip(bands, planes, strict=True)
        }
        planes, known = zip(*(found[band] for band in dataset.indexes), strict=True)
        return np.stack(planes), np.logical_and.reduce(known)

    def _bands(
        self, path: str, dataset: Any, bands: list[int], grid: Grid, resampling: Resampling, nodata: float | None
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Some bands of a warp: GDAL takes one no-data value a warp, whatever each band declares."""
        window = self._window(grid)
        if window is None:  # a shifted grid: its own warp
            with WarpedVRT(dataset, **self._options(dataset, grid, resampling, nodata)) as warped:
                return _warped_pixels(warped, dataset, bands, None, nodata)
        key = (path, resampling, str(nodata))
        if key not in self._warped:
            options = self._options(dataset, self._scene.grid, resampling, nodata)
            self._warped[key] = self._stack.enter_context(WarpedVRT(dataset, **options))
        return _warped_pixels(self._warped[key], dataset, bands, window, nodata)

    def _window(self, grid: Grid) -> Window | None:
        """Where `grid` lies in the scene's grid; None where it is no window of it: a shift by whole pixels may reach
        beyond its edge."""
        offset = grid.offset_in(self._scene.grid)
        if offset is None:
            return None
        row, column = offset
        inside = row >= 0 and column >= 0
        inside &= row + grid.height <= self._scene.grid.height and column + grid.width <= self._scene.grid.width
        return Window(column, row, grid.width, grid.height) if inside else None

    def finer(self, path: str, grid: Grid) -> bool:
        """Whether a file has pixels so much smaller than a grid's that several make one."""
        return self._finer(self.dataset(path), grid)

    def _finer(self, dataset: Any, grid: Grid) -> bool:
        # Without a place its pixels are those of its scene.
        if dataset.crs is None:
            return self._scene.grid.gsd_m <= FINER * grid.gsd_m
        sides = true_sides_m(dataset.transform, crs_name(dataset.crs), dataset.height, dataset.width)
        return math.sqrt(math.prod(sides)) <= FINER * grid.gsd_m

    def _options(self, dataset: Any, grid: Grid, resampling: Resampling, nodata: float | None) -> dict[str, Any]:
        options: dict[str, Any] = {
            "crs": grid.crs or PLANE,
            "transform": grid.transform,
            "width": grid.width,
            "height": grid.height,
            "resampling": resampling,
            "tolerance": WARP_TOLERANCE_PX,
            # Each band by its own no-data: as a set, a pixel missing in one band would be blended into its neighbours.
            "UNIFIED_SRC_NODATA": "NO",
        }
        if not self._finer(dataset, grid):
            # Unasked, GDAL blurs where a rotation or another zone makes its estimate of the scale fall below 1.
            options |= {"XSCALE": 1, "YSCALE": 1}
        if grid.crs is None:  # a shift among images without a place: all of them lie on one nameless plane
            options |= {"src_crs": PLANE, "src_transform": self._scene.grid.transform}
        if grid.crs is not None:
            options |= _wrapped(dataset)
        options |= {"src_nodata": nodata, "nodata": nodata}
        # Without a no-data value only an alpha band tells what the source does not cover.
        alone = nodata is None and ColorInterp.alpha not in dataset.colorinterp
        return {**options, "add_alpha": True} if alone else options


def _wrapped(dataset: Any) -> dict[str, str]:
    """Degrees beyond 180 lie on the other side of the antimeridian: without a wrap half of the file is not found."""
    left, right = dataset.bounds.left, dataset.bounds.right
    if not dataset.crs.is_geographic or -180 <= left <= right <= 180:
        return {}
    return {"src_crs": f"{dataset.crs.to_proj4()} +lon_wrap={(left + right) / 2:g}"}


def _warped_pixels(
    warped: Any, dataset: Any, bands: list[int], window: Window | None, nodata: float | None
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """(CHW pixels, HW valid) of bands of a warp of `dataset`."""
    pixels = warped.read(indexes=bands, window=window)
    valid = _valid(pixels, warped, window, [nodata] * len(bands))
    if warped.count > dataset.count:  # rasterio does not count the alpha band it adds as a mask
        valid &= warped.read(warped.count, window=window) > 0
    return pixels, valid


def _missing(dataset: Any, nodata: float | None) -> tuple[float | None, ...]:
    """The value of each band that means no data: what its file declares, else `nodata` in the band's own precision."""
    found = []
    for declared, dtype in zip(dataset.nodatavals, dataset.dtypes, strict=True):
        value = nodata if declared is None else declared
        exact = value is not None and np.issubdtype(dtype, np.floating)
        found.append(float(np.dtype(dtype).type(value)) if exact else value)
    return tuple(found)


def _valid(
    pixels: NDArray[np.generic], dataset: Any, window: Window | None, missing: Sequence[float | None]
) -> NDArray[np.bool_]:
    flags = {flag for band in dataset.mask_flag_enums for flag in band}
    valid = np.ones(pixels.shape[1:], np.bool_)
    if flags - {MaskFlags.all_valid, MaskFlags.nodata}:  # a mask or an alpha band: another read
        valid = np.asarray(dataset.dataset_mask(window=window)) > 0
    for band, nodata in zip(pixels, missing, strict=True):
        # A tile needs all bands; GDAL's own mask is true where any has data.
        if nodata is not None and not np.isnan(nodata):
            valid &= band != nodata
    if np.issubdtype(pixels.dtype, np.floating):
        valid &= np.isfinite(pixels).all(axis=0)
    return valid
