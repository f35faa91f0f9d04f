"""What a step shows the language model of its mask: the tokens that it selects (Sec. 4), or a control of the paper.

| rule | tokens that [SEG] appends |
|---|---|
| `mask` | those that the mask covers (`select`): the method |
| `box` | those that the mask's bounding box covers |
| `random` | as many as the mask would, anywhere in the image |
| `none` | none: the mask is made and supervised, and not looked at |

Training and generation ask this file alone, so a model is tested by the rule it was trained by.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from terra_cot.draw import seed_of
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.select import Selection, select


def evidence(mask: NDArray[np.bool_], grid: tuple[int, int], config: TerraScopeConfig, name: str) -> Selection:
    """The tokens of a grid (rows, columns) that a mask (HW) of the question `name` appends."""
    if config.evidence == "none":
        return Selection(np.zeros(0, dtype=np.int64), "none")
    if config.evidence == "box":
        return select(boxed(mask), grid, config.coverage, config.tokens_max)
    own = select(mask, grid, config.coverage, config.tokens_max)
    return own if config.evidence == "mask" else scattered(own, grid, mask, name)


def boxed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The bounding box of a mask, filled; of an empty mask nothing."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    out = np.zeros_like(mask)
    if rows.size:
        out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out


def scattered(own: Selection, grid: tuple[int, int], mask: NDArray[np.bool_], name: str) -> Selection:
    """As many tokens as `own`, drawn by the question and the mask: the same in training and generation."""
    drawn = np.random.default_rng(seed_of(0, "tokens", name, sha256(np.packbits(mask).tobytes()).hexdigest()))
    tokens = np.sort(drawn.choice(grid[0] * grid[1], size=own.tokens.size, replace=False)).astype(np.int64)
    return Selection(tokens, "random")
