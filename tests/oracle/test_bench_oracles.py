"""Mask metrics, assignment and bootstrap against pycocotools, numpy and scipy."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy import ndimage

from terra_cot.mask import Mask, encode
from terrascope_bench.masks import NANO, boundary, boundary_iou, score_masks
from terrascope_bench.prediction import PredictedMask
from terrascope_bench.statistics import resample

TOLERANCE = 1e-10 * NANO + 0.51  # stored in whole billionths


def blobs(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.bool_]:
    field = ndimage.gaussian_filter(rng.normal(size=shape), float(rng.uniform(0.5, 6)))
    return field > np.quantile(field, rng.uniform(0.05, 0.98))


@pytest.mark.parametrize("seed", range(25))
def test_iou_is_that_of_pycocotools_and_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(3, 90)), int(rng.integers(3, 90)))
    first, second = blobs(rng, shape), blobs(rng, shape)
    score = score_masks([Mask.from_array("t0", "x", first)], [PredictedMask("t0", "x", shape, encode(second))])
    rles = [coco.encode(np.asfortranarray(mask, np.uint8)) for mask in (first, second)]
    assert abs(score.iou - NANO * coco.iou(rles[1:], rles[:1], [0])[0, 0]) <= TOLERANCE
    assert score.intersection == int((first & second).sum())
    assert score.union == int((first | second).sum())


@pytest.mark.parametrize("seed", range(25))
def test_boundary_is_that_of_the_reference_recipe(seed: int) -> None:
    """Cheng et al. 2021, published code: pad by one, erode d times by 3x3, subtract."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(5, 130)), int(rng.integers(5, 130)))
    first, second = blobs(rng, shape), blobs(rng, shape)
    reach = max(1, round(0.02 * float(np.hypot(*shape))))

    def rim(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        padded = np.pad(mask, 1)
        eroded = ndimage.binary_erosion(padded, np.ones((3, 3)), iterations=reach)
        return mask & ~eroded[1:-1, 1:-1]

    assert (boundary(first) == rim(first)).all()
    either = int((rim(first) | rim(second)).sum())
    expected = 1.0 if either == 0 else int((rim(first) & rim(second)).sum()) / either
    assert abs(boundary_iou(first, second) - expected) <= 1e-10


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("columns", [3, 6])
def test_assignment_is_the_best_of_all(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [blobs(rng, (20, 20)) for _ in range(3)]
    guess = [blobs(rng, (20, 20)) for _ in range(columns)]
    score = score_masks(
        [Mask.from_array("t0", "x", mask) for mask in truth],
        [PredictedMask("t0", None, (20, 20), encode(mask)) for mask in guess],
    )
    table = [[(a & b).sum() / max(1, (a | b).sum()) for b in guess] for a in truth]
    best = max(sum(table[k][p] for k, p in enumerate(order)) for order in permutations(range(columns), 3))
    assert score.iou == pytest.approx(NANO * best / columns, abs=2)


def test_intervals_are_those_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 1000, 300)
    rows = np.stack([values, np.ones_like(values)], axis=1)
    ours = np.percentile(resample(rows, 0, "x").drawn[:, 0] / 300, [2.5, 97.5])
    theirs = np.percentile(rng.choice(values, (4000, 300)).mean(axis=1), [2.5, 97.5])
    assert ours == pytest.approx(theirs, rel=0.02)
