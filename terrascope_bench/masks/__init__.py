"""Masks are compared pixel for pixel: a missing mask counts 0, a surplus one lowers the score, and empty is not free.

Matching. A predicted mask with a label belongs to the truth masks of the same frame and label (case, underscores and
spaces do not matter, and the word that the question used, "cropland", is as good as the label, "crop"); one without a
label to the truth masks of its frame that are left. Where several could pair up, the pairing with the largest sum of
IoU is taken (Hungarian assignment).

| truth | predicted | IoU and boundary IoU of the pair | intersection, union | truth px, predicted px |
|---|---|---|---|---|
| mask | mask | I / U | I, U | T, P |
| empty mask | empty mask | 1 (counted apart as `empty_pairs`) | 0, 0 | 0, 0 |
| empty mask | mask | 0 | 0, P | 0, P |
| mask | empty mask | 0 | 0, T | T, 0 |
| mask | none (missing) | 0 | 0, T | T, 0 |
| none | mask (surplus) | 0 | 0, P | 0, P |
| no masks at all | none | the question scores 1 (counted as one empty pair) | 0, 0 | 0, 0 |
| evidence not known | anything | the question is in no mask metric | - | - |

IoU of a question = sum over pairs / max(number of truth masks, number of predicted masks). gIoU = mean of these over
questions. Over the pixels of all questions: cIoU = sum of I / sum of U, precision = sum of I / sum of P, recall = sum
of I / sum of T; each is null where it would divide by 0. Boundary IoU: `rims`.

Sums are whole numbers (`NANO` parts of one), so a scorecard has the same digits on every machine.

How it is fast: `runs` parses the texts of many masks at once, `packed` turns runs into bits, 64 pixels a word, `rims`
erodes and counts them, `measure` does so in chunks that fit the cache, `scoring` puts questions together again. NumPy
alone: a compiler's load time would cost more than it saves.
"""

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
