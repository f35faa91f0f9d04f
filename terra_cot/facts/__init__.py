"""A fact is what the pixels of a label map say, exactly: no fact is estimated, and none has a plausible default.

An *index map* is HW uint8: 0 = void, 1..K = classes, K <= 64. `measure` turns one into `LabelFacts`; the functions on
single masks (HW bool) say the same about one or two regions, so that a chain written from the first can be verified
with the second. Facts are in pixels; metres come from `area_m2` and `distance_m`, which are given the pixel size.

Rules (TerraScope, the tasks of TerraScope-Bench): coverage and area count pixels, and void is in no denominator (CA,
AQ); two classes are adjacent if the 3x3 dilation of one meets the other (BRD); the distance of two classes is the
least Euclidean distance of their pixels, once an opening has removed isolated pixels (DM).

Why it is fast: a map is cut into horizontal runs of one class, some ten times fewer than its pixels (`runs`). And
instead of a distance transform per pair of classes, one image of bit sets is dilated for all pairs at once
(`distance`); that leaves few candidates, whose distances are integers until the last square root.
"""

from terra_cot.facts.change import shared_px, transitions
from terra_cot.facts.labels import LabelFacts, measure, open_classes
from terra_cot.facts.layout import MAX_CLASSES
from terra_cot.facts.masks import adjacent, centroid, components, distance_px, opened, pixels
from terra_cot.facts.regions import BUFFER_PX, before_pct, largest_patch, near, patches, within_pct
from terra_cot.facts.units import area_m2, distance_m, location, share_pct

__all__ = [
    "BUFFER_PX",
    "MAX_CLASSES",
    "LabelFacts",
    "adjacent",
    "area_m2",
    "before_pct",
    "centroid",
    "components",
    "distance_m",
    "distance_px",
    "largest_patch",
    "location",
    "measure",
    "near",
    "open_classes",
    "opened",
    "patches",
    "pixels",
    "share_pct",
    "shared_px",
    "transitions",
    "within_pct",
]
