"""A run is a longest stretch of one class along a row: ten times fewer than pixels, and all that counting needs."""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """The runs of all classes (not void) in a padded map, in reading order.

    Attributes:
        start: (R,) flat position of the first pixel.
        length: (R,) pixels.
        label: (R,) class, 1..K.
    """

    start: NDArray[np.intp]
    length: NDArray[np.intp]
    label: NDArray[np.intp]

    @classmethod
    def of(cls, flat: NDArray[np.uint8]) -> Runs:
        edge = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        start, length = edge[:-1], np.diff(edge)
        label = flat[start].astype(np.intp)
        keep = label > 0
        return cls(start[keep], length[keep], label[keep])

    def total(self, weight: NDArray[np.intp], n_classes: int) -> NDArray[np.int64]:
        """(K+1,) sum of an integer weight per run over each class; exact below 2^53."""
        return np.bincount(self.label, weight, n_classes + 1).astype(np.int64)

    def pixels(self, n_classes: int) -> NDArray[np.int64]:
        """(K+1,) pixels of each class."""
        return self.total(self.length, n_classes)


def centroids(runs: Runs, stride: int, counts: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """(K+1, 2) mean pixel centres as shares: one division of exact integers, so that any order of summing agrees."""
    n_classes, length = counts.size - 1, runs.length
    row, column = np.divmod(runs.start, stride)
    # Twice the sum of pixel centres; a centre lies half a pixel beyond its corner, and the frame moved all by one.
    twice_rows = runs.total(length * (2 * row - 1), n_classes)
    twice_columns = runs.total(length * (2 * column + length - 2), n_classes)
    out = np.full((n_classes + 1, 2), np.nan)
    present = counts > 0
    out[present, 0] = twice_rows[present] / (2 * shape[0] * counts[present])
    out[present, 1] = twice_columns[present] / (2 * shape[1] * counts[present])
    return out


def class_components(flat: NDArray[np.uint8], stride: int, runs: Runs, n_classes: int) -> NDArray[np.int64]:
    """(K+1,) 8-connected components: labels of all classes at once, then the class of each from any of its runs."""
    found, n = cc3d.connected_components(flat.reshape(-1, stride), connectivity=8, return_N=True)
    class_of = np.zeros(n + 1, np.intp)
    class_of[found.ravel()[runs.start]] = runs.label
    return np.bincount(class_of[1:], minlength=n_classes + 1).astype(np.int64)


def class_adjacency(flat: NDArray[np.uint8], stride: int, runs: Runs, n_classes: int) -> NDArray[np.bool_]:
    """(K+1, K+1) whether the 3x3 dilation of i meets j.

    Walk along a row and watch a pixel together with its neighbour at a fixed offset: the two labels change only where
    a run starts, in this row or in the neighbour's. So the eight neighbours of the run starts show every pair there is.
    """
    k = n_classes + 1
    base = runs.label * k
    neighbours = (-stride - 1, -stride, 1 - stride, -1, stride - 1, stride, stride + 1)
    codes = [base + flat[runs.start + offset] for offset in neighbours]
    codes.append(base + runs.label)  # to the right is the same run, or one whose start looks back
    seen = np.bincount(np.concatenate(codes), minlength=k * k).reshape(k, k) > 0
    seen[:, 0] = False
    return np.asarray(seen | seen.T)
