"""What two label maps of one place say together: which class became which, in pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terra_cot.facts.layout import check_index, check_masks


def transitions(before: NDArray[np.uint8], after: NDArray[np.uint8], n_classes: int) -> NDArray[np.int64]:
    """(K+1, K+1) pixels that are class i before and class j after; row and column 0 are void.

    Raises:
        TypeError, ValueError: not index maps (HW uint8, 0..n_classes), or of two shapes.
    """
    check_index(before, n_classes)
    check_index(after, n_classes)
    if before.shape != after.shape:
        raise ValueError(f"two maps of one place have one shape, got {before.shape} and {after.shape}")
    size = n_classes + 1
    pairs = before.astype(np.intp) * size + after
    return np.bincount(pairs.ravel(), minlength=size * size).reshape(size, size).astype(np.int64)


def shared_px(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> int:
    """Pixels in both masks."""
    check_masks(a, b)
    return int(np.count_nonzero(a & b))
