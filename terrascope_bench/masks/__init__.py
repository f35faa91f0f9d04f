"""Masks are compared pixel for pixel."""

from terrascope_bench.masks.plain import (
    NANO,
    Item,
    MaskScore,
    Pair,
    boundary,
    boundary_iou,
    decoded,
    name_of,
    score_many,
    score_masks,
)

__all__ = [
    "NANO",
    "Item",
    "MaskScore",
    "Pair",
    "boundary",
    "boundary_iou",
    "decoded",
    "name_of",
    "score_many",
    "score_masks",
]
