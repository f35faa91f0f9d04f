"""The rim of a mask is what an erosion by d pixels takes off; the border of the image is outside every mask.

Boundary IoU (Cheng et al., CVPR 2021, equation 3) compares rims: d = 2 % of the diagonal, at least 1, and the erosion
is by a square of 2 d + 1. A square is a row and a column; a column of n is two overlapping columns of n / 2, so a few
ANDs of shifted copies do, whatever d.
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


def eroded(words: Words, height: int, distance: int, scratch: Scratch) -> Words:
    """Inner pixels of masks (masks, width, words): (masks, width - 2 distance, words), as nothing else can be inner.

    It lives until the next batch.
    """
    masks, width, per_column = words.shape
    side = 2 * distance + 1
    if min(height, width) < side:
        return np.zeros((masks, 0, per_column), np.uint64)
    current, length, turn = words, 1, 0
    while length < side:
        step = min(length, side - length)
        left = current.shape[1] - step
        target = scratch.array(f"rows {turn}", masks * left * per_column, np.uint64).reshape(masks, left, per_column)
        current = np.bitwise_and(current[:, :left], current[:, step:], out=target)
        length += step
        turn = 1 - turn
    _narrow(current, height, distance, scratch)
    return current


def _narrow(words: Words, height: int, distance: int, scratch: Scratch) -> None:
    """Each pixel AND its `distance` neighbours above and below in the column, in place."""
    flat = words.reshape(-1)
    shifted = scratch.array("shifted", flat.size, np.uint64)
    carry = scratch.array("carry", flat.size, np.uint64)
    length = 1
    while length <= distance:
        step = min(length, distance + 1 - length)
        flat &= _towards_start(flat, step, shifted, carry)
        length += step
    # The shifts went over the ends of columns: a pixel from whose place the column has no more than `distance` left
    # has seen the next one. Cleared, it also lets nothing over when the shift goes back.
    whole, bits = divmod(height - distance, 64)
    words[:, :, whole] &= np.uint64((1 << bits) - 1)
    words[:, :, whole + 1 :] = 0
    flat &= _towards_end(flat, distance, shifted, carry)


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


def rim_counts(
    words: Words, areas: NDArray[np.int64], height: int, distance: int, scratch: Scratch
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of masks two by two: pixels of both, of both rims, of either rim.

    No rim is drawn. What both rims hold is what both masks hold and neither has inside.
    """
    first, second = words[::2], words[1::2]
    shared = np.bitwise_and(first, second, out=scratch.array("shared", first.size, np.uint64).reshape(first.shape))
    both = counts(shared, scratch)
    inner = eroded(words, height, distance, scratch)
    rim = areas - counts(inner, scratch)
    if not inner.shape[1]:
        return both, both, rim[::2] + rim[1::2] - both
    any_inner = scratch.array("shifted", inner.size // 2, np.uint64).reshape(-1, *inner.shape[1:])
    np.bitwise_or(inner[::2], inner[1::2], out=any_inner)
    any_inner &= shared[:, distance : words.shape[1] - distance]
    rim_both = both - counts(any_inner, scratch)
    return both, rim_both, rim[::2] + rim[1::2] - rim_both


def boundary(mask: BoolMask, ratio: float = BOUNDARY_RATIO) -> BoolMask:
    """Pixels of a bool HW mask within d (Chebyshev) of its outside, d = `ratio` of the diagonal in pixels."""
    height, width = mask.shape
    distance = reach(height, width, ratio)
    inner = eroded(pack(mask), height, distance, Scratch())[0]
    rim = mask.copy()
    if inner.size:
        rim[:, distance : width - distance] &= unpack(inner, height).T == 0
    return rim


def boundary_iou(truth: BoolMask, predicted: BoolMask, ratio: float = BOUNDARY_RATIO) -> float:
    """Boundary IoU of two bool HW masks; 1.0 where both are empty."""
    words, scratch = np.concatenate([pack(truth), pack(predicted)]), Scratch()
    height, width = truth.shape
    _, both, either = rim_counts(words, counts(words, scratch), height, reach(height, width, ratio), scratch)
    return 1.0 if either[0] == 0 else int(both[0]) / int(either[0])
