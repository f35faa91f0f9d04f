"""Masks as arrays, where a rule wants pixels: decoded, or laid on another grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terra_cot.mask import encode
from terrascope_bench.masks.packed import draw, unpack
from terrascope_bench.masks.runs import parse
from terrascope_bench.masks.scratch import Scratch
from terrascope_bench.prediction import PredictedMask


def decoded(size: tuple[int, int], counts: str) -> NDArray[np.bool_]:
    """Bool HW array of checked RLE text; in memory it lies column by column, as RLE does."""
    height, width = size
    scratch = Scratch()
    words = draw(parse([counts], height * width, scratch), height, width, scratch)
    return unpack(words[0], height).view(np.bool_).T


def resized(mask: PredictedMask, size: tuple[int, int]) -> PredictedMask:
    """The mask on a grid of `size` (height, width) px that covers the same ground: nearest neighbour.

    Pixel-centre convention: the centre of row r of h lies at (r + 0.5) / h of the image's height, and takes the value
    of the row of the old grid that this point falls in: floor((r + 0.5) * old / new), in whole numbers, so that no
    rounding depends on the machine. A point on the line between two old pixels falls in the later one.
    """
    if mask.size == size:
        return mask
    rows, columns = (
        ((2 * np.arange(new, dtype=np.int64) + 1) * old) // (2 * new) for old, new in zip(mask.size, size, strict=True)
    )
    turned = decoded(mask.size, mask.counts).T
    return PredictedMask(mask.frame, mask.label, size, encode(turned[columns[:, None], rows].T))
