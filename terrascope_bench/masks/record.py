"""The masks of one question come down to whole numbers: pixels, and IoU in billionths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

NANO = 1_000_000_000


class Pair(NamedTuple):
    """One truth mask and what was predicted for it: number of the predicted mask (None: missing), I and U in pixels.

    `iou` and `boundary_iou` are in billionths; `truth_px` and `predicted_px` are the foreground pixels of each side. A
    named tuple, since two are made for every question and a frozen dataclass takes four times as long to make.
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
        return sum([pair.intersection for pair in self.pairs])

    @property
    def union(self) -> int:
        return sum([pair.union for pair in self.pairs]) + self.surplus_px

    @property
    def truth_px(self) -> int:
        """Foreground pixels of all truth masks: what recall is a share of."""
        return sum([pair.truth_px for pair in self.pairs])

    @property
    def predicted_px(self) -> int:
        """Foreground pixels of all predicted masks, surplus ones too: what precision is a share of."""
        return sum([pair.predicted_px for pair in self.pairs]) + self.surplus_px

    @property
    def missing(self) -> int:
        return sum([pair.predicted is None for pair in self.pairs])

    def _mean(self, values: list[int]) -> int:
        places = max(len(values), len(values) - self.missing + self.surplus)
        return NANO if places == 0 else round(sum(values) / places)
