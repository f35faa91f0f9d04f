"""Clearing: the ground under trees on one date that is something else on a later one."""

from __future__ import annotations

from terra_cot.chains.temporal.pair import Question, pair_task

TREES = ("tree", "tree cover", "mangrove", "mangroves", "broad-leaved forest", "coniferous forest", "mixed forest")

QUESTION = Question(
    "clearing",
    "lost",
    TREES,
    questions=(
        "What area of the {a.noun} of {t} is gone in {u}?",
        "What area of {a.noun} was lost between {t} and {u}?",
        "Measure the ground that {a.noun} covered in {t} and no longer cover{a.s} in {u}.",
        "Compare {t} with {u}: over what area did {a.noun} disappear?",
        "How large is the ground cleared of {a.noun} between {t} and {u}?",
    ),
    found=(
        "Ground with {a.noun} in {t} and without {a.them} in {u} {seg} makes up {size}.",
        "Where {t} shows {a.noun} and {u} something else {seg}, I count {size}.",
        "The cleared ground {seg} holds {size}.",
    ),
    missing=(
        "Where {t} shows {a.noun} and {u} something else {seg}, I count {size}: nothing was cleared.",
        "Ground that lost {a.noun} between the two dates {seg} makes up {size}, so all of {a.them} {a.is_} left.",
    ),
    none="No {a.noun} was lost between {t} and {u}.",
)

TASK = pair_task(QUESTION, "land_cover", (("sar", "backscatter_vh"), ("optical", "ndvi")))
