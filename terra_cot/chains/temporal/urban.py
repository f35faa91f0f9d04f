"""Urban growth: ground that became developed between two dates."""

from __future__ import annotations

from terra_cot.chains.temporal.pair import Question, pair_task

BUILT = ("developed area", "built-up", "urban fabric", "industrial or commercial units")

QUESTION = Question(
    "urban_growth",
    "new",
    BUILT,
    questions=(
        "How much ground became {a.noun} between {t} and {u}?",
        "Over what area did {a.the} grow from {t} to {u}?",
        "Measure the ground that is {a.noun} in {u} but was not in {t}.",
        "Compare {t} with {u}: what area was newly built over?",
        "How large is the ground that turned to {a.noun} from {t} to {u}?",
    ),
    found=(
        "Ground that is {a.noun} in {u} and was not in {t} {seg} makes up {size}.",
        "Where {u} shows {a.noun} and {t} does not {seg}, I count {size}.",
        "The growth, {a.noun} in {u} alone {seg}, holds {size}.",
    ),
    missing=(
        "Ground that is {a.noun} in {u} and was not in {t} {seg} makes up {size}: nothing was built.",
        "Where {u} shows {a.noun} and {t} does not {seg}, I count {size}, so there is no growth.",
    ),
    none="No ground turned to {a.noun} between {t} and {u}.",
)

TASK = pair_task(QUESTION, "land_cover", (("sar", "backscatter_vv"), ("optical", "ndvi")))
