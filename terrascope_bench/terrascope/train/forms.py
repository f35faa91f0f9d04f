"""The form of a reply: a chain with masks, the same words without them, or the answer alone (ablation of the chain)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from terrascope_bench.terrascope.prompt import SEG

if TYPE_CHECKING:
    from terrascope_bench.terrascope.sequence import Told

Form = Literal["masks", "text", "none"]
_NEXT = re.compile(rf":?\s*{re.escape(SEG)}(?=\w)")
_SEG = re.compile(rf"\s*{re.escape(SEG)}")


def formed(told: Told, form: Form) -> Told:
    """A question with its reply in another form; what has no [SEG] has no mask."""
    if form == "masks":
        return told
    return replace(told, chain=without_masks(told.chain) if form == "text" else "", masks=[], looked=None)


def without_masks(chain: str) -> str:
    """The words of a chain: "grass: [SEG]crop: [SEG] So" becomes "grass, crop: So"."""
    return _SEG.sub("", _NEXT.sub(", ", chain))
