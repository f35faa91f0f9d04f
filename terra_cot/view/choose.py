"""Which samples a site shows: all, the first N, or N of tiles drawn by their hash; the same ones every time."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from terra_cot.draw import digest
from terra_cot.store.join import Pair
from terra_cot.store.shards import SAMPLES, read_rows


@dataclass(frozen=True, slots=True)
class Choice:
    """`rows` are the rows of each part, by its name, that are shown; `how` says in words which those are."""

    total: int
    shown: int
    how: str
    rows: dict[str, Sequence[int]]


def choose(folder: Path, parts: Sequence[Pair], *, limit: int | None, sample: int) -> Choice:
    """The first `limit` samples of a dataset, or `sample` of all; every one where there are no more.

    Whole tiles are drawn, so that samples share their pictures; only the last tile may be shown in part. Memory holds
    as many numbers as samples are chosen.
    """
    counts = [(pair, pair.samples.rows) for pair in parts if pair.samples]
    total = sum(rows for _, rows in counts)
    wanted = limit if limit is not None else sample
    if wanted >= total:
        return Choice(total, total, "all samples", {pair.name: range(rows) for pair, rows in counts})
    if limit is not None:
        first: dict[str, Sequence[int]] = {}
        left = limit
        for pair, rows in counts:
            first[pair.name] = range(min(rows, left))
            left -= len(first[pair.name])
        return Choice(total, limit, f"the first {limit:,} of {total:,} samples", first)
    drawn: defaultdict[str, list[int]] = defaultdict(list)
    tiles = 0
    before = b""
    for key, number, row in heapq.nsmallest(sample, _ranked(folder, counts)):
        drawn[counts[number][0].name].append(row)
        tiles, before = tiles + (key != before), key
    how = f"{sample:,} of {total:,} samples, those of {tiles:,} tiles drawn by their hash"
    return Choice(total, sample, how, {name: sorted(rows) for name, rows in drawn.items()})


def _ranked(folder: Path, counts: Sequence[tuple[Pair, int]]) -> Iterator[tuple[bytes, int, int]]:
    """(rank of the tile, number of the part, row) of every sample."""
    for number, (pair, _) in enumerate(counts):
        assert pair.samples
        for row, values in enumerate(read_rows(folder / pair.samples.path, SAMPLES, ["tile_id"])):
            yield digest(0, "view", values["tile_id"])[:12], number, row
