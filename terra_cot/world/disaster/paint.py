"""Painting is blending a colour through a soft-edged mask."""

import cv2
import numpy as np
from numpy.typing import NDArray

from terra_cot.world.disaster.layout import Points
from terra_cot.world.noise import F32, U8

_FINE = 4


def fill(
    canvas: F32,
    outline: Points,
    colour: F32 | Points | tuple[float, ...],
    opacity: float = 1.0,
    texture: F32 | None = None,
) -> None:
    """Blend a colour (RGB 0..255) into a polygon of the H x W x 3 canvas; an H x W `texture` multiplies it."""
    where, alpha = coverage(canvas.shape[:2], outline)
    if where is None:
        return
    alpha = alpha[..., None] * np.float32(opacity)
    fresh = np.asarray(colour, np.float32)
    if texture is not None:
        fresh = fresh * texture[where][..., None]
    canvas[where] = canvas[where] * (1 - alpha) + fresh * alpha


def coverage(shape: tuple[int, ...], outline: Points) -> tuple[tuple[slice, slice] | None, F32]:
    """Return the box of a polygon within the image and the share of each of its pixels inside the polygon."""
    low: NDArray[np.int64] = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 2, [shape[1], shape[0]])
    if (high <= low).any():
        return None, np.zeros((0, 0), np.float32)
    fine = 1 if (high - low).max() > 400 else _FINE
    rows, columns = int(high[1] - low[1]), int(high[0] - low[0])
    mask: U8 = np.zeros((rows * fine, columns * fine), np.uint8)
    corners = np.round((outline - low) * fine * 16 - 8).astype(np.int32)
    cv2.fillPoly(mask, [corners], 255, cv2.LINE_8, 4)
    if fine > 1:
        mask = np.asarray(cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))), (mask * np.float32(1 / 255)).astype(
        np.float32
    )


def stroke(mask: NDArray[np.uint8], line: Points, width: float) -> None:
    """Draw a line `width` pixels wide into an H x W uint8 mask, with a soft edge."""
    cv2.polylines(mask, [np.round(line * 16).astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
