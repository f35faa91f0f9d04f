"""The stages of a run, in order: scan, tile, select, generate, finish. `curate.py` puts them together.

Each works part by part, and a finished part is never made twice. Part k of the samples follows from part k of the tiles
alone, part k of the tiles from its own scenes.
"""

from __future__ import annotations

from collections.abc import Callable

OnStep = Callable[[str, int, int], None]
"""Told the stage ("scan", "tile", "count", "generate"), what is done and how much there is (0 while unknown)."""
