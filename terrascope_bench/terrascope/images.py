"""Pictures become what the encoders were trained on: three channels, square, ImageNet mean and deviation.

SAR is shown as VV, VH and their mean (Sec. 4). The display picture of a SAR frame carries VV and VH in its first two
channels; what the third one carries is not relied on.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from terra_cot.errors import DataError
from terrascope_bench.terrascope.tiling import WHOLE, Tiling, tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One image of a question: `pixels` uint8 (3, H, W) as displayed, the date it shows and its modality."""

    frame: str
    modality: str
    pixels: torch.Tensor

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[2])


def read_picture(data: bytes) -> torch.Tensor:
    """uint8 (3, H, W) of an encoded picture."""
    try:
        with Image.open(BytesIO(data)) as image:
            array: NDArray[np.uint8] = np.ascontiguousarray(np.moveaxis(np.asarray(image.convert("RGB")), -1, 0))
    except OSError as error:
        raise DataError(f"not a picture ({error})", field="image") from None
    return torch.from_numpy(array.copy())


def channels(image: Shown, height: int, width: int) -> Any:
    """Float (3, height, width) from 0 to 1: as displayed, or VV, VH and their mean."""
    pixels = _resized(image.pixels, height, width).float() / 255.0
    if image.modality != "sar":
        return pixels
    return torch.stack((pixels[0], pixels[1], (pixels[0] + pixels[1]) / 2))


def cut(images: list[Shown], tile_px: int, tiles_max: int) -> list[Tiling]:
    """The tiling of each image of one question: only a lone image is cut (Sec. 4)."""
    if len(images) > 1:
        return [WHOLE] * len(images)
    return [tiling(*image.size, tile_px, tiles_max) for image in images]


def tower_input(image: Shown, tiles: Tiling, tile_px: int) -> Any:
    """Float (tiles.images, 3, tile_px, tile_px): the tiles in reading order, then the thumbnail."""
    whole = channels(image, tiles.rows * tile_px, tiles.columns * tile_px)
    # (3, rows * P, columns * P) -> (3, rows, P, columns, P) -> (rows, columns, 3, P, P) -> (tiles, 3, P, P)
    grid = whole.reshape(3, tiles.rows, tile_px, tiles.columns, tile_px)
    pieces = grid.permute(1, 3, 0, 2, 4).reshape(-1, 3, tile_px, tile_px)
    if tiles.thumbnail:
        pieces = torch.cat((pieces, channels(image, tile_px, tile_px)[None]))
    return _normalised(pieces)


def mask_input(image: Shown, side_px: int, most: int = 1) -> Any:
    """Float (n * n, 3, side_px, side_px): the image, its shape not kept, in n x n windows in reading order.

    One window is all that SAM-2 is fed. Of an image larger than that, up to `most` windows a side keep the pixels.
    """
    n = min(most, -(-max(image.size) // side_px))
    whole = channels(image, n * side_px, n * side_px)
    # (3, n * S, n * S) -> (3, n, S, n, S) -> (n, n, 3, S, S) -> (n * n, 3, S, S)
    pieces = whole.reshape(3, n, side_px, n, side_px).permute(1, 3, 0, 2, 4)
    return _normalised(pieces.reshape(n * n, 3, side_px, side_px))


def shrinkage(size: tuple[int, ...], side_px: int, most: int) -> int:
    """How many pixels of an image, along each side, make one that the mask encoder sees in `most` windows a side."""
    return max(1, -(-max(size) // (most * side_px)))


def shrunk(image: Shown, times: int) -> Shown:
    """The image as many times smaller: what `mask_input` makes of an image that has more pixels than it can show."""
    if times == 1:
        return image
    height, width = image.size[0] // times, image.size[1] // times
    return Shown(image.frame, image.modality, _resized(image.pixels, height, width))


def _resized(pixels: Any, height: int, width: int) -> Any:
    """uint8 (3, H, W) to (3, height, width), bicubic and antialiased, as Pillow does it: in bytes, which is fast."""
    if tuple(pixels.shape[1:]) == (height, width):
        return pixels
    scaled = functional.interpolate(
        pixels[None], size=(height, width), mode="bicubic", align_corners=False, antialias=True
    )
    return scaled[0]


def _normalised(pixels: Any) -> Any:
    """(N, 3, H, W) with ImageNet's mean and deviation taken out."""
    mean = torch.tensor(MEAN).view(1, 3, 1, 1)
    std = torch.tensor(STD).view(1, 3, 1, 1)
    return (pixels - mean) / std
