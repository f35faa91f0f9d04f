"""The rim of a mask is what an erosion by d pixels takes off; the border of the image is outside every mask.

Boundary IoU (Cheng et al., CVPR 2021, equation 3) compares rims: d = 2 % of the diagonal, at least 1, and the erosion
is by a square of 2 d + 1. A square is a row and a column; a column of n is two overlapping columns of n / 2, so a few ANDs
of shifted copies do, whatever d.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.masks.packed import Words, counts, pack, unpack
from terrascope_bench.masks.scratch import Scratch

BOUNDARY_RATIO = 0.02
BoolMask = NDArray[np.bool_]


def reach(height: int, width: int, ratio: float = BOUNDARY_RATIO) -> int:
    """d in pixels."""
    return max(1, round(ratio * float(np.hypot(height, width))))


def rims(words: Words, distance: int, scratch: Scratch) -> Words:
    """Rims of masks (masks, width, words) whose columns lie at least `distance` bits apart; lives until the next batch."""
    width, side = words.shape[1], 2 * distance + 1
    out = scratch.array("rims", words.size, np.uint64).reshape(words.shape)
    if width < side:
        out[:] = words
        return out
    inner = _narrow(_rows(words, side, scratch), distance, scratch)
    out[:, :distance] = words[:, :distance]
    out[:, width - distance :] = words[:, width - distance :]
    middle = slice(distance, width - distance)
    np.bitwise_xor(words[:, middle], inner, out=out[:, middle])
    return out


def _rows(words: Words, side: int, scratch: Scratch) -> Words:
    """AND of each `side` neighbouring columns: (masks, width - side + 1, words)."""
    masks, width, per_column = words.shape
    current, length, turn = words, 1, 0
    while length < side:
        step = min(length, side - length)
        left = current.shape[1] - step
        target = scratch.array(f"rows {turn}", masks * left * per_column, np.uint64).reshape(masks, left, per_column)
        current = np.bitwise_and(current[:, :left], current[:, step:], out=target)
        length += step
        turn = 1 - turn
    return current


def _narrow(words: Words, distance: int, scratch: Scratch) -> Words:
    """Each pixel AND its `distance` neighbours above and below in the column, in place."""
    flat = words.reshape(-1)
    shifted = scratch.array("shifted", flat.size, np.uint64)
    carry = scratch.array("carry", flat.size, np.uint64)
    length = 1
    while length <= distance:
        step = min(length, distance + 1 - length)
        flat &= _towards_start(flat, step, shifted, carry)
        length += step
    flat &= _towards_end(flat, distance, shifted, carry)
    return words


def _towards_start(flat: Words, by: int, out: Words, carry: Words) -> Words:
    """Every pixel takes the value of the one `by` further on."""
    whole, bits = divmod(by, 64)
    left = flat.size - whole
    np.right_shift(flat[whole:], np.uint64(bits), out=out[:left])
    out[left:] = 0
    if bits and left > 1:
        out[: left - 1] |= np.left_shift(flat[whole + 1 :], np.uint64(64 - bits), out=carry[: left - 1])
    return out


def _towards_end(flat: Words, by: int, out: Words, carry: Words) -> Words:
    """Every pixel takes the value of the one `by` before."""
    whole, bits = divmod(by, 64)
    left = flat.size - whole
    np.left_shift(flat[:left], np.uint64(bits), out=out[whole:])
    out[:whole] = 0
    if bits and left > 1:
        out[whole + 1 :] |= np.right_shift(flat[: left - 1], np.uint64(64 - bits), out=carry[: left - 1])
    return out


def boundary(mask: BoolMask, ratio: float = BOUNDARY_RATIO) -> BoolMask:
    """Pixels of a bool HW mask within d (Chebyshev) of its outside, d = `ratio` of the diagonal in pixels."""
    distance = reach(*mask.shape, ratio)
    rim = rims(pack(mask, distance), distance, Scratch())[0]
    return np.ascontiguousarray(unpack(rim, mask.shape[0]).T).view(np.bool_)


def boundary_iou(truth: BoolMask, predicted: BoolMask, ratio: float = BOUNDARY_RATIO) -> float:
    """Boundary IoU of two bool HW masks; 1.0 where both are empty."""
    distance = reach(*truth.shape, ratio)
    scratch = Scratch()
    both = rims(np.concatenate([pack(truth, distance), pack(predicted, distance)]), distance, scratch)
    shared = int(counts(both[:1] & both[1:], scratch)[0])
    either = int(counts(both, scratch).sum()) - shared
    return 1.0 if either == 0 else shared / either
