"""The explanation as one PNG: the question, a panel a mask on the image of its date, the chain and the answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from terra_cot.picture import numbered, overlay
from terra_cot.typeset import font, wrap, write
from terrascope_bench.explain.marked import Marked, base_of
from terrascope_bench.explain.views import View

_PANEL_PX, _GAP_PX, _TEXT_PX = 480, 18, 16
_LINE_PX = _TEXT_PX + 10
_INK, _SOFT, _PAPER, _RIGHT = (28, 33, 40), (98, 108, 120), (255, 255, 255), (10, 107, 63)
_ACROSS = 3


def picture(
    question: str,
    options: Sequence[str],
    chain: str,
    answer: str,
    views: Sequence[View],
    marked: Sequence[Marked],
    texts: Sequence[str],
) -> Image.Image:
    """RGB picture. `texts` are lines below all else: what was measured."""
    panels = [(_sized(view.pixels), f"{view.frame}, {view.modality}") for view in views]
    panels += [(_drawn(entry, views), f"{entry.title}: {_plain(entry.area)}") for entry in marked]
    across = min(_ACROSS, max(2, len(panels)))
    width = across * (_PANEL_PX + _GAP_PX) + _GAP_PX
    room = width - 2 * _GAP_PX
    face, large = font(_TEXT_PX), font(_TEXT_PX + 5)
    above = [(line, large, _INK) for line in wrap(question, large, room)]
    above += [(line, face, _SOFT) for line in (wrap(" / ".join(options), face, room) if options else [])]
    told = [line for part in numbered(_plain(chain)).splitlines() for line in wrap(part, face, room)]
    below = [(line, face, _INK) for line in told]
    below += [(line, large, _RIGHT) for text in (answer, *texts) if text for line in wrap(_plain(text), large, room)]
    rows = [panels[start : start + across] for start in range(0, len(panels), across)]
    heights = [max(pixels.shape[0] for pixels, _ in row) + _LINE_PX + 10 for row in rows]
    canvas = Image.new("RGB", (width, (len(above) + len(below)) * (_LINE_PX + 3) + sum(heights) + 4 * _GAP_PX), _PAPER)
    pen = ImageDraw.Draw(canvas)
    marks = [entry.color for entry in marked]
    y = _GAP_PX
    for line, size, ink in above:
        write(pen, (_GAP_PX, y), line, size, ink)
        y += _LINE_PX + 3
    y += _GAP_PX // 2
    for row, height in zip(rows, heights, strict=True):
        for column, (pixels, title) in enumerate(row):
            x = _GAP_PX + column * (_PANEL_PX + _GAP_PX)
            canvas.paste(Image.fromarray(pixels), (x, y))
            write(pen, (x, y + pixels.shape[0] + 5), wrap(title, face, _PANEL_PX)[0], face, _SOFT, marks)
        y += height
    for line, size, ink in below:
        write(pen, (_GAP_PX, y), line, size, ink, marks)
        y += _LINE_PX + 3
    return canvas


def _plain(text: str) -> str:
    """The font that comes with Pillow has no small two."""
    return text.replace("²", "2")


def _drawn(entry: Marked, views: Sequence[View]) -> NDArray[np.uint8]:
    base = _sized(base_of(views, entry.date).pixels)
    share = Image.fromarray(np.rint(entry.share * 255).astype(np.uint8))
    way = Image.Resampling.NEAREST if share.width <= base.shape[1] else Image.Resampling.BOX
    region = np.asarray(share.resize((base.shape[1], base.shape[0]), way)) > 127
    return overlay(base, region, entry.color)


def _sized(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = _PANEL_PX / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return np.asarray(Image.fromarray(pixels).resize(size, way))
