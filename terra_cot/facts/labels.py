"""`measure` says everything about an index map in one go; `open_classes` is the map that distances are taken on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from terra_cot.facts.distance import class_distances
from terra_cot.facts.layout import check_index, inner, padded, shape_of
from terra_cot.facts.morphology import open_padded
from terra_cot.facts.runs import Runs, centroids, class_adjacency, class_components


@dataclass(frozen=True, slots=True, eq=False)
class LabelFacts:
    """What one index map says. Read-only arrays, indexed by class 0..K; entry 0 (void) is zero, False or nan.

    Attributes:
        shape: (height, width) in pixels.
        valid_px: pixels that are not void.
        pixels: (K+1,) pixels of the class.
        centroid: (K+1, 2) row and column of the mean pixel centre as a share of height and width, 0..1; nan if absent.
        components: (K+1,) 8-connected components.
        adjacent: (K+1, K+1) symmetric: the 3x3 dilation of i meets j. By that rule a present class meets itself, so the
            diagonal is True where the class is present.
        distance_px: (K+1, K+1) symmetric: least distance between pixel centres of i and j, each class opened with a
            3x3 element before; nan if either is absent then, and on the diagonal.
        opened_px: (K+1,) pixels of the class left by that opening.
    """

    shape: tuple[int, int]
    valid_px: int
    pixels: NDArray[np.int64]
    centroid: NDArray[np.float64]
    components: NDArray[np.int64]
    adjacent: NDArray[np.bool_]
    distance_px: NDArray[np.float64]
    opened_px: NDArray[np.int64]

    def __post_init__(self) -> None:
        for name in ("pixels", "centroid", "components", "adjacent", "distance_px", "opened_px"):
            getattr(self, name).setflags(write=False)


def measure(index: NDArray[np.uint8], n_classes: int) -> LabelFacts:
    """All facts of an index map, in one go.

    Args:
        index: HW uint8, 0 = void, 1..n_classes = classes.
        n_classes: K, 1..64.

    Raises:
        TypeError: the map is not uint8.
        ValueError: it is not HW, n_classes is not 1..64, or the map holds a value above n_classes.
    """
    check_index(index, n_classes)
    kernel = _compiled() if index.shape[1] < 1 << 15 else None
    return _measure_compiled(kernel, index, n_classes) if kernel else _measure(index, n_classes)


@cache
def _compiled() -> ModuleType | None:
    """The compiled kernel, where numba is installed; it takes half a second to load, so not before it is needed."""
    if find_spec("numba") is None:
        return None
    try:
        return import_module("terra_cot.facts.compiled")
    except ImportError:
        return None


def _measure_compiled(kernel: ModuleType, index: NDArray[np.uint8], n_classes: int) -> LabelFacts:
    pixels, sums, components, adjacent, squares, opened_px = kernel.scan(np.ascontiguousarray(index), n_classes)
    centroid = np.full((n_classes + 1, 2), np.nan)
    present = pixels > 0
    centroid[present] = sums[present] / (2 * np.array(index.shape) * pixels[present, None])
    distance_px = np.where(squares >= 0, np.sqrt(np.maximum(squares, 0)), np.nan)
    return LabelFacts(
        shape_of(index), int(pixels.sum()), pixels, centroid, components, adjacent, distance_px, opened_px
    )


def _measure(index: NDArray[np.uint8], n_classes: int) -> LabelFacts:
    flat, stride = padded(index)
    runs = Runs.of(flat)
    counts = runs.pixels(n_classes)
    opened_flat = open_padded(flat, stride)
    opened_px = Runs.of(opened_flat).pixels(n_classes)
    return LabelFacts(
        shape=shape_of(index),
        valid_px=int(counts.sum()),
        pixels=counts,
        centroid=centroids(runs, stride, counts, shape_of(index)),
        components=class_components(flat, stride, runs, n_classes),
        adjacent=class_adjacency(flat, stride, runs, n_classes),
        distance_px=class_distances(np.ascontiguousarray(inner(opened_flat, stride)), n_classes, opened_px > 0),
        opened_px=opened_px,
    )


def open_classes(index: NDArray[np.uint8], n_classes: int) -> NDArray[np.uint8]:
    """HW uint8 index map with every class opened (3x3 erosion, then dilation); pixels removed become void.

    Outside the image counts as not the class, as in `scipy.ndimage.binary_opening`, so that nothing is kept on the
    strength of pixels nobody saw.
    """
    check_index(index, n_classes)
    flat, stride = padded(index)
    return np.ascontiguousarray(inner(open_padded(flat, stride), stride))
