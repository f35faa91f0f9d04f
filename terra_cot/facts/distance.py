"""The distance of two classes is that of their nearest pixels: found among few, measured in integers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import isqrt, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terra_cot.facts.morphology import dilated

_Points = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Row and column of some pixels, each (n,)."""

_PAIRS_BY_HAND = 60_000  # up to here a table of all pairs stays in cache and is cheaper than a k-d tree


def class_distances(index: NDArray[np.uint8], n_classes: int, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(K+1, K+1) least distance between pixel centres of any two classes; nan on the diagonal and where absent.

    The bit set of a pixel holds the classes within r pixels (Chebyshev), r = 1, 2, 3, ... When a pair first meets, the
    few rim pixels with the other class in their set give an upper bound. It is final once r has reached its whole
    part, since no nearer pair of pixels can then lie outside these sets; else they are measured once more, at that r.
    """
    out = np.full((n_classes + 1, n_classes + 1), np.nan)
    classes = [int(c) for c in np.flatnonzero(present)]
    apart = [(i, j) for i in classes for j in classes if i < j]
    if not apart:
        return out
    rim = _Rim.of(np.ascontiguousarray(index), n_classes)
    dtype = np.min_scalar_type((1 << n_classes) - 1)
    bits = np.left_shift(dtype.type(1), index - np.uint8(1), dtype=dtype)  # void is shifted by 255, out of it: 0
    beside = rim.meet(rim.sets(dilated(bits, 1, cross=True)))
    bits, radius = dilated(bits, 1), 1
    sets = rim.sets(bits)
    touch = rim.meet(sets)
    for i, j in apart:
        if j in touch[i]:
            out[i, j] = out[j, i] = 1.0 if j in beside[i] else sqrt(2.0)
    apart = [(i, j) for i, j in apart if j not in touch[i]]
    bounded: list[tuple[int, int, int]] = []
    while apart or bounded:
        assert radius < 2 * max(index.shape), "by now every set holds every class of the map"
        step = max(1, radius // 3)
        bits, radius = dilated(bits, step), radius + step
        sets = rim.sets(bits)
        touch = rim.meet(sets)
        due = [(i, j) for reach, i, j in bounded if reach <= radius]
        bounded = [entry for entry in bounded if entry[0] > radius]
        for i, j in due + [(i, j) for i, j in apart if j in touch[i]]:
            square = _least_square(rim.near(sets, i, j), rim.near(sets, j, i))
            out[i, j] = out[j, i] = sqrt(square)
            if isqrt(square) > radius:
                bounded.append((isqrt(square), i, j))
        apart = [(i, j) for i, j in apart if j not in touch[i]]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Rim:
    """The pixels that have a 4-neighbour of another label, sorted by class.

    Only these can be nearest to another class: from any other pixel one step towards the other class stays in its own.

    Attributes:
        place: (N,) flat positions in the HW map.
        row: (N,) rows of the same pixels.
        column: (N,) their columns.
        part: K+2 bounds: place[part[c] : part[c + 1]] belongs to class c; void has none.
    """

    place: NDArray[np.intp]
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    part: list[int]

    @classmethod
    def of(cls, index: NDArray[np.uint8], n_classes: int) -> _Rim:
        rim = np.zeros(index.shape, np.bool_)
        across, down = index[:, 1:] != index[:, :-1], index[1:] != index[:-1]
        rim[:, 1:] |= across
        rim[:, :-1] |= across
        rim[1:] |= down
        rim[:-1] |= down
        rim &= index > 0
        place = np.flatnonzero(rim)
        label = index.ravel()[place]
        place = place[np.argsort(label, kind="stable")]
        part = [0, *np.cumsum(np.bincount(label, minlength=n_classes + 1)).tolist()]
        return cls(place, *np.divmod(place, index.shape[1]), part)

    def sets(self, bits: NDArray[Any]) -> NDArray[Any]:
        """(N,) the bit sets of the rim's pixels."""
        return bits.ravel()[self.place]

    def meet(self, sets: NDArray[Any]) -> list[set[int]]:
        """For every class 0..K the classes that any pixel of its rim has in its set."""
        joined = [int(np.bitwise_or.reduce(sets[a:b])) for a, b in pairwise(self.part)]
        return [{c + 1 for c in range(word.bit_length()) if word >> c & 1} for word in joined]

    def near(self, sets: NDArray[Any], own: int, other: int) -> _Points:
        """The rim pixels of class `own` that have class `other` in their set."""
        first = self.part[own]
        found = first + np.flatnonzero(sets[first : self.part[own + 1]] & sets.dtype.type(1 << (other - 1)))
        return self.row[found], self.column[found]


def _least_square(a: _Points, b: _Points) -> int:
    """Least squared distance between two non-empty sets of pixels, as an exact integer."""
    if a[0].size * b[0].size <= _PAIRS_BY_HAND:
        rows, columns = np.subtract.outer(a[0], b[0]), np.subtract.outer(a[1], b[1])
        rows *= rows
        columns *= columns
        rows += columns
        return int(rows.min())
    from scipy.spatial import cKDTree  # 0.4 s to import, and most maps never come here

    few, many = sorted((np.stack(a, axis=1), np.stack(b, axis=1)), key=len)
    gap = few - many[cKDTree(many).query(few)[1]]
    return int((gap * gap).sum(axis=1).min())
