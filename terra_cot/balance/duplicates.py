"""Near-duplicates: tiles whose pictures look the same, found by a perceptual hash of 256 bits.

The hash is pHash (Zauner 2010: signs of the low frequencies of a cosine transform), bit for bit as the library
ImageHash has it, on a 16 x 16 corner. Two pictures are near-duplicates when at most `bits` of the 256 differ. A picture
without contrast has no hash: open sea is not a copy of open sea.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SIDE = 16
BITS = SIDE * SIDE
NEAR_BITS = 10
"""So many bits two pictures may differ in and still be called copies, where nothing else is asked for."""

_FLAT = 2.0  # standard deviation in grey levels below which only noise would be hashed
_BLOCK = 512


def perceptual_hash(picture: NDArray[np.uint8]) -> str | None:
    """64 hexadecimal digits for a picture (HW3 uint8); None where it shows nothing."""
    import cv2
    from scipy.fft import dctn

    # The size from which the library takes the corner; its own way there takes five times as long.
    side = 4 * SIDE
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (side, side), interpolation=cv2.INTER_AREA)
    if float(grey.std()) < _FLAT:
        return None
    low = dctn(grey.astype(np.float64))[:SIDE, :SIDE]
    return np.packbits(low > np.median(low)).tobytes().hex()


def near_duplicates(hashes: NDArray[np.uint8], bits: int) -> NDArray[np.int64]:
    """For each row of `hashes` (N x 32 bytes) the kept earlier row it is a copy of, or -1 where it is kept.

    Rows are taken in order; a copy of a copy is kept unless it is near the kept one itself. Any two rows that differ in
    at most `bits` agree in one of bits + 1 bands (pigeonhole): only rows that share a band are compared. Memory holds
    the hashes, an index, and the pairs found.
    """
    original = np.full(len(hashes), -1, np.int64)
    if not len(hashes):
        return original
    # Equal rows are one row: a thousand copies must not make half a million pairs.
    _, first, equal = np.unique(hashes, axis=0, return_index=True, return_inverse=True)
    distinct = np.sort(first)
    for late, early in distinct[_pairs(hashes[distinct], bits)]:  # by the later row, then by the earlier
        if original[late] < 0 and original[early] < 0:
            original[late] = early
    model = first[equal.ravel()]
    copies = np.flatnonzero(model != np.arange(len(hashes)))
    original[copies] = np.where(original[model[copies]] < 0, model[copies], original[model[copies]])
    return original


def _pairs(hashes: NDArray[np.uint8], bits: int) -> NDArray[np.int64]:
    """(late, early) of all rows at most `bits` apart, sorted."""
    found: list[NDArray[np.int64]] = []
    spread = np.unpackbits(hashes, axis=1)
    edges = np.linspace(0, BITS, bits + 2).astype(int)
    for low, high in pairwise(edges):
        key = np.packbits(spread[:, low:high], axis=1)
        _, band = np.unique(key.view([("", key.dtype)] * key.shape[1]).ravel(), return_inverse=True)
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.diff(band[order], prepend=-1))
        for start, end in zip(starts, np.append(starts[1:], len(order)), strict=True):
            if end - start > 1:
                found += _near(hashes, order[start:end], bits)
    if not found:
        return np.empty((0, 2), np.int64)
    return np.unique(np.concatenate(found), axis=0)


def _near(hashes: NDArray[np.uint8], rows: NDArray[np.int64], bits: int) -> list[NDArray[np.int64]]:
    """Pairs within one band, block by block: many equal rows must not need a square of memory."""
    found = []
    for start in range(0, len(rows), _BLOCK):
        late = rows[start : start + _BLOCK]
        for begin in range(0, start + 1, _BLOCK):
            early = rows[begin : begin + _BLOCK]
            apart = np.bitwise_count(hashes[late][:, None, :] ^ hashes[early][None, :, :]).sum(axis=2)
            one, two = np.nonzero((apart <= bits) & (late[:, None] > early[None, :]))
            if len(one):
                found.append(np.stack([late[one], early[two]], axis=1))
    return found
