"""Which visual tokens a mask adds: those it covers by more than half, at most lambda, spread evenly over it (Sec. 4).

1. Covered: the share of a token's cell that lies in the mask is above `coverage` (exact, also where the mask's pixels
   do not divide evenly into cells).
2. Over lambda: a grid of ceil(sqrt(lambda)) x ceil(sqrt(lambda)) cells is laid over the tokens' bounding box, and each
   cell keeps its token nearest to the cell's centre (the first in reading order of equally near ones). Such a grid can
   have more than lambda cells (144 for 128): of what it keeps, lambda are taken at even steps in reading order.
3. None covered: the token that holds the mask's centroid. A mask without a single pixel has no centroid; the centre of
   the image stands in for it. Both are told by `Selection.rule`: nothing falls to token 0 unseen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, isqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

_ROWS = 1024

Rule = Literal["covered", "sampled", "centroid", "empty", "random", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """`tokens` int64 (k,): places in the grid of gh x gw visual tokens in reading order; by which `rule`.

    k >= 1, but for "none"; "random" and "none" are rules of `evidence`.
    """

    tokens: NDArray[np.int64]
    rule: Rule


def select(mask: NDArray[np.bool_], grid: tuple[int, int], coverage: float, tokens_max: int) -> Selection:
    """The tokens of a grid (rows, columns) that a mask HW bool selects."""
    shares = covered(mask, grid)
    tokens = np.flatnonzero(shares.ravel() > coverage)
    if tokens.size == 0:
        return _centroid(mask, grid)
    if tokens.size <= tokens_max:
        return Selection(tokens, "covered")
    return Selection(spread(tokens, grid[1], tokens_max), "sampled")


def covered(mask: NDArray[np.bool_], grid: tuple[int, int]) -> NDArray[np.float64]:
    """Share of each cell that lies in the mask: (gh, gw) from HW."""
    high, wide = mask.shape[0] // grid[0], mask.shape[1] // grid[1]
    if mask.size and mask.shape == (grid[0] * high, grid[1] * wide):
        # (gh, h, gw, w) -> (gh, gw, w) -> (gh, gw): whole pixels alone, which are counted many times faster
        cells = np.ascontiguousarray(mask).view(np.uint8).reshape(grid[0], high, grid[1], wide)
        counts = cells.sum(axis=1, dtype=np.uint32).sum(axis=2, dtype=np.int64)
        exact: NDArray[np.float64] = np.round(counts / (high * wide), 9)
        return exact
    down, across = _overlap(mask.shape[0], grid[0]), _overlap(mask.shape[1], grid[1])
    share = np.zeros(grid)
    for start in range(0, mask.shape[0], _ROWS):  # the mask of a whole scene is never in memory as numbers
        part = slice(start, start + _ROWS)
        # (gh, rows) @ (rows, W) @ (W, gw)
        share += down[:, part] @ mask[part].astype(np.float64) @ across.T
    # Sums of fractions: without this half a cell could come out as a hair above one half.
    return np.round(share, 9)


@lru_cache(maxsize=64)
def _overlap(pixels: int, cells: int) -> NDArray[np.float64]:
    """(cells, pixels): the share of each cell that each pixel takes up along one axis."""
    edge = np.arange(cells + 1) * (pixels / cells)
    low = np.maximum(edge[:-1, None], np.arange(pixels))
    high = np.minimum(edge[1:, None], np.arange(1, pixels + 1))
    share: NDArray[np.float64] = np.clip(high - low, 0.0, None) / (pixels / cells)
    share.flags.writeable = False  # all masks of this size share it
    return share


def spread(tokens: NDArray[np.int64], columns: int, tokens_max: int) -> NDArray[np.int64]:
    """At most `tokens_max` of ascending `tokens`, spatially uniform."""
    rows_columns = np.stack((tokens // columns, tokens % columns), axis=1)  # (n, 2)
    side = isqrt(tokens_max - 1) + 1
    low, high = rows_columns.min(axis=0), rows_columns.max(axis=0) + 1
    step = (high - low) / side
    place = rows_columns + 0.5 - low  # of each token's centre within the box
    cell = np.minimum((place / step).astype(np.int64), side - 1)
    off = np.round((place - (cell + 0.5) * step) ** 2, 9).sum(axis=1)
    number = cell[:, 0] * side + cell[:, 1]
    order = np.lexsort((tokens, off, number))
    first = np.concatenate(([True], number[order][1:] != number[order][:-1]))
    kept: NDArray[np.int64] = np.sort(tokens[order][first])
    if kept.size > tokens_max:
        kept = kept[[ceil(k * kept.size / tokens_max) for k in range(tokens_max)]]
    return kept


def _centroid(mask: NDArray[np.bool_], grid: tuple[int, int]) -> Selection:
    rows, columns = np.nonzero(mask)
    rule: Rule = "centroid"
    y, x = mask.shape[0] / 2, mask.shape[1] / 2
    if rows.size:
        y, x = float(rows.mean()) + 0.5, float(columns.mean()) + 0.5
    else:
        rule = "empty"
    row = min(int(y * grid[0] / mask.shape[0]), grid[0] - 1)
    column = min(int(x * grid[1] / mask.shape[1]), grid[1] - 1)
    return Selection(np.array([row * grid[1] + column], dtype=np.int64), rule)
