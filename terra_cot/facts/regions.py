"""What one region is to another: its largest patch, how much of it lies near the other, or on one side of it."""

from __future__ import annotations

from functools import cache

import cc3d
import numpy as np
from numpy.typing import NDArray

from terra_cot.facts.layout import check_masks
from terra_cot.facts.masks import centroid

BUFFER_PX = 10
"""How far "near" reaches, in pixels: 100 m at 10 m a pixel."""


def patches(mask: NDArray[np.bool_]) -> list[int]:
    """Pixels of every 8-connected patch, largest first."""
    check_masks(mask)
    labels = cc3d.connected_components(mask.view(np.uint8), connectivity=8)
    return sorted((int(number) for number in np.bincount(labels.ravel())[1:]), reverse=True)


def largest_patch(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """HW bool: the largest 8-connected patch; of several, the one met first row by row. Empty for an empty mask."""
    check_masks(mask)
    labels = cc3d.connected_components(mask.view(np.uint8), connectivity=8)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    if not sizes.max():
        return np.zeros_like(mask)
    best = np.flatnonzero(sizes == sizes.max())
    first = best[0] if len(best) == 1 else labels.ravel()[np.flatnonzero(np.isin(labels, best))[0]]
    return np.asarray(labels == first, np.bool_)


def near(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """HW bool: where a pixel centre lies within BUFFER_PX (Euclidean, limit included) of a centre of the mask."""
    import cv2  # the cheap import of the package is worth a line

    check_masks(mask)
    return np.asarray(cv2.dilate(mask.view(np.uint8), _disc(), borderType=cv2.BORDER_CONSTANT, borderValue=0), np.bool_)


def within_pct(part: NDArray[np.bool_], region: NDArray[np.bool_]) -> float | None:
    """Percent of the pixels of `part` that lie in `region`; None where there is no part."""
    check_masks(part, region)
    total = int(np.count_nonzero(part))
    return 100.0 * int(np.count_nonzero(part & region)) / total if total else None


def before_pct(part: NDArray[np.bool_], other: NDArray[np.bool_], axis: int) -> float | None:
    """Percent of the pixels of `part` whose centres lie above (axis 0) or left of (axis 1) the centroid of `other`."""
    check_masks(part, other)
    centre = centroid(other)
    if centre is None or not part.any():
        return None
    along = (np.arange(part.shape[axis]) + 0.5) / part.shape[axis] < centre[axis]
    counts = part.sum(axis=1 - axis, dtype=np.int64)
    return 100.0 * int(counts[along].sum()) / int(counts.sum())


@cache
def _disc() -> NDArray[np.uint8]:
    step = np.arange(-BUFFER_PX, BUFFER_PX + 1)
    disc: NDArray[np.uint8] = (np.add.outer(step * step, step * step) <= BUFFER_PX * BUFFER_PX).astype(np.uint8)
    return disc
