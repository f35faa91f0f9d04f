"""Flood extent: the ground under water on one date that was not water on an earlier one."""

from __future__ import annotations

from terra_cot.chains.temporal.pair import Question, pair_task

WATER = ("water", "permanent water", "inland waters", "marine waters")
"""Classes of open water, by name; wetlands are not."""

QUESTION = Question(
    "flood_extent",
    "new",
    WATER,
    questions=(
        "How much ground is under {a.noun} in {u} that was not in {t}?",
        "Over what area did {a.noun} spread between {t} and {u}?",
        "Measure the ground that {a.noun} cover{a.s} in {u} but not in {t}.",
        "How large is the ground flooded in {u}, compared with {t}?",
        "Compare {t} with {u}: what is the extent of the flooded ground?",
    ),
    found=(
        "Ground that is under {a.noun} in {u} and was not in {t} {seg} makes up {size}.",
        "Where {u} shows {a.noun} and {t} does not {seg}, I count {size}.",
        "The flooded ground, {a.noun} in {u} alone {seg}, holds {size}.",
    ),
    missing=(
        "Ground that is under {a.noun} in {u} and was not in {t} {seg} makes up {size}: nothing was flooded.",
        "Where {u} shows {a.noun} and {t} does not {seg}, I count {size}, so there is no flooded ground.",
    ),
    none="No ground was flooded between {t} and {u}.",
)

TASK = pair_task(QUESTION, "land_cover", (("sar", "backscatter_vv"), ("optical", "ndwi")))
