"""Two descriptions of an image that survive a change of season, of light and of sensor: self-similarity and edges.

Self-similarity is MIND (Heinrich et al., Medical Image Analysis 2012): how much a small patch differs from its
neighbours, relative to the local variance; it does not ask which side of a border is bright, so an optical and a radar
image of one field have the same one. Edges are the gradient magnitude under a square root, so that a few roofs or
corner reflectors do not outvote the fields.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from terra_cot.coregister.surface import F32
from terra_cot.frame import Frame

REACH_PX = 3  # of both descriptions: pixels this near to a masked one are spoilt by it
_NEIGHBOURS = ((0, 2), (2, 0), (2, 2), (2, -2))  # each stands for its opposite too
_PATCH_SIGMA_PX = 0.7
_EDGE_SIGMA_PX = 1.0
_NEAR_INFRARED, _RED = "B08", "B04"


def images(frame: Frame, bands: Sequence[str], vegetation: bool) -> list[F32]:
    """HW images of `bands`, mean 0 and deviation 1 over clear pixels: optical as log reflectance, SAR in dB as it is.

    With `vegetation` the NDVI of Sentinel-2 joins them where its bands are there: radar sees crops, not their colour.
    """
    raw = [np.asarray(frame.band(name), np.float32) for name in bands]
    if frame.modality == "optical":
        # The smallest step: 1 of whole numbers (reflectance x 10000, 8 bit), the same of reflectance from 0 to 1.
        floor = np.float32(1.0 if np.issubdtype(frame.pixels.dtype, np.integer) else 1e-4)
        views = [np.log(np.maximum(image, floor)) for image in raw]
        if vegetation and _NEAR_INFRARED in bands and _RED in bands:
            infrared, red = (np.maximum(raw[bands.index(name)], 0.0) for name in (_NEAR_INFRARED, _RED))
            views.append((infrared - red) / np.maximum(infrared + red, floor))
    else:
        views = raw
    clear = frame.clear()
    weight = clear.astype(np.float32)
    # What is masked becomes the mean: its own structure must not leak in through the filters.
    return [_standard(np.where(clear, view, np.float32(0)), weight) * weight for view in views]


def self_similarity(views: Sequence[F32]) -> F32:
    """CHW descriptor of several images of one place, taken as one image of vectors."""
    distances = []
    for down, across in _NEIGHBOURS:
        squares = np.zeros_like(views[0])
        for view in views:
            squares += np.square(view - _moved(view, down, across))
        near = np.asarray(cv2.GaussianBlur(squares, (0, 0), _PATCH_SIGMA_PX), np.float32)
        distances += [near, _moved(near, -down, -across)]
    stack = np.stack(distances)
    variance = stack.mean(axis=0) + np.float32(1e-6)
    # Divided by its largest channel, which is that of the smallest distance.
    return np.asarray(np.exp((stack.min(axis=0) - stack) / variance), np.float32)


def edges(views: Sequence[F32], weight: F32) -> F32:
    """1HW descriptor: the edges of all images, each brought to one scale first."""
    return np.asarray(sum(_standard(_edge(view), weight) for view in views), np.float32)[None]


def trusted(clear: NDArray[np.bool_]) -> F32:
    """HW weights, 1 where a description rests on clear pixels only, else 0."""
    kernel = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8)
    kept = cv2.erode(clear.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(kept, np.float32)


def _edge(view: F32) -> F32:
    smooth = cv2.GaussianBlur(view, (0, 0), _EDGE_SIGMA_PX)
    down, across = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((0, 1), (1, 0)))
    return np.asarray(np.sqrt(cv2.magnitude(down, across)), np.float32)


def _standard(view: F32, weight: F32) -> F32:
    """Mean 0, deviation 1 over the weighted pixels."""
    total = max(float(weight.sum()), 1.0)
    centred = view - np.float32(np.vdot(view, weight) / total)
    variance = float(np.vdot(np.square(centred), weight)) / total
    return np.asarray(centred * np.float32(1 / max(np.sqrt(variance), 1e-6)), np.float32)


def _moved(view: F32, down: int, across: int) -> F32:
    """The pixel `down` rows and `across` columns away, at each place; round the edge, which no weight reaches."""
    return np.roll(view, (-down, -across), axis=(0, 1))
