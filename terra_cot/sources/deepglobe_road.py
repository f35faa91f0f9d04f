"""DeepGlobe Road Extraction as published: train/ID_sat.jpg with train/ID_mask.png; valid/ and test/ without masks.

Images are 1024 x 1024 pixels of 0.5 m, RGB, without a place or a date; a mask is white on black, made binary at 128.
Where this is known from: the challenge's data page (CodaLab 18467, restated by readers of the set; Demir et al. 2018)
for names, sizes and the threshold; programs that read the unpacked archive for its folders, and for masks of three
equal bands (grey is read too). Not told: whether 128 itself is road (here it is), and a licence by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.listing import Entry, Place
from terra_cot.pixels.header import picture
from terra_cot.scene import Asset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.tile import Split

GSD_M, ROAD_FROM = 0.5, 128
LICENCE = "DeepGlobe terms of use"
_SPLITS = {"train": "train", "valid": "validation", "test": "test"}


class DeepGlobeRoadOptions(Options):
    """`splits`: the publisher has masks in train only."""

    splits: tuple[Split, ...] = ("train",)
    licence: str = LICENCE


def scan(root: Path, options: DeepGlobeRoadOptions) -> Iterator[Entry]:
    """One place an image, by split and name."""
    if not any(next((root / folder).glob("*_sat.jpg"), None) for folder in _SPLITS):
        raise DataError("not a DeepGlobe road archive", file=root, expected="train/ID_sat.jpg and train/ID_mask.png")
    for folder, split in _SPLITS.items():
        images = {path.name.removesuffix("_sat.jpg"): path for path in (root / folder).glob("*_sat.jpg")}
        masks = {path.name.removesuffix("_mask.png"): path for path in (root / folder).glob("*_mask.png")}
        for name in sorted({*images, *masks}):
            if split not in options.splits:
                yield Drop("scene", name, "split_not_asked", split)
            elif name not in images:
                yield Drop("scene", name, "missing_image", f"{folder}/{name}_mask.png has no {name}_sat.jpg")
            elif name not in masks and split == "train":
                yield Drop("scene", name, "missing_mask", f"{folder}/{name}_sat.jpg has no {name}_mask.png")
            else:
                image, mask = images[name], masks.get(name)
                describe = partial(_described, root, name, image, mask, split, options.licence)
                yield Place(name, (image, mask) if mask else (image,), describe, (split,))


def _described(
    root: Path, name: str, image: Path, mask: Path | None, split: str, licence: str
) -> Iterator[Scene | Drop]:
    try:
        yield _scene(root, name, image, mask, split, licence)
    except DataError as error:
        yield Drop.of("scene", name, error)


def _scene(root: Path, name: str, image: Path, mask: Path | None, split: str, licence: str) -> Scene:
    header = picture(image)
    if header.mode != "RGB":
        raise DataError("not an RGB image", file=image, got=header.mode, reason="wrong_bands")
    if mask and picture(mask).shape != header.shape:
        raise DataError(
            "the mask is not of its image's size",
            file=mask,
            got=picture(mask).shape,
            expected=header.shape,
            reason="wrong_size",
        )
    return Scene(
        scene_id=name,
        source="deepglobe-road",
        root=str(root),
        frames=(SceneFrame("t0", None, "optical", (Asset(image.relative_to(root).as_posix(), ("R", "G", "B")),)),),
        grid=Grid(None, Affine.scale(GSD_M, -GSD_M), header.height, header.width, GSD_M),
        label=LabelAsset(mask.relative_to(root).as_posix(), "deepglobe-road", "road-mask") if mask else None,
        label_frame="t0" if mask else None,
        licence=licence,
        split=split,
        whole=True,
    )


def road_codes(pixels: NDArray[Any], path: Path) -> NDArray[np.uint16]:
    """HW uint16 codes (0 background, 1 road) of a mask (CHW uint8).

    Raises:
        DataError: a picture in colours, such as a mask of DeepGlobe's land-cover set, or not of 8 bits.
    """
    if pixels.dtype != np.uint8 or len(pixels) not in (1, 3) or (pixels != pixels[0]).any():
        raise DataError(
            "not a mask in white on black",
            file=path,
            got=f"{len(pixels)} bands of {pixels.dtype}",
            expected="8-bit grey, or RGB with equal bands",
            reason="bad_label_map",
        )
    codes: NDArray[np.uint16] = (pixels[0] >= ROAD_FROM).astype(np.uint16)
    return codes


SOURCE = Source("deepglobe-road", "DeepGlobe road", LICENCE, DeepGlobeRoadOptions, scan)
