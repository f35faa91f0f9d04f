"""A map in a frame of void is one flat array: a step in any direction is a slice, and none wraps into a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_CLASSES = 64
"""A set of classes is the bits of one unsigned integer."""


def padded(index: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """The map in a frame of void one pixel wide, flat, and its row length: a shift in any direction is then a slice."""
    height, width = index.shape
    framed = np.zeros((height + 2, width + 2), np.uint8)
    framed[1:-1, 1:-1] = index
    return framed.ravel(), width + 2


def inner(flat: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    """HW view of a padded map without its frame."""
    return flat.reshape(-1, stride)[1:-1, 1:-1]


def shape_of(array: NDArray[Any]) -> tuple[int, int]:
    return int(array.shape[0]), int(array.shape[1])


def check_index(index: NDArray[np.uint8], n_classes: int) -> None:
    if not isinstance(index, np.ndarray) or index.dtype != np.uint8:
        raise TypeError(f"an index map is a uint8 array, got {getattr(index, 'dtype', type(index).__name__)}")
    if index.ndim != 2:
        raise ValueError(f"an index map is HW, got shape {index.shape}")
    if not 1 <= n_classes <= MAX_CLASSES:
        raise ValueError(f"n_classes must be 1..{MAX_CLASSES}, got {n_classes}")
    if index.size and index.max() > n_classes:
        raise ValueError(f"the index map holds {index.max()}, above n_classes = {n_classes}")


def check_masks(*masks: NDArray[np.bool_]) -> None:
    for mask in masks:
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"a mask is a bool array, got {getattr(mask, 'dtype', type(mask).__name__)}")
        if mask.ndim != 2:
            raise ValueError(f"a mask is HW, got shape {mask.shape}")
        if mask.shape != masks[0].shape:
            raise ValueError(f"two masks must have one shape, got {masks[0].shape} and {mask.shape}")
