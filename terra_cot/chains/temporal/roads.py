"""Road change: the ground that roads take up on one date and did not on an earlier one."""

from __future__ import annotations

from terra_cot.chains.temporal.pair import Question, pair_task

QUESTION = Question(
    "road_change",
    "new",
    ("road",),
    questions=(
        "What area of new {a.noun} appears between {t} and {u}?",
        "Compare {t} with {u}: how much ground do the new {a.noun} take up?",
        "Measure the {a.noun} of {u} that are not there in {t}.",
        "By what area of {a.noun} did the network grow from {t} to {u}?",
    ),
    found=(
        "The {a.noun} that {u} shows and {t} does not {seg} make up {size}.",
        "Where {u} has {a.noun} and {t} has none {seg}, I count {size}.",
        "The new {a.noun} of {u} {seg} hold {size}.",
    ),
    missing=(
        "Where {u} has {a.noun} and {t} has none {seg}, I count {size}: no road was built.",
        "The new {a.noun} of {u} {seg} hold {size}, so the network did not grow.",
    ),
    none="No new {a.noun} appear between {t} and {u}.",
)

TASK = pair_task(QUESTION, "objects", ())
