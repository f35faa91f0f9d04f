"""Opening and dilation see a 3x3 window, and outside the image is never the class."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def open_padded(flat: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """Padded flat map with every class opened, all in one pass.

    A pixel survives the erosion of its class if its 3x3 window holds one label (minimum = maximum), and the frame of
    void fails that at the border. Dilating back cannot clash: the whole window of a survivor is its own class.
    """
    low, high = _window(np.minimum, flat, stride), _window(np.maximum, flat, stride)
    low *= low == high
    core = np.zeros_like(flat)
    core[stride + 1 : -stride - 1] = low
    out = np.zeros_like(flat)
    out[stride + 1 : -stride - 1] = _window(np.maximum, core, stride)
    return out


def _window(extreme: np.ufunc, flat: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """Minimum or maximum over the 3x3 window of every position from the first inner pixel to the last."""
    row = extreme(flat[:-2], flat[2:])
    extreme(row, flat[1:-1], out=row)
    out: NDArray[np.uint8] = extreme(row[: -2 * stride], row[2 * stride :])
    extreme(out, row[stride:-stride], out=out)
    return out


def dilated(bits: NDArray[Any], step: int, *, cross: bool = False) -> NDArray[Any]:
    """HW bit sets, any unsigned integer, each joined (or) with the sets `step` pixels away in eight directions.

    Sets that hold all within r pixels (Chebyshev) come to hold all within r + step, if step <= 2 r + 1. `cross` leaves
    out the diagonals.
    """
    row = bits.copy()
    row[:, step:] |= bits[:, :-step]
    row[:, :-step] |= bits[:, step:]
    source = bits if cross else row
    out = row.copy()
    out[step:] |= source[:-step]
    out[:-step] |= source[step:]
    return out
