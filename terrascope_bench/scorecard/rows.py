"""A metric is a ratio of two sums of whole numbers over questions; here are the numbers of a question and the ratios.

| metric | over | is |
|---|---|---|
| accuracy | all questions | the letter is right |
| giou, boundary_iou | questions with evidence masks | mean of the question's IoU (see `masks`) |
| ciou | questions with evidence masks | sum of intersections / sum of unions |
| precision, recall | questions with evidence masks | sum of intersections / sum of predicted (true) pixels |
| grounded_accuracy | questions with evidence masks | right letter and IoU >= 0.5 |
| lucky | questions with evidence masks | right letter and IoU < 0.5: right by something that is not there |
| misread | questions with evidence masks | IoU >= 0.5 and no right letter: seen, and misunderstood |
| faithfulness | questions with masks from the model, and a letter or a stated number | both follow, as far as given |
| option_faithfulness | of these, those with a letter | the letter follows from the model's own masks (see `judge`) |
| number_faithfulness | of these, those with a stated number | the number follows from the model's own masks |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from terrascope_bench.masks import NANO
from terrascope_bench.statistics import Sums, Value, ratio
from terrascope_bench.tally import MASK_COLUMNS, UNKNOWN, Tally

GROUNDED = 0.5
COLUMNS = (
    *("one", "right", "known", *MASK_COLUMNS),
    *("grounded", "lucky", "misread", "asked", "faithful", "picked", "follows", "numbered", "states"),
    *("known_right", "iou_right"),
)
AT = {name: k for k, name in enumerate(COLUMNS)}
METRICS: dict[str, tuple[str, str, int]] = {
    "accuracy": ("right", "one", 1),
    "giou": ("iou", "known", NANO),
    "ciou": ("intersection", "union", 1),
    "boundary_iou": ("boundary_iou", "known", NANO),
    "precision": ("intersection", "predicted_px", 1),
    "recall": ("intersection", "truth_px", 1),
    "grounded_accuracy": ("grounded", "known", 1),
    "lucky": ("lucky", "known", 1),
    "misread": ("misread", "known", 1),
    "faithfulness": ("faithful", "asked", 1),
    "option_faithfulness": ("follows", "picked", 1),
    "number_faithfulness": ("states", "numbered", 1),
}


def question_rows(tally: Tally) -> NDArray[np.int64]:
    """(n, COLUMNS) int64."""
    known, right = tally.known, tally.right
    values: dict[str, NDArray[np.int64]] = {name: np.where(known, tally.whole[name], 0) for name in MASK_COLUMNS}
    good = known & (tally.whole["iou"] >= GROUNDED * NANO)
    follows, states = tally.flags["follows"], tally.flags["states"]
    flags = {
        "one": np.ones(len(right), bool),
        "right": right,
        "known": known,
        "grounded": good & right,
        "lucky": known & right & ~good,
        "misread": good & ~right,
        "asked": (follows != UNKNOWN) | (states != UNKNOWN),
        "faithful": ((follows != UNKNOWN) | (states != UNKNOWN)) & (follows != 0) & (states != 0),
        "picked": follows != UNKNOWN,
        "follows": follows == 1,
        "numbered": states != UNKNOWN,
        "states": states == 1,
        "known_right": known & right,
    }
    values |= {name: flag.astype(np.int64) for name, flag in flags.items()}
    values["iou_right"] = values["iou"] * right
    return np.stack([values[name] for name in COLUMNS], axis=1)


def metrics(sums: Sums) -> dict[str, Value]:
    return {name: ratio(sums, AT[above], AT[below], scale) for name, (above, below, scale) in METRICS.items()}
