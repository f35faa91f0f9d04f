"""Pixels are read once, on the grid that is asked for, and mean what their source says: frames and label maps.

What is in another unit than reflectance x 10000 or dB is brought to it here; what a file does not tell is not valid.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling

from terra_cot.cloud import METHODS, CloudOptions, find_cloud
from terra_cot.cloud.formats import MaskFormat, masked
from terra_cot.errors import DataError
from terra_cot.frame import REFLECTANCE_SCALE, Frame
from terra_cot.geo.grid import Grid
from terra_cot.pixels.files import SceneFiles
from terra_cot.pixels.sentinel1 import Calibration, read_calibration, sigma0_amplitude
from terra_cot.pixels.values import in_db, rescaled
from terra_cot.scene import Asset, LabelAsset, Scene, SceneFrame

MASK_BEYOND_MAX = 0.05  # where a mask ends short of the image its pixels count as cloud, up to this share


class SceneReader:
    """Reads the tiles of one scene, whose files it holds open meanwhile."""

    def __init__(self, scene: Scene, clouds: CloudOptions | None = None) -> None:
        self.scene = scene
        self._clouds = clouds or CloudOptions()
        self._files = SceneFiles(scene)
        self._tables: dict[str, Calibration] = {}
        self._drawn: NDArray[np.uint16] | None = None

    def __enter__(self) -> SceneReader:
        self._files.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def frame(self, described: SceneFrame, grid: Grid, shift_px: tuple[float, float] = (0.0, 0.0)) -> Frame:
        """A frame on `grid`; a known misregistration `shift_px` [dy, dx] is taken out in the same resampling."""
        place = grid.moved(*shift_px) if shift_px != (0.0, 0.0) else grid
        stacks, valid = [], np.ones(grid.shape, np.bool_)
        bands: list[str] = []
        for asset in described.assets:
            pixels, known = self._files.read(asset.path, place, Resampling.bilinear, asset.nodata)
            if len(asset.bands) != len(pixels):
                raise DataError(
                    "another number of bands than the source said",
                    file=self._files.place(asset.path),
                    got=len(pixels),
                    expected=len(asset.bands),
                    reason="wrong_bands",
                )
            stacks.append(self._meant(pixels, asset, place))
            valid &= known
            bands += asset.bands
        pixels = stacks[0] if len(stacks) == 1 else np.concatenate(stacks)
        if described.unit is not None:
            pixels, positive = in_db(pixels, described.unit)
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
            reflectance=all(asset.scales for asset in described.assets),
        )
        stated = self._clouds.reflectance
        if frame.reflectance and stated and (stated.scale, stated.offset) != (REFLECTANCE_SCALE, 0):
            raise DataError(
                "reflectance is known from the source already: the recipe would rescale it twice",
                field="tile.cloud.reflectance",
                got=f"scale {stated.scale:g}, offset {stated.offset:g}",
                expected=f"scale {REFLECTANCE_SCALE:g}, offset 0",
                reason="scaled_twice",
            )
        try:
            return replace(frame, cloud=self._cloud(frame, described, place))
        except DataError as error:
            return replace(frame, cloud_unknown=error)

    def _meant(self, pixels: NDArray[np.generic], asset: Asset, place: Grid) -> NDArray[np.generic]:
        """What the numbers of a file mean: reflectance x 10000, or the amplitude of sigma0."""
        if asset.scales:
            return rescaled(pixels, asset.scales)
        if asset.calibration is None:
            return pixels
        if asset.calibration not in self._tables:
            self._tables[asset.calibration] = read_calibration(Path(self._files.place(asset.calibration)))
        return sigma0_amplitude(pixels, self._files.dataset(asset.path), self._tables[asset.calibration], place)

    def _cloud(self, frame: Frame, described: SceneFrame, place: Grid) -> NDArray[np.bool_] | None:
        """Bool HW: cloud or shadow; None where recipe or source give none, DataError where it cannot be known."""
        if self._clouds.method == "none":
            return None
        if self._clouds.method in METHODS:
            return find_cloud(frame, self._clouds) if frame.modality == "optical" else None
        if described.cloud is None:
            return None
        codes, known = self._files.read(described.cloud.path, place, Resampling.nearest)
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
        return None if self.scene.label is None else self.codes(grid, self.scene.label)

    def codes(self, grid: Grid, asset: LabelAsset) -> NDArray[np.uint16]:
        """Codes (HW uint16, 0 where the map has no data) of a label map of the scene, on a window of its grid."""
        if asset.format == "xbd":
            return self._drawn_label(grid, asset)
        if asset.format == "road-mask":
            from terra_cot.sources.deepglobe_road import road_codes

            pixels, _ = self._files.read(asset.path, grid, Resampling.nearest)
            return road_codes(pixels, Path(self._files.place(asset.path)))
        finer = self._files.finer(asset.path, grid)
        codes, known = self._files.read(asset.path, grid, Resampling.mode if finer else Resampling.nearest)
        if len(codes) != 1 or not np.issubdtype(codes.dtype, np.integer):
            raise DataError(
                "a label map is one band of whole numbers",
                file=self._files.place(asset.path),
                got=f"{len(codes)} bands of {codes.dtype}",
                reason="bad_label_map",
            )
        found = np.where(known, codes[0], 0)
        limits = np.iinfo(np.uint16)
        if found.min() < limits.min or found.max() > limits.max:
            raise DataError(
                "a label map holds codes that no legend has",
                file=self._files.place(asset.path),
                got=f"{found.min()} to {found.max()}",
                fix="declare its no-data value",
                reason="unknown_label_code",
            )
        return found.astype(np.uint16)

    def _drawn_label(self, grid: Grid, asset: LabelAsset) -> NDArray[np.uint16]:
        from terra_cot.sources.xbd import read_label

        if self._drawn is None:
            self._drawn = read_label(Path(self._files.place(asset.path)), self.scene.grid)
        offset = grid.offset_in(self.scene.grid)
        assert offset is not None, "label maps are never shifted: tiles are windows of the scene's grid"
        row, column = offset
        return self._drawn[row : row + grid.height, column : column + grid.width]
