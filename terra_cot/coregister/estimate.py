"""A shift is believed only when self-similarity and edges, taken apart, name the same place and the match is strong.

Within one modality self-similarity gives the shift and edges confirm it; between optical and SAR the weighted sum of
the two surfaces gives it. The thresholds were measured on real and on made mismatched pairs, and what they yield is
printed by `tests/speed/alignment.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.coregister.describe import edges, images, self_similarity, trusted
from terra_cot.coregister.surface import Peak, similarity
from terra_cot.frame import Frame, Shift
from terra_cot.tile import ShiftReason

MIN_WIDTH_PX = 100
"""Below this height or width of commonly clear pixels chance matches are as strong as true ones between sensors."""

EDGE_WEIGHT = 0.5
"""Of edges in the sum across modalities: half keeps the median error of self-similarity and loses its wrong peaks."""

_PREFERRED = {"optical": ("B02", "B03", "B04", "B08"), "sar": ("VV", "VH")}  # optical: the bands of full resolution
_MOST_BANDS = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """When an estimate is believed.

    `score_min` bounds the self-similarity at its peak; that of chance falls with the square root of the pixels, so
    `chance` / sqrt(pixels) bounds it too. `agree_px` bounds the distance between the two estimates.
    """

    score_min: float
    chance: float
    agree_px: float

    def fault(self, alike: Peak, edge: Peak, best: Peak, pixels: float) -> ShiftReason | None:
        """Why an estimate is not believed; None when it is."""
        if best.on_border or alike.on_border:
            return "search_border"
        if alike.score < max(self.score_min, self.chance / np.sqrt(pixels)):
            return "weak_match"
        return "estimates_disagree" if alike.apart(edge) > self.agree_px else None


SAME = Rule(score_min=0.12, chance=12.0, agree_px=0.75)
CROSS = Rule(score_min=0.06, chance=9.0, agree_px=1.5)


def estimate_shift(reference: Frame, moving: Frame, max_shift_px: float = 8.0) -> Shift:
    """How far the content of `moving` lies from that of `reference`, both on one grid; they may differ in modality.

    Returns:
        status "removed" when trustworthy (the caller then reads again with the shift taken out), else "refused" with
        the reason. The score is the self-similarity at its peak, -1 to 1.
    """
    crossing = reference.modality != moving.modality
    bands = _bands(reference, moving)
    if bands is None:
        return _refused("no_common_band")
    if not _wide_enough(reference.clear() & moving.clear()):
        return _refused("too_little_in_common")
    first, second = (trusted(frame.clear()) for frame in (reference, moving))
    pixels = float((first * second).sum())
    if pixels < MIN_WIDTH_PX:
        return _refused("too_little_in_common")
    one, two = images(reference, bands[0], crossing), images(moving, bands[1], crossing)
    radius = int(max_shift_px)
    alike = similarity(self_similarity(one), self_similarity(two), first, second, radius)
    edge = similarity(edges(one, first), edges(two, second), first, second, radius)
    peaks = [surface.peak() for surface in (alike, edge, alike.plus(edge, EDGE_WEIGHT) if crossing else alike)]
    if peaks[0] is None or peaks[1] is None or peaks[2] is None:
        return _refused("featureless")
    best = peaks[2]
    fault = (CROSS if crossing else SAME).fault(peaks[0], peaks[1], best, pixels)
    found = (round(best.dy, 4), round(best.dx, 4))
    return Shift(found, round(peaks[0].score, 4), "refused" if fault else "removed", fault)


def _refused(reason: ShiftReason) -> Shift:
    return Shift(None, None, "refused", reason)


def _bands(reference: Frame, moving: Frame) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The bands to compare of each frame; the same ones where the modality is the same, None where there are none."""
    if reference.modality != moving.modality:
        return _choose(reference, reference.bands), _choose(moving, moving.bands)
    common = _choose(reference, tuple(name for name in reference.bands if name in moving.bands))
    return (common, common) if common else None


def _choose(frame: Frame, known: tuple[str, ...]) -> tuple[str, ...]:
    preferred = tuple(name for name in _PREFERRED[frame.modality] if name in known)
    return preferred or known[:_MOST_BANDS]


def _wide_enough(common: NDArray[np.bool_]) -> bool:
    """Whether the pixels in common reach over enough rows and columns."""
    spans = [np.flatnonzero(common.any(axis=axis)) for axis in (0, 1)]
    return all(len(span) > 0 and span[-1] - span[0] + 1 >= MIN_WIDTH_PX for span in spans)
