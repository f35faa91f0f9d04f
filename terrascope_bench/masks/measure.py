"""Pairs of RLE texts are measured in chunks that fit the cache: pixels of each, of both, of their rims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from terra_cot.mask import check_counts
from terrascope_bench.masks.packed import draw, words_per_column
from terrascope_bench.masks.rims import reach, rim_counts
from terrascope_bench.masks.runs import Runs, batches, parse
from terrascope_bench.masks.scratch import Scratch

Size = tuple[int, int]
Texts = tuple[Size, str, str]
"""((height, width), counts, counts) of two masks."""
_CHUNK = 1 << 16
"""64-bit words and characters at once: the arrays made of them stay in the second-level cache."""


class Overlap(NamedTuple):
    """Pixels of two masks, of what both cover; and of what both rims cover and what either does."""

    first_px: int
    second_px: int
    both_px: int
    rim_both_px: int
    rim_either_px: int


def overlaps(pairs: Sequence[Texts], scratch: Scratch) -> list[Overlap]:
    """Measure each pair.

    Raises:
        DataError: a text that is no RLE of its size.
    """
    out: list[Overlap | None] = [None] * len(pairs)
    for size, rows in _by_size([pair[0] for pair in pairs]).items():
        words = 2 * size[1] * words_per_column(size[0])
        # A run costs about what a word costs, and takes a character or two of text.
        for part in batches([words + len(pairs[k][1]) + len(pairs[k][2]) for k in rows], _CHUNK):
            chosen = rows[part]
            texts = [text for k in chosen for text in pairs[k][1:]]
            for k, row in zip(chosen, _overlaps(texts, size, scratch), strict=True):
                out[k] = row
    return [row for row in out if row is not None]


def areas(masks: Sequence[tuple[Size, str]], scratch: Scratch) -> list[int]:
    """Foreground pixels of each mask."""
    out = [0] * len(masks)
    for size, rows in _by_size([size for size, _ in masks]).items():
        for part in batches([len(masks[k][1]) for k in rows], _CHUNK):
            found = _parse([masks[k][1] for k in rows[part]], size, scratch).areas(scratch)
            for k, area in zip(rows[part], found.tolist(), strict=True):
                out[k] = area
    return out


def _by_size(sizes: Sequence[Size]) -> dict[Size, list[int]]:
    out: dict[Size, list[int]] = defaultdict(list)
    for k, size in enumerate(sizes):
        out[size].append(k)
    return out


def _parse(texts: Sequence[str], size: Size, scratch: Scratch) -> Runs:
    try:
        return parse(texts, size[0] * size[1], scratch)
    except ValueError:
        for text in texts:
            check_counts(size, text)
        raise


def _overlaps(texts: list[str], size: Size, scratch: Scratch) -> list[Overlap]:
    height, width = size
    runs = _parse(texts, size, scratch)
    area = runs.areas(scratch)
    words = draw(runs, height, width, scratch)
    measured = rim_counts(words, area, height, reach(height, width), scratch)
    columns = (area[::2], area[1::2], *measured)
    return list(map(Overlap._make, zip(*(column.tolist() for column in columns), strict=True)))
