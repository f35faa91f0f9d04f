"""The explanation as one PNG: the question, a panel a mask on the image of its date, the chain and the answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terra_cot.picture import numbered, overlay
from terra_cot.sheet import SOFT, Sheet, Text, sized
from terrascope_bench.explain.chain import in_lines
from terrascope_bench.explain.marked import Marked, base_of
from terrascope_bench.explain.views import View

_PANEL_PX = 480
_SHEET = Sheet(_PANEL_PX, text_px=16, gap_px=18, across=3, least=2)


def picture(
    question: str,
    options: Sequence[str],
    chain: str,
    answer: str,
    views: Sequence[View],
    marked: Sequence[Marked],
    caveat: str,
    texts: Sequence[str],
) -> Image.Image:
    """RGB picture. `caveat` stands below an answer, `texts` below all else: what was measured, what is to be said."""
    shown = [
        (sized(view.pixels, _PANEL_PX), f"{view.frame} {'SAR' if view.modality == 'sar' else view.modality}")
        for view in views
    ]
    steps = [(_drawn(entry, views), f"{entry.title}: {entry.area}") for entry in marked]
    above = [Text(question, more_px=5), Text(" / ".join(options), SOFT)]
    # In no colour of what is right or wrong: there is no truth here.
    said = [Text(answer, more_px=5), Text(caveat, SOFT)] if answer else []
    below = [Text(numbered(in_lines(chain))), *said, *(Text(text, more_px=3) for text in texts)]
    return _SHEET.draw(above, _SHEET.rows(shown, steps), below, [entry.color for entry in marked])


def _drawn(entry: Marked, views: Sequence[View]) -> NDArray[np.uint8]:
    base = sized(base_of(views, entry.date).pixels, _PANEL_PX)
    share = Image.fromarray(np.rint(entry.share * 255).astype(np.uint8))
    way = Image.Resampling.NEAREST if share.width <= base.shape[1] else Image.Resampling.BOX
    region = np.asarray(share.resize((base.shape[1], base.shape[0]), way)) > 127
    return overlay(base, region, entry.color)
