"""Masks are compared pixel for pixel."""

from terrascope_bench.masks.decoding import decoded, resized
from terrascope_bench.masks.matching import name_of
from terrascope_bench.masks.record import NANO, MaskScore, Pair
from terrascope_bench.masks.rims import boundary, boundary_iou
from terrascope_bench.masks.runs import check_many
from terrascope_bench.masks.scoring import Item, score_many, score_masks

__all__ = [
    "NANO",
    "Item",
    "MaskScore",
    "Pair",
    "boundary",
    "boundary_iou",
    "check_many",
    "decoded",
    "name_of",
    "resized",
    "score_many",
    "score_masks",
]
