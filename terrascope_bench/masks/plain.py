"""Masks are compared pixel for pixel: a missing mask counts 0, a surplus one lowers the score, and empty is not free.

Matching. A predicted mask with a label belongs to the truth masks of the same frame and label (case, underscores and
spaces do not matter, and the word that the question used, "cropland", is as good as the label, "crop"); one without a
label to the truth masks of its frame that are left. Where several could pair up, the pairing with the largest sum of
IoU is taken (Hungarian assignment).

| truth | predicted | IoU of the pair | intersection, union in cIoU |
|---|---|---|---|
| mask | mask | I / U | I, U |
| empty mask | empty mask | 1 (counted apart as `empty_pairs`) | 0, 0 |
| empty mask | mask | 0 | 0, its pixels |
| mask | empty mask | 0 | 0, its pixels |
| mask | none (missing) | 0 | 0, its pixels |
| none | mask (surplus) | 0 | 0, its pixels |
| no masks at all | none | the question scores 1 (counted as one empty pair) | 0, 0 |
| evidence not known | anything | the question is in no mask metric | - |

IoU of a question = sum over pairs / max(number of truth masks, number of predicted masks). gIoU = mean of these over
questions; cIoU = sum of I / sum of U over all. Boundary IoU (Cheng et al., CVPR 2021, equation 3): the IoU of the rims
that an erosion by d pixels takes off, d = 2 % of the diagonal, at least 1; the image border is outside every mask.

Sums are whole numbers (`NANO` parts of one), so a scorecard has the same digits on every machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terra_cot.mask import Mask
from terrascope_bench.prediction import PredictedMask

NANO = 1_000_000_000
BOUNDARY_RATIO = 0.02
BoolMask = NDArray[np.bool_]
_PairIou = Callable[[int, int], int]
_NO_ALIASES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Pair:
    """One truth mask and what was predicted for it: number of the predicted mask (None: missing), I and U in pixels.

    `iou` and `boundary_iou` are in billionths.
    """

    label: str
    predicted: int | None
    intersection: int
    union: int
    iou: int
    boundary_iou: int
    truth_px: int
    predicted_px: int


@dataclass(frozen=True, slots=True)
class MaskScore:
    """All masks of one question. `surplus` are predicted masks without a truth mask, `surplus_px` their pixels."""

    pairs: tuple[Pair, ...]
    surplus: int
    surplus_px: int
    empty_pairs: int

    @property
    def iou(self) -> int:
        """Mean IoU in billionths, over max(truth, predicted) masks."""
        return self._mean([pair.iou for pair in self.pairs])

    @property
    def boundary_iou(self) -> int:
        return self._mean([pair.boundary_iou for pair in self.pairs])

    @property
    def intersection(self) -> int:
        return sum(pair.intersection for pair in self.pairs)

    @property
    def union(self) -> int:
        return sum(pair.union for pair in self.pairs) + self.surplus_px

    @property
    def truth_px(self) -> int:
        """Foreground pixels of all truth masks: what recall is a share of."""
        return sum(pair.truth_px for pair in self.pairs)

    @property
    def predicted_px(self) -> int:
        """Foreground pixels of all predicted masks, surplus ones too: what precision is a share of."""
        return sum(pair.predicted_px for pair in self.pairs) + self.surplus_px

    @property
    def missing(self) -> int:
        return sum(pair.predicted is None for pair in self.pairs)

    def _mean(self, values: list[int]) -> int:
        places = max(len(values), len(values) - self.missing + self.surplus)
        return NANO if places == 0 else round(sum(values) / places)


def score_masks(
    truth: Sequence[Mask], predicted: Sequence[PredictedMask], aliases: Mapping[str, str] = _NO_ALIASES
) -> MaskScore:
    """Compare the masks of one question; all lie on one grid.

    Args:
        aliases: other names of a label, as `name_of` writes them ("cropland" for "crop").
    """
    from pycocotools import mask as coco

    truth_rle = [_rle(mask.size, mask.counts) for mask in truth]
    predicted_rle = [_rle(mask.size, mask.counts) for mask in predicted]
    truth_px = [int(coco.area(rle)) for rle in truth_rle]
    predicted_px = [int(coco.area(rle)) for rle in predicted_rle]
    overlaps: dict[tuple[int, int], int] = {}

    def overlap(t: int, p: int) -> int:
        if (t, p) not in overlaps:
            # `merge` and `area` of one pair; `coco.iou` of two lists would compute every pair of them.
            both = coco.merge([truth_rle[t], predicted_rle[p]], intersect=True)
            overlaps[t, p] = int(coco.area(both))
        return overlaps[t, p]

    def iou(t: int, p: int) -> int:
        union = truth_px[t] + predicted_px[p] - overlap(t, p)
        return NANO if union == 0 else round(overlap(t, p) * NANO / union)

    match = _match(truth, predicted, iou, aliases)
    pairs, empty = [], 0
    for t, mask in enumerate(truth):
        p = match.get(t)
        if p is None:
            pairs.append(Pair(mask.label, None, 0, truth_px[t], 0, 0, truth_px[t], 0))
            continue
        union = truth_px[t] + predicted_px[p] - overlap(t, p)
        empty += union == 0
        rim = NANO if truth[t].counts == predicted[p].counts else 0
        if not rim and truth_px[t] and predicted_px[p]:
            arrays = decoded(mask.size, mask.counts), decoded(predicted[p].size, predicted[p].counts)
            both, either = _rim_counts(*arrays, BOUNDARY_RATIO)
            rim = round(NANO * both / either)
        pairs.append(Pair(mask.label, p, overlap(t, p), union, iou(t, p), rim, truth_px[t], predicted_px[p]))
    surplus = [p for p in range(len(predicted)) if p not in match.values()]
    if not truth and not predicted:
        empty = 1
    return MaskScore(tuple(pairs), len(surplus), sum(predicted_px[p] for p in surplus), empty)


Item = tuple[Sequence[Mask], Sequence[PredictedMask], Mapping[str, str]]
"""Truth masks, predicted masks and aliases of one question."""


def score_many(items: Sequence[Item]) -> list[MaskScore]:
    """`score_masks` of every item."""
    return [score_masks(*item) for item in items]


def boundary_iou(truth: BoolMask, predicted: BoolMask, ratio: float = BOUNDARY_RATIO) -> float:
    """Boundary IoU of two bool HW masks; 1.0 where both are empty."""
    both, either = _rim_counts(truth.astype(np.uint8), predicted.astype(np.uint8), ratio)
    return 1.0 if either == 0 else both / either


def boundary(mask: BoolMask, ratio: float = BOUNDARY_RATIO) -> BoolMask:
    """Pixels of the mask within d (Chebyshev) of its outside, d = `ratio` of the diagonal in pixels."""
    rim: BoolMask = _rim(mask.astype(np.uint8), _reach(mask.shape, ratio)) > 0
    return rim


def _reach(shape: tuple[int, ...], ratio: float) -> int:
    return max(1, round(ratio * float(np.hypot(shape[0], shape[1]))))


def _rim(mask: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    """Mask minus its erosion; 0/1, any orientation."""
    import cv2

    # d erosions by 3x3 are one by a square of 2 d + 1, and OpenCV splits a square into a row and a column.
    square = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    eroded = cv2.erode(mask, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    rim: NDArray[np.uint8] = mask - np.asarray(eroded, np.uint8)
    return rim


def _rim_counts(first: NDArray[np.uint8], second: NDArray[np.uint8], ratio: float) -> tuple[int, int]:
    """Pixels in both rims and in either, of two 0/1 masks."""
    import cv2

    reach = _reach(first.shape, ratio)
    rims = _rim(first, reach), _rim(second, reach)
    both = cv2.countNonZero(rims[0] & rims[1])
    return both, cv2.countNonZero(rims[0]) + cv2.countNonZero(rims[1]) - both


@lru_cache(maxsize=8)
def decoded(size: tuple[int, int], counts: str) -> NDArray[np.uint8]:
    """0/1 WH, read-only: RLE is column-major, and turning an image over its diagonal moves no boundary.

    The last few are kept: faithfulness measures the same masks right after their rims were compared.
    """
    from pycocotools import mask as coco

    turned: NDArray[np.uint8] = coco.decode(_rle(size, counts)).T
    turned.setflags(write=False)
    return turned


def _rle(size: tuple[int, int], counts: str) -> Any:
    return {"size": list(size), "counts": counts.encode("ascii")}


def name_of(label: str) -> str:
    """A label as it is compared."""
    return " ".join(label.replace("_", " ").casefold().split())


def _match(
    truth: Sequence[Mask], predicted: Sequence[PredictedMask], iou: _PairIou, aliases: Mapping[str, str]
) -> dict[int, int]:
    """Truth mask -> predicted mask."""
    named: dict[tuple[str, str], list[int]] = defaultdict(list)
    nameless: dict[str, list[int]] = defaultdict(list)
    for p, mask in enumerate(predicted):
        if mask.label is None:
            nameless[mask.frame].append(p)
        else:
            name = name_of(mask.label)
            named[mask.frame, aliases.get(name, name)].append(p)
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for t, entry in enumerate(truth):
        groups[entry.frame, name_of(entry.label)].append(t)
    match: dict[int, int] = {}
    for key, rows in groups.items():
        match |= _assign(rows, named.get(key, []), iou)
    by_frame: dict[str, list[int]] = defaultdict(list)
    for t, entry in enumerate(truth):
        if t not in match:
            by_frame[entry.frame].append(t)
    for frame, rows in by_frame.items():
        match |= _assign(rows, nameless.get(frame, []), iou)
    return match


def _assign(rows: list[int], columns: list[int], iou: _PairIou) -> dict[int, int]:
    """The pairing with the largest sum of IoU; the first in order among equals."""
    if not rows or not columns:
        return {}
    if len(rows) == 1 and len(columns) == 1:
        return {rows[0]: columns[0]}
    if len(rows) <= len(columns) and len(columns) <= 4:
        best = max(permutations(columns, len(rows)), key=lambda order: sum(map(iou, rows, order)))
        return dict(zip(rows, best, strict=True))
    # Loaded here alone: SciPy costs more to import than a whole file of one-mask questions to score.
    from scipy.optimize import linear_sum_assignment

    gains = np.array([[iou(row, column) for column in columns] for row in rows], dtype=np.int64)
    chosen = linear_sum_assignment(gains, maximize=True)
    return {rows[i]: columns[j] for i, j in zip(*(axis.tolist() for axis in chosen), strict=True)}
