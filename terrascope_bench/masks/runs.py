"""Many RLE texts are parsed at once, and a batch is good only if each text in it would have passed alone.

The format is in the header of `terra_cot.mask`. A batch is a few passes of numpy over the joined texts: numbers of one
or two characters (nearly all) by one formula everywhere, longer ones where they stand; run lengths by two running sums,
one over every second run, that go on from mask to mask and are set back by what they held at its start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError
from terra_cot.mask import check_counts
from terrascope_bench.masks.scratch import Scratch

_MORE = 48 + 0x20  # characters from here on say that the number goes on
_HIGHEST = 48 + 0x3F
_GROUPS_MAX = 7
_BATCH_CHARS = 1 << 16
"""Characters a batch: its arrays of 64-bit numbers stay in the second-level cache."""

Sized = tuple[tuple[int, int], str]
"""((height, width), counts) of a mask."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of a batch of masks of equal size.

    `ends` (runs,) int64: where each run ends, in pixels from the start of the first mask; masks follow each other.
    `first` (masks + 1,): number of each mask's first run. `turn` (runs,): -1 where foreground begins, 1 where it ends,
    0 at the end of a mask that ends with background. The arrays live until the next batch.
    """

    ends: NDArray[np.int64]
    first: NDArray[np.int64]
    turn: NDArray[np.int64]

    def areas(self, scratch: Scratch) -> NDArray[np.int64]:
        """Foreground pixels of each mask."""
        signed = np.multiply(self.ends, self.turn, out=scratch.array("spare", self.ends.size, np.int64))
        out: NDArray[np.int64] = np.add.reduceat(signed, self.first[:-1])
        return out


def parse(texts: Sequence[str], pixels: int, scratch: Scratch) -> Runs:
    """Runs of texts that each fill `pixels` pixels.

    Raises:
        ValueError: one of the texts (it is not said which) is no RLE of `pixels` pixels.
    """
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    stops = np.cumsum(lengths)
    chars = np.frombuffer("".join(texts).encode("ascii"), np.uint8)  # UnicodeEncodeError is a ValueError
    if lengths.max() > _GROUPS_MAX * (pixels + 1):
        raise ValueError("RLE text is longer than its image allows")
    if lengths.min() < 1 or chars.min() < 48 or chars.max() > _HIGHEST:
        raise ValueError("empty text, or a character that RLE text cannot hold")
    ending = np.less(chars, _MORE, out=scratch.array("ending", chars.size, np.bool_))
    if not ending[stops - 1].all():
        raise ValueError("RLE text ends inside a number")
    last_chars = np.flatnonzero(ending)
    numbers = _numbers(chars, ending, last_chars, scratch)
    first = np.zeros(len(texts) + 1, np.int64)
    first[1:] = np.searchsorted(last_chars, stops - 1) + 1
    lengths = _run_lengths(numbers, first, scratch)
    if lengths.min() < 0 or lengths.max() > pixels:
        raise ValueError("a run length below zero or above the image")
    ends = np.cumsum(lengths, out=lengths)
    if (ends[first[1:] - 1] != np.arange(1, first.size) * pixels).any():
        raise ValueError("RLE runs do not fill the mask")
    return Runs(ends, first, _turns(first))


def _numbers(
    chars: NDArray[np.uint8], ending: NDArray[np.bool_], last_chars: NDArray[np.int64], scratch: Scratch
) -> NDArray[np.int64]:
    """The number that ends at each of `last_chars`: five bits a character, the last one signed."""
    short = scratch.array("short", chars.size, np.int16)
    np.bitwise_and(chars, 31, out=short)
    short -= 16  # the sign bit of the last group: (bits ^ 16) - 16, and 48 has turned bit 16 already
    goes_on = np.logical_not(ending[:-1], out=scratch.array("goes_on", chars.size - 1, np.bool_))
    factor = scratch.array("factor", chars.size - 1, np.int16)
    np.multiply(goes_on.view(np.int8), 31, out=factor)
    factor += 1
    low = np.bitwise_xor(chars[:-1], 16, out=scratch.array("low", chars.size - 1, np.uint8))
    low &= 31
    short[1:] *= factor
    short[1:] += np.multiply(low, goes_on.view(np.uint8), out=low)
    taken = np.take(short, last_chars, out=scratch.array("taken", last_chars.size, np.int16), mode="clip")
    numbers = scratch.array("numbers", last_chars.size, np.int64)
    numbers[:] = taken
    three = np.logical_and(goes_on[:-1], goes_on[1:], out=scratch.array("three", max(0, chars.size - 2), np.bool_))
    three &= ending[2:]
    long = np.flatnonzero(three) + 2
    if long.size:
        numbers[np.searchsorted(last_chars, long)] = _long_numbers(chars, ending, long)
    return numbers


def _long_numbers(chars: NDArray[np.uint8], ending: NDArray[np.bool_], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers of three characters and more that end at `last`, group by group from the highest."""
    values = (chars[last].astype(np.int64) & 31) - 16
    rows = np.arange(last.size)
    for back in range(1, _GROUPS_MAX + 1):
        at = last[rows] - back
        open_still = (at >= 0) & ~ending[at]
        rows, at = rows[open_still], at[open_still]
        if not rows.size:
            return values
        values[rows] = values[rows] * 32 + ((chars[at] ^ 16) & 31)
    raise ValueError("a run length overflows")


