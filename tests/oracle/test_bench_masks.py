"""Masks against pycocotools, scipy and brute force: parsing, drawing, IoU, rims, pairing, resizing."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy import ndimage

from terra_cot.mask import Mask, encode
from terrascope_bench.masks import NANO, boundary, decoded, resized, score_many, score_masks
from terrascope_bench.masks.rims import reach
from terrascope_bench.prediction import PredictedMask

BoolMask = NDArray[np.bool_]
TOLERANCE = 1e-10 * NANO + 0.51  # stored in whole billionths
SIZES = [
    (1, 1), (1, 40), (40, 1), (2, 3), (63, 20), (64, 20), (65, 20), (127, 9), (128, 9), (129, 9), (192, 31),
    (120, 120), (256, 256), (300, 17), (17, 300), (512, 8), (1000, 40), (1024, 1024),
]  # fmt: skip


def shapes(rng: np.random.Generator, size: tuple[int, int]) -> list[BoolMask]:
    """Full, empty, one pixel in each corner, noise, and blobs."""
    corners = np.zeros(size, bool)
    corners[0, 0] = corners[-1, -1] = corners[0, -1] = True
    noise = rng.random(size) < rng.random()
    field = ndimage.gaussian_filter(rng.normal(size=size), 4)
    return [np.ones(size, bool), np.zeros(size, bool), corners, noise, field > 0, field > np.quantile(field, 0.2)]


def coco_rle(mask: BoolMask) -> dict[str, object]:
    return coco.encode(np.asfortranarray(mask, np.uint8))  # type: ignore[no-any-return]


def reference_rim(mask: BoolMask) -> BoolMask:
    """Cheng et al. 2021, published code: pad by one, erode d times by 3x3, subtract."""
    times = max(1, round(0.02 * float(np.hypot(*mask.shape))))
    eroded = ndimage.binary_erosion(np.pad(mask, 1), np.ones((3, 3)), iterations=times)
    return mask & ~eroded[1:-1, 1:-1]


@pytest.mark.parametrize("size", SIZES)
def test_every_pair_of_shapes_is_measured_as_the_references_do(size: tuple[int, int]) -> None:
    masks = shapes(np.random.default_rng(size[0] * 2000 + size[1]), size)
    some = [(a, b) for k, a in enumerate(masks) for b in masks[k:]]
    items = [([Mask.from_array("t0", "x", a)], [PredictedMask("t0", "x", size, encode(b))], {}) for a, b in some]
    for (a, b), score in zip(some, score_many(items), strict=True):
        (pair,) = score.pairs
        both, either = int((a & b).sum()), int((a | b).sum())
        assert (pair.intersection, pair.union) == (both, either)
        assert (pair.truth_px, pair.predicted_px) == (int(a.sum()), int(b.sum()))
        theirs = coco.iou([coco_rle(b)], [coco_rle(a)], [0])[0, 0] if either else 1.0
        assert abs(pair.iou - NANO * theirs) <= TOLERANCE
        rims = reference_rim(a), reference_rim(b)
        rim_either = int((rims[0] | rims[1]).sum())
        expected = 1.0 if rim_either == 0 else int((rims[0] & rims[1]).sum()) / rim_either
        assert abs(pair.boundary_iou - NANO * expected) <= TOLERANCE


@pytest.mark.parametrize("size", SIZES)
def test_rims_and_pixels_are_those_of_the_references(size: tuple[int, int]) -> None:
    for mask in shapes(np.random.default_rng(1), size):
        rle = coco_rle(mask)
        assert (coco.decode(rle) == decoded(size, encode(mask))).all()
        assert (boundary(mask) == reference_rim(mask)).all()


@pytest.mark.parametrize("ratio", [0.001, 0.05, 0.1, 0.2, 0.4])
def test_rims_of_any_width_are_those_of_a_distance(ratio: float) -> None:
    rng = np.random.default_rng(3)
    mask = ndimage.gaussian_filter(rng.normal(size=(330, 190)), 25) > -0.01
    inside = ndimage.distance_transform_cdt(np.pad(mask, 1), metric="chessboard")[1:-1, 1:-1]
    assert (boundary(mask, ratio) == (mask & (inside <= reach(330, 190, ratio)))).all()


@pytest.mark.parametrize("seed", range(30))
def test_runs_of_no_length_and_long_numbers_are_read_as_pycocotools_reads_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(1, 400)), int(rng.integers(1, 400)))
    total = size[0] * size[1]
    places = np.sort(rng.integers(0, total + 1, int(rng.integers(0, 60))))
    lengths = [
        np.diff(np.concatenate([[0], cut, [total]])).tolist() for cut in (places, np.repeat(places, 2), places[:3])
    ]
    texts = [coco.frPyObjects({"size": list(size), "counts": runs}, *size)["counts"].decode() for runs in lengths]
    arrays = [coco.decode({"size": list(size), "counts": text.encode()}).astype(bool) for text in texts]
    items = [
        ([Mask("t0", "x", size, texts[i])], [PredictedMask("t0", "x", size, texts[j])], {})
        for i in range(3)
        for j in range(3)
    ]
    for k, score in enumerate(score_many(items)):
        a, b = arrays[k // 3], arrays[k % 3]
        assert (score.intersection, score.union) == (int((a & b).sum()), int((a | b).sum()))
        rims = boundary(a), boundary(b)
        either = int((rims[0] | rims[1]).sum())
        assert score.boundary_iou == (NANO if not either else round(NANO * int((rims[0] & rims[1]).sum()) / either))


@pytest.mark.parametrize("seed", range(20))
def test_labels_first_and_then_the_best_of_all_pairings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = [("ab"[rng.integers(2)], rng.random((9, 9)) < 0.5) for _ in range(rng.integers(1, 5))]
    guess = [(("a", "b", None)[rng.integers(3)], rng.random((9, 9)) < 0.5) for _ in range(rng.integers(0, 6))]
    table = [[(a & b).sum() / max(1, (a | b).sum()) for _, b in guess] for _, a in truth]

    def best(rows: list[int], columns: list[int]) -> float:
        if len(rows) > len(columns):
            return max(sum(table[rows[r]][c] for r, c in zip(order, columns, strict=True))
                       for order in permutations(range(len(rows)), len(columns)))  # fmt: skip
        return max(
            sum(table[r][c] for r, c in zip(rows, order, strict=True)) for order in permutations(columns, len(rows))
        )

    score = score_masks(
        [Mask.from_array("t0", label, mask) for label, mask in truth],
        [PredictedMask("t0", label, (9, 9), encode(mask)) for label, mask in guess],
    )
    matched = {t: pair.predicted for t, pair in enumerate(score.pairs) if pair.predicted is not None}
    assert len(set(matched.values())) == len(matched)
    for label in "ab":
        rows = [t for t, (name, _) in enumerate(truth) if name == label]
        columns = [p for p, (name, _) in enumerate(guess) if name == label]
        ours = [(t, p) for t, p in matched.items() if t in rows and p in columns]
        assert len(ours) == min(len(rows), len(columns))
        assert sum(table[t][p] for t, p in ours) == pytest.approx(best(rows, columns), abs=1e-8)
    nameless = [p for p, (name, _) in enumerate(guess) if name is None]
    ours = [(t, p) for t, p in matched.items() if p in nameless]
    left = [t for t in range(len(truth)) if t not in matched or matched[t] in nameless]
    assert len(ours) == min(len(left), len(nameless))
    assert sum(table[t][p] for t, p in ours) == pytest.approx(best(left, nameless), abs=1e-8)


@pytest.mark.parametrize(("old", "new"), [((4, 6), (8, 12)), ((8, 12), (4, 6)), ((7, 5), (3, 11)), ((1, 1), (5, 2))])
def test_resizing_takes_the_pixel_under_the_centre(old: tuple[int, int], new: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).random(old) < 0.5
    given = PredictedMask("t0", "x", old, encode(mask))
    expected = [
        [mask[int((r + 0.5) * old[0] / new[0]), int((c + 0.5) * old[1] / new[1])] for c in range(new[1])]
        for r in range(new[0])
    ]
    laid = resized(given, new)
    assert (laid.size, laid.frame, laid.label) == (new, "t0", "x")
    assert (np.array(expected) == decoded(new, laid.counts)).all()
