"""Masks are bits in 64-bit words, column after column, so that one instruction compares 64 pixels.

A column begins on a word, its first pixel in the lowest bit; what its last word has left over is zero.

From runs to bits: a run of foreground from a to b is 2^b - 2^a. Each word sums the 2^b and -2^a that fall in it, modulo
2^64, and lends 1 where a run was open at its start; where runs of no length stand, they cancel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.masks.runs import Runs
from terrascope_bench.masks.scratch import Scratch

Words = NDArray[np.uint64]


def words_per_column(height: int) -> int:
    return -(-height // 64)


def draw(runs: Runs, height: int, width: int, scratch: Scratch) -> Words:
    """The masks of a batch, (masks, width, words); it lives until the next batch."""
    masks, per_column = runs.first.size - 1, words_per_column(height)
    total = masks * width * per_column
    word, bit = _places(runs.ends, height, per_column, scratch)
    value = np.left_shift(runs.turn, bit, out=bit)
    # One more for the end of the last mask, which is the start of none.
    sums = scratch.array("sums", total + 1, np.int64)
    sums[:] = 0
    np.add.at(sums, word, value)
    opened = scratch.array("opened", total + 1, np.int64)
    opened[:] = 0
    np.add.at(opened, word, runs.turn)
    np.cumsum(opened, out=opened)  # -1 where a run is open at the end of the word
    sums[1:] += opened[:-1]
    words: Words = sums[:total].view(np.uint64).reshape(masks, width, per_column)
    if height % 64:
        words[:, :, -1] &= np.uint64((1 << (height % 64)) - 1)
    return words


def _places(
    ends: NDArray[np.int64], height: int, per_column: int, scratch: Scratch
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Word and bit of each pixel number."""
    word = scratch.array("word", ends.size, np.int64)
    bit = scratch.array("bit", ends.size, np.int64)
    if height % 64:
        column = np.floor_divide(ends, height, out=word)
        np.subtract(ends, np.multiply(column, height, out=bit), out=bit)
        word *= per_column
        word += np.right_shift(bit, 6, out=scratch.array("spare", ends.size, np.int64))
        bit &= 63
    else:
        np.right_shift(ends, 6, out=word)
        np.bitwise_and(ends, 63, out=bit)
    return word, bit


def pack(mask: NDArray[np.bool_]) -> Words:
    """Words (1, width, words) of a bool HW array."""
    height, width = mask.shape
    per_column = words_per_column(height)
    padded = np.zeros((width, per_column * 64), np.bool_)
    padded[:, :height] = mask.T
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64).reshape(1, width, per_column)


def unpack(words: Words, height: int) -> NDArray[np.uint8]:
    """0/1 of one mask (width, words), turned over its diagonal: (width, height)."""
    little = np.ascontiguousarray(words).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(little, axis=1, count=height, bitorder="little")


def counts(words: Words, scratch: Scratch) -> NDArray[np.int64]:
    """Pixels set in each mask."""
    ones = np.bitwise_count(words, out=scratch.array("ones", words.size, np.uint8).reshape(words.shape))
    out: NDArray[np.int64] = np.add.reduce(ones.reshape(words.shape[0], -1), axis=1, dtype=np.uint32).astype(np.int64)
    return out