def _run_lengths(numbers: NDArray[np.int64], first: NDArray[np.int64], scratch: Scratch) -> NDArray[np.int64]:
    """Run lengths: from the fourth on, a number is the difference to the run two places before."""
    lengths = scratch.array("lengths", numbers.size, np.int64)
    np.cumsum(numbers[::2], out=lengths[::2])
    np.cumsum(numbers[1::2], out=lengths[1::2])
    start = first[:-1]
    at, before = lengths[start], lengths[start - 1]
    before[0] = 0
    odd = (start & 1) == 1
    # Runs 1, 3, ... of a mask go on from the run before its first, runs 2, 4, ... from its first.
    for parity, held in ((0, np.where(odd, before, at)), (1, np.where(odd, at, before))):
        border = (first + 1 - parity) >> 1
        lengths[parity::2] -= np.repeat(held, np.diff(border))
    lengths[start] = numbers[start]
    return lengths


def _turns(first: NDArray[np.int64]) -> NDArray[np.int64]:
    counts = np.diff(first)
    turn = np.repeat(((first[:-1] & 1) << 1) - 1, counts)
    np.negative(turn[1::2], out=turn[1::2])
    turn[first[1:][(counts & 1) == 1] - 1] = 0
    return turn


def batches(sizes: Sequence[int], limit: int) -> Iterator[slice]:
    """Stretches of at least one entry whose sizes add up to `limit` at most, where one alone is not above it."""
    start = total = 0
    for k, size in enumerate(sizes):
        if k > start and total + size > limit:
            yield slice(start, k)
            start, total = k, 0
        total += size
    if start < len(sizes):
        yield slice(start, len(sizes))


def check_many(masks: Sequence[Sized], scratch: Scratch | None = None) -> list[DataError | None]:
    """What `terra_cot.mask.check_counts` would raise for each mask, or None: one pass where all are good.

    Sizes are taken as checked: two whole numbers above 0.
    """
    scratch = scratch or Scratch()
    found: list[DataError | None] = [None] * len(masks)
    by_size: dict[tuple[int, int], list[int]] = defaultdict(list)
    for k, (size, counts) in enumerate(masks):
        # Longer text cannot be right; it is refused before any array is made of it.
        if 0 < len(counts) <= _GROUPS_MAX * (size[0] * size[1] + 1):
            by_size[size].append(k)
        else:
            found[k] = _fault(*masks[k])
    for (height, width), rows in by_size.items():
        for part in batches([len(masks[k][1]) for k in rows], _BATCH_CHARS):
            try:
                parse([masks[k][1] for k in rows[part]], height * width, scratch)
            except ValueError:
                for k in rows[part]:
                    found[k] = _fault(*masks[k])
    return found


def _fault(size: tuple[int, int], counts: str) -> DataError | None:
    try:
        check_counts(size, counts)
    except DataError as error:
        return error
    return None
