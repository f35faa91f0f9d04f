"""A chain for people to read: each look at a mask begins a line of its own, wherever a model leaves out the break."""

from __future__ import annotations

import re

# After a mask or what it measures: the date of the next look, or its class right behind the bracket.
_NEXT = re.compile(r"(?<=[\])])(?:\s*(?=Image: t\d)|(?=\w))")


def in_lines(chain: str) -> str:
    """`tree: [SEG] (29 parts)crop: [SEG]` as two lines; other text is left as it is."""
    return _NEXT.sub("\n", chain)
