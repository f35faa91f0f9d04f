"""The label map of a published image is the file that bears its name; two that differ, or one of another kind, is none.

Two trees are known, and may stand beside each other under one root. ChatEarthNet: PNG or TIFF of WorldCover codes,
NAME.png beside or below folders of images with the same names (those folders are not entered). BigEarthNet v2:
Reference_Maps/TILE/PATCH/PATCH_reference_map.tif, or such files anywhere; the patch is looked for in the image's name.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError

_PATCH = re.compile(r"S2[ABC]_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d{2}[A-Z]{3}_\d+_\d+")
_REFERENCE, _REFERENCE_MAPS = "_reference_map", "Reference_Maps"
_IMAGES = re.compile(r"(s1|s2)_.*images|s[12]|vv|vh|images|BigEarthNet-.*", re.IGNORECASE)
_GREY = ("1", "L", "P", "I", "I;16", "I;16B")
_MAX_PIXELS = 4096 * 4096


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Codes (HW uint16) of a legend, the archive's own name of the image, and the hash of the file they are in."""

    codes: NDArray[np.uint16]
    legend: str
    gsd_m: float
    source: str
    scene_id: str
    sha256: str


class LabelMaps:
    """The label maps below `root` for the images named in `wanted` (published paths). One walk; no map is held.

    Raises:
        DataError: no such folder.
    """

    def __init__(self, root: Path, wanted: Iterable[str]) -> None:
        if not root.is_dir():
            raise DataError("no such folder", file=root, fix="give the root of the label maps")
        self.root = root
        self._found: dict[str, list[Path]] = defaultdict(list)
        names = {PurePosixPath(path).stem for path in wanted}
        self._walk(names | {patch for name in names if (patch := patch_of(name))})

    @property
    def files(self) -> int:
        """Files that may be a wanted map."""
        return sum(map(len, self._found.values()))

    def find(self, path: str) -> LabelMap:
        """The label map of a published image.

        Raises:
            DataError: there is none, there are several that differ, or it is no label map; `reason` tells which.
        """
        stem = PurePosixPath(path).stem
        patch = patch_of(stem)
        references = self._found.get(f"{patch}{_REFERENCE}", []) if patch else []
        if references:
            return _one([_reference_map(file, str(patch)) for file in references], stem)
        maps = []
        faults = []
        for file in self._found.get(stem, []):
            try:
                maps.append(_worldcover(file, stem))
            except DataError as error:
                faults.append(error)
        if not maps and faults:
            raise faults[0]
        return _one(maps, stem)

    def _walk(self, names: set[str]) -> None:
        for folder, below, files in os.walk(self.root):
            here = Path(folder)
            if _REFERENCE_MAPS in below:
                self._look_up(here / _REFERENCE_MAPS, names)
            below[:] = sorted(name for name in below if name != _REFERENCE_MAPS and not _IMAGES.fullmatch(name))
            for file in sorted(files):
                stem, dot, ending = file.rpartition(".")
                if dot and ending.casefold() in ("png", "tif", "tiff") and stem.removesuffix(_REFERENCE) in names:
                    self._found[stem].append(here / file)

    def _look_up(self, folder: Path, names: set[str]) -> None:
        """Half a million folders are not walked: each wanted patch has its place."""
        for name in sorted(filter(_PATCH.fullmatch, names)):
            file = folder / name.rsplit("_", 2)[0] / name / f"{name}{_REFERENCE}.tif"
            if file.is_file():
                self._found[file.stem].append(file)


def patch_of(stem: str) -> str | None:
    """The BigEarthNet v2 patch that an image's name holds."""
    found = _PATCH.search(stem)
    return found[0] if found else None


def _one(maps: list[LabelMap], stem: str) -> LabelMap:
    if not maps:
        raise DataError("no label map", field="image.path", got=stem, reason="no_label_map")
    if any(not np.array_equal(entry.codes, maps[0].codes) for entry in maps):
        raise DataError("label maps that differ", field="image.path", got=stem, reason="two_label_maps")
    return maps[0]


def _reference_map(file: Path, patch: str) -> LabelMap:
    from terra_cot.geo.grid import grid_of
    from terra_cot.pixels.header import opened

    with opened(file) as dataset:
        _check_size(file, dataset.height, dataset.width)
        grid = grid_of(dataset)
        codes = dataset.read(1)
    return LabelMap(_codes(codes, file), "corine-19", grid.gsd_m, "bigearthnet", patch, _sha256(file))


def _worldcover(file: Path, stem: str) -> LabelMap:
    """A map without a place is ChatEarthNet's only in ChatEarthNet's size: its 10 m are known from nothing else."""
    from PIL import Image

    from terra_cot.sources.chatearthnet import GSD_M, SIZE_PX

    try:
        with Image.open(file, formats=("PNG", "TIFF")) as image:
            _check_size(file, image.height, image.width)
            if image.mode not in _GREY:
                raise DataError("a picture, no codes", file=file, got=image.mode, reason="label_map_not_codes")
            codes = np.asarray(image)
    except DataError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"unreadable ({error})", file=file, reason="unreadable_label_map") from None
    if codes.shape != (SIZE_PX, SIZE_PX):
        raise DataError(
            "not of ChatEarthNet's size",
            file=file,
            got=f"{codes.shape[0]} x {codes.shape[1]} px",
            expected=f"{SIZE_PX} x {SIZE_PX} px",
            reason="label_map_of_unknown_scale",
        )
    return LabelMap(_codes(codes, file), "worldcover", GSD_M, "chatearthnet", stem, _sha256(file))


def _check_size(file: Path, height: int, width: int) -> None:
    if height * width > _MAX_PIXELS:
        got = f"{height} x {width} px"
        raise DataError("too many pixels", file=file, got=got, reason="unreadable_label_map")


def _codes(codes: NDArray[np.generic], file: Path) -> NDArray[np.uint16]:
    if codes.dtype.kind not in "biu" or int(codes.min(initial=0)) < 0 or int(codes.max(initial=0)) > 65535:
        raise DataError("no class codes", file=file, got=str(codes.dtype), reason="label_map_not_codes")
    return codes.astype(np.uint16)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
