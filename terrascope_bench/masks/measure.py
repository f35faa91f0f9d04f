"""Pairs of RLE texts are measured in chunks that fit the cache: pixels of both, of their intersection, of their rims."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

from terra_cot.errors import DataError
from terra_cot.mask import check_counts
from terrascope_bench.masks.packed import Words, counts, draw, words_per_column
from terrascope_bench.masks.rims import reach, rims
from terrascope_bench.masks.runs import Runs, batches, parse
from terrascope_bench.masks.scratch import Scratch

Size = tuple[int, int]
_CHUNK_WORDS = 1 << 16
"""Half a megabyte of packed pixels."""
_CHUNK_CHARS = 1 << 17


class Overlap(NamedTuple):
    """Pixels of two masks, of what both cover; and of what both rims cover and what either does."""

    first_px: int
    second_px: int
    both_px: int
    rim_both_px: int
    rim_either_px: int


def overlaps(pairs: Sequence[tuple[Size, str, str]], scratch: Scratch) -> list[Overlap]:
    """Measure ((height, width), counts, counts) of each pair.

    Raises:
        DataError: a text that is no RLE of its size.
    """
    out: list[Overlap | None] = [None] * len(pairs)
    for size, rows in _by_size([size for size, _, _ in pairs]).items():
        weight = _weight(size)
        weights = [weight(len(pairs[k][1]) + len(pairs[k][2]), 2) for k in rows]
        for part in batches(weights, 2 * _CHUNK_WORDS):
            chosen = rows[part]
            texts = [text for k in chosen for text in pairs[k][1:]]
            for k, row in zip(chosen, _overlaps(texts, size, scratch), strict=True):
                out[k] = row
    return [row for row in out if row is not None]


def areas(masks: Sequence[tuple[Size, str]], scratch: Scratch) -> list[int]:
    """Foreground pixels of each mask."""
    out = [0] * len(masks)
    for size, rows in _by_size([size for size, _ in masks]).items():
        for part in batches([len(masks[k][1]) for k in rows], _CHUNK_CHARS):
            found = _parse([masks[k][1] for k in rows[part]], size, scratch).areas(scratch)
            for k, area in zip(rows[part], found.tolist(), strict=True):
                out[k] = area
    return out


def _by_size(sizes: Sequence[Size]) -> dict[Size, list[int]]:
    out: dict[Size, list[int]] = defaultdict(list)
    for k, size in enumerate(sizes):
        out[size].append(k)
    return out


def _weight(size: Size) -> Callable[[int, int], int]:
    """What masks take of a chunk: one for a word and one for a character of text, whose runs are as long as words."""
    height, width = size
    words = width * words_per_column(height, reach(height, width))
    return lambda characters, masks: masks * words + characters


def _parse(texts: Sequence[str], size: Size, scratch: Scratch) -> Runs:
    try:
        return parse(texts, size[0] * size[1], scratch)
    except ValueError:
        for text in texts:
            check_counts(size, text)
        raise


def _overlaps(texts: list[str], size: Size, scratch: Scratch) -> list[Overlap]:
    height, width = size
    distance = reach(height, width)
    runs = _parse(texts, size, scratch)
    area = runs.areas(scratch)
    words = draw(runs, height, width, distance, scratch)
    both = _shared(words, scratch)
    edge = rims(words, distance, scratch)
    edge_px = counts(edge, scratch)
    edge_both = _shared(edge, scratch)
    edge_either = edge_px[::2] + edge_px[1::2] - edge_both
    columns = (area[::2], area[1::2], both, edge_both, edge_either)
    return list(map(Overlap._make, zip(*(column.tolist() for column in columns), strict=True)))


def _shared(words: Words, scratch: Scratch):
    import numpy as np

    first, second = words[::2], words[1::2]
    target = scratch.array("shared", first.size, np.uint64).reshape(first.shape)
    return counts(np.bitwise_and(first, second, out=target), scratch)
