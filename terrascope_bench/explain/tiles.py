"""Overlapping tiles become one mask without seams: where tiles overlap, their scores fade into each other.

The weight of a tile rises from its edge inwards as a raised cosine, after a margin where it says nothing at all: a
pixel at the edge of a picture has half of its surroundings missing. At every pixel the weights sum to one; at the
border of the scene nothing fades, for there is no other tile. Tiles come row by row and a finished row is dropped, so
memory holds one row of tiles and the mask, whatever the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

OVERLAP, MARGIN = 1 / 4, 1 / 16
"""Shares of a tile's side: how far neighbours overlap at least, and the edge of each that has no weight."""

Scores = NDArray[np.float32]
Look = Callable[[Sequence[tuple[int, int]]], Iterable[Scores]]
"""Places (row, column) of tiles -> their scores, each of the tile's shape; above zero lies in the mask."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Tiles of `side` px over a scene of `size` (height, width).

    A scene that fits one tile is one of its own shape; another is padded where it is narrower than a tile.
    """

    size: tuple[int, int]
    side: int

    def __post_init__(self) -> None:
        if self.side < 16 or min(self.size) < 1:
            raise ValueError(f"tiles of {self.side} px over {self.size}")

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of a tile."""
        return self.size if max(self.size) <= self.side else (self.side, self.side)

    @property
    def rows(self) -> list[int]:
        return starts(self.size[0], self.shape[0])

    @property
    def columns(self) -> list[int]:
        return starts(self.size[1], self.shape[1])

    @property
    def count(self) -> int:
        return len(self.rows) * len(self.columns)


def starts(length: int, side: int) -> list[int]:
    """Where tiles begin along an axis: the first at 0, the last ends with the scene, evenly between."""
    if length <= side:
        return [0]
    overlap = round(OVERLAP * side)
    count = ceil((length - overlap) / (side - overlap))
    return [round(number * (length - side) / (count - 1)) for number in range(count)]


def weights(length: int, side: int) -> list[NDArray[np.float32]]:
    """The weight of each tile along an axis, of those of its pixels that lie in the scene; they sum to one."""
    if length <= side:
        return [np.ones(length, np.float32)]
    places = starts(length, side)
    margin = round(MARGIN * side)
    ramp = round(OVERLAP * side) - 2 * margin
    inside = np.arange(side) + 0.5 - margin
    rise = 0.5 - 0.5 * np.cos(np.pi * np.clip(inside / ramp, 0.0, 1.0))
    raw, total = [], np.zeros(length)
    for start in places:
        weight = np.ones(side)
        if start > 0:
            weight *= rise
        if start + side < length:
            weight *= rise[::-1]
        weight = weight[: length - start]
        total[start : start + side] += weight
        raw.append(weight)
    return [
        (weight / total[start : start + side]).astype(np.float32) for start, weight in zip(places, raw, strict=True)
    ]


def merged(layout: Layout, look: Look) -> NDArray[np.bool_]:
    """The mask (bool HW) of a scene whose tiles `look` scores."""
    mask = np.zeros(layout.size, np.bool_)
    for row, scores in bands(layout, look):
        mask[row : row + len(scores)] = scores > 0
    return mask


def bands(layout: Layout, look: Look) -> Iterator[tuple[int, Scores]]:
    """(first row, merged scores) of one stretch of rows after another, as soon as no later tile reaches into it."""
    height, width = layout.size
    rows, columns = layout.rows, layout.columns
    down, across = weights(height, layout.shape[0]), weights(width, layout.shape[1])
    band = np.zeros((min(layout.shape[0], height), width), np.float32)
    for number, (row, vertical) in enumerate(zip(rows, down, strict=True)):
        scored = look([(row, column) for column in columns])
        for column, horizontal, scores in zip(columns, across, scored, strict=True):
            h, w = len(vertical), len(horizontal)
            band[:h, column : column + w] += vertical[:, None] * horizontal[None, :] * scores[:h, :w]
        done = (rows[number + 1] if number + 1 < len(rows) else height) - row
        yield row, band[:done].copy()
        band[:-done] = band[done:].copy()
        band[-done:] = 0
