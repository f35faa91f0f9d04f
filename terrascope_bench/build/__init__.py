"""Tiles in, a benchmark folder out: two passes, so that no more than texts and one row group is in memory.

`propose` is pass 1: every candidate of every tile, from label maps alone. `selection` (the room above) balances them.
`variants` says with which frames a question can be shown, `questions` is pass 2: the chosen candidates with pictures
and masks. `training` refuses a benchmark that the same datasets' training tiles give away; `folder` claims and writes;
`make` is the order of all this, and the manifest.
"""

from __future__ import annotations

from terrascope_bench.build.make import SPLITS, build_benchmark
from terrascope_bench.build.variants import VARIANTS

__all__ = ["SPLITS", "VARIANTS", "build_benchmark"]
