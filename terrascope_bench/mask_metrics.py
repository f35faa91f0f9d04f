"""The names of `masks`, for code that still asks for them here."""

from terrascope_bench.masks import (
    NANO,
    MaskScore,
    Pair,
    boundary,
    boundary_iou,
    decoded,
    name_of,
    score_masks,
)

__all__ = ["NANO", "MaskScore", "Pair", "boundary", "boundary_iou", "decoded", "name_of", "score_masks"]
