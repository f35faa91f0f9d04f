"""The facts of one mask (HW bool) or two are those `measure` reports for the same pixels, to the last bit."""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray

from terra_cot.facts.distance import class_distances
from terra_cot.facts.layout import check_masks, inner, padded, shape_of
from terra_cot.facts.morphology import dilated, open_padded
from terra_cot.facts.runs import Runs, centroids


def pixels(mask: NDArray[np.bool_]) -> int:
    """Pixels of the mask."""
    check_masks(mask)
    return int(np.count_nonzero(mask))


def components(mask: NDArray[np.bool_]) -> int:
    """8-connected components of the mask."""
    check_masks(mask)
    flat, stride = padded(mask.view(np.uint8))
    return int(cc3d.connected_components(flat.reshape(-1, stride), connectivity=8, return_N=True)[1])


def centroid(mask: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Row and column of the mean pixel centre as a share of height and width, 0..1; None for an empty mask."""
    check_masks(mask)
    flat, stride = padded(mask.view(np.uint8))
    runs = Runs.of(flat)
    counts = runs.pixels(1)
    if not counts[1]:
        return None
    row, column = centroids(runs, stride, counts, shape_of(mask))[1]
    return float(row), float(column)


def opened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask opened with a 3x3 element; outside the image counts as not the mask."""
    check_masks(mask)
    flat, stride = padded(mask.view(np.uint8))
    return np.ascontiguousarray(inner(open_padded(flat, stride), stride)).view(np.bool_)


def adjacent(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> bool:
    """Whether the 3x3 dilation of `a` meets `b` (BRD). Symmetric; True if the masks overlap, False if one is empty."""
    check_masks(a, b)
    return bool((dilated(a.view(np.uint8), 1).view(np.bool_) & b).any())


def distance_px(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float | None:
    """Least Euclidean distance between pixel centres of two masks, as they are (DM opens them first: `opened`).

    0 if they overlap; None if one is empty.
    """
    check_masks(a, b)
    if not (a.any() and b.any()):
        return None
    if (a & b).any():
        return 0.0
    index = a.view(np.uint8) + 2 * b.view(np.uint8)
    return float(class_distances(index, 2, np.array([False, True, True]))[1, 2])
