"""A sensor sees the landscape through its point spread, sampled where its own grid lies.

The misregistration is put into the centre of the point spread itself, so the shifted
image is a true band-limited shift of the landscape, not an interpolation of pixels.
"""

import cv2
import numpy as np

from terra_cot.world.config import CELL_M, MARGIN_PX, PIXEL_M
from terra_cot.world.materials import CLASSES
from terra_cot.world.noise import F32, U8

_CELLS = int(PIXEL_M / CELL_M)


def observe(field: F32, rows: int, start_y_px: float, start_x_px: float, blur_px: float = 0.42, step: int = 1) -> F32:
    """Return the landscape seen on a grid of 10 m x step pixels.

    Args:
        field: Drawn cells, HW float32, `MARGIN_PX` pixels wider than the optical grid on each side.
        rows: Side of the output.
        start_y_px: Row of the outer corner of the output, in 10 m pixels of the optical grid.
        start_x_px: Column of the same corner.
        blur_px: Standard deviation of the point spread, in 10 m pixels.
        step: Output pixel, in 10 m pixels.

    Returns:
        rows x rows float32.
    """
    stride = _CELLS * step
    seen = _along_rows(field, rows, start_y_px, blur_px, stride)
    across = _along_rows(np.ascontiguousarray(seen.T), rows, start_x_px, blur_px, stride)
    return np.ascontiguousarray(across.T)


def _along_rows(field: F32, rows: int, start_px: float, blur_px: float, stride: int) -> F32:
    centre = (MARGIN_PX + start_px) * _CELLS + stride / 2 - 0.5
    whole = int(np.floor(centre))
    taps = np.arange(-_reach(blur_px), _reach(blur_px) + 2)
    weights = np.exp(-0.5 * ((taps - (centre - whole)) / (blur_px * _CELLS)) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    seen = np.zeros((rows, field.shape[1]), np.float32)
    for tap, weight in zip(taps, weights, strict=True):
        first = whole + int(tap)
        seen += weight * field[first : first + stride * (rows - 1) + 1 : stride]
    return seen


def _reach(blur_px: float) -> int:
    return int(np.ceil(3.2 * blur_px * _CELLS))


def observe_labels(cover: U8, size_px: int) -> U8:
    """Return the class that fills most of each 10 m pixel, HW uint8, with crumbs merged into their surroundings."""
    shares = np.stack(
        [observe((cover == code).astype(np.float32), size_px, 0.0, 0.0, blur_px=0.7) for code in CLASSES]
    )
    codes = np.array(CLASSES, np.uint8)
    labels = codes[np.argmax(shares, axis=0)]
    wide = np.stack([cv2.GaussianBlur(share, (0, 0), 2.5) for share in shares])
    for number, code in enumerate(CLASSES):
        _, parts, stats, _ = cv2.connectedComponentsWithStats((labels == code).astype(np.uint8), connectivity=8)
        crumbs = stats[:, cv2.CC_STAT_AREA] < 9
        crumbs[0] = False
        lost = crumbs[parts]
        others = wide[:, lost]
        others[number] = -1.0
        labels[lost] = codes[np.argmax(others, axis=0)]
    return np.asarray(labels, dtype=np.uint8)


def observe_mask(mask: F32, size_px: int) -> U8:
    """Return 1 where the drawn mask fills most of the 10 m pixel, HW uint8."""
    return (observe(mask, size_px, 0.0, 0.0, blur_px=0.7) > 0.5).astype(np.uint8)
