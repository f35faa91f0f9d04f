"""Masks are bits in 64-bit words, column after column, so that one instruction compares 64 pixels.

A column begins on a word, its first pixel in the lowest bit, and is followed by at least `gap` zero bits: shifting the
whole array by up to `gap` bits then moves every column of every mask at once and mixes none.

From runs to bits: a run of foreground from a to b is 2^b - 2^a. Each word sums the 2^b and -2^a that fall in it, modulo
2^64, and lends 1 where a run was open at its start; where runs of no length stand, they cancel.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.masks.runs import Runs
from terrascope_bench.masks.scratch import Scratch

Words = NDArray[np.uint64]


def words_per_column(height: int, gap: int) -> int:
    return -(-(height + gap) // 64)


def draw(runs: Runs, height: int, width: int, gap: int, scratch: Scratch) -> Words:
    """The masks of a batch, (masks, width, words); it lives until the next batch."""
    per_column = words_per_column(height, gap)
    masks, total = runs.first.size - 1, (runs.first.size - 1) * width * per_column
    size = runs.ends.size
    column = np.floor_divide(runs.ends, height, out=scratch.array("column", size, np.int64))
    bit = np.multiply(column, height, out=scratch.array("bit", size, np.int64))
    np.subtract(runs.ends, bit, out=bit)
    word = np.multiply(column, per_column, out=column)
    word += np.right_shift(bit, 6, out=scratch.array("spare", size, np.int64))
    bit &= 63
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
    whole, rest = divmod(height, 64)
    if rest:
        words[:, :, whole] &= np.uint64((1 << rest) - 1)
    words[:, :, whole + (rest > 0) :] = 0
    return words


def pack(mask: NDArray[np.bool_], gap: int) -> Words:
    """Words (1, width, words) of a bool HW array."""
    height, width = mask.shape
    per_column = words_per_column(height, gap)
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
