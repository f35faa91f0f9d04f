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
MAPPING_UNIT_PX = 80  # 0.8 ha


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
    top, kernel_y = _kernel(start_y_px, blur_px, stride)
    left, kernel_x = _kernel(start_x_px, blur_px, stride)
    reach = len(kernel_y) // 2
    span = stride * (rows - 1) + 1 + 2 * reach
    part = field[top - reach : top - reach + span, left - reach : left - reach + span]
    seen = cv2.sepFilter2D(part, cv2.CV_32F, kernel_x, kernel_y)
    own = slice(reach, span - reach, stride)
    return np.ascontiguousarray(seen[own, own])


def _kernel(start_px: float, blur_px: float, stride: int) -> tuple[int, F32]:
    """Return the cell nearest the centre of the first pixel, and a Gaussian centred where the pixel really is."""
    centre = (MARGIN_PX + start_px) * _CELLS + stride / 2 - 0.5
    whole = round(centre)
    reach = int(np.ceil(3.2 * blur_px * _CELLS)) + 1
    taps = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * ((taps - (centre - whole)) / (blur_px * _CELLS)) ** 2)
    return whole, (weights / weights.sum()).astype(np.float32)


def observe_labels(cover: U8, size_px: int) -> U8:
    """Return the class that fills most of each 10 m pixel, HW uint8.

    Patches under the minimum mapping unit join their surroundings, as in any published land-cover map.
    """
    shares = np.stack([observe((cover == code).astype(np.float32), size_px, 0.0, 0.0, blur_px=0.7) for code in CLASSES])
    codes = np.array(CLASSES, np.uint8)
    labels = codes[np.argmax(shares, axis=0)]
    wide = np.stack([cv2.GaussianBlur(share, (0, 0), 2.5) for share in shares])
    for number, code in enumerate(CLASSES):
        _, parts, stats, _ = cv2.connectedComponentsWithStats((labels == code).astype(np.uint8), connectivity=8)
        crumbs = stats[:, cv2.CC_STAT_AREA] < MAPPING_UNIT_PX
        crumbs[0] = False
        lost = crumbs[parts]
        others = wide[:, lost]
        others[number] = -1.0
        labels[lost] = codes[np.argmax(others, axis=0)]
    return np.asarray(labels, dtype=np.uint8)


def observe_mask(mask: F32, size_px: int) -> U8:
    """Return 1 where the drawn mask fills most of the 10 m pixel, HW uint8."""
    return (observe(mask, size_px, 0.0, 0.0, blur_px=0.7) > 0.5).astype(np.uint8)
