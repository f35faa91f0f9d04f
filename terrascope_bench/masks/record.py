"""The masks of one question come down to whole numbers: pixels, and IoU in billionths.

Named tuples, since a few are made for every question and a frozen dataclass takes four times as long to make.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NANO = 1_000_000_000


class Pair(NamedTuple):
    """One truth mask and what was predicted for it: number of the predicted mask (None: missing), I and U in pixels.

    `iou` and `boundary_iou` are in billionths; `truth_px` and `predicted_px` are the foreground pixels of each side.
    """

    label: str
    predicted: int | None
    iou: int
    boundary_iou: int
    intersection: int
    union: int
    predicted_px: int
    truth_px: int


class MaskScore(NamedTuple):
    """All masks of one question: `iou` and `boundary_iou` are means in billionths over max(truth, predicted) masks.

    `missing` are truth masks without a predicted one, `surplus` predicted masks without a truth mask and `surplus_px`
    their pixels. Pixels are sums over all masks, missing and surplus ones too: precision is I / `predicted_px`, recall
    I / `truth_px`.
    """

    pairs: tuple[Pair, ...]
    iou: int
    boundary_iou: int
    intersection: int
    union: int
    predicted_px: int
    truth_px: int
    missing: int
    surplus: int
    surplus_px: int
    empty_pairs: int

    @classmethod
    def of(cls, pairs: Sequence[Pair], surplus: int, surplus_px: int) -> MaskScore:
        """Add up the pairs and what was predicted beside them."""
        iou = rim = both = union = predicted_px = truth_px = missing = empty = 0
        for pair in pairs:
            iou += pair.iou
            rim += pair.boundary_iou
            both += pair.intersection
            union += pair.union
            predicted_px += pair.predicted_px
            truth_px += pair.truth_px
            if pair.predicted is None:
                missing += 1
            elif pair.union == 0:
                empty += 1
        places = max(len(pairs), len(pairs) - missing + surplus)
        if places == 0:
            return cls((), NANO, NANO, 0, 0, 0, 0, 0, 0, 0, 1)
        return cls(
            tuple(pairs),
            round(iou / places),
            round(rim / places),
            both,
            union + surplus_px,
            predicted_px + surplus_px,
            truth_px,
            missing,
            surplus,
            surplus_px,
            empty,
        )
