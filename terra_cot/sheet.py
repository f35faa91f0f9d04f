"""A sheet: lines of text, rows of titled images, lines of text. Every picture with masks and words is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from terra_cot.typeset import Color, font, wrap, write

Panel = tuple[NDArray[np.uint8], str]  # HW3 pixels and a title
INK, SOFT, RIGHT = (28, 33, 40), (98, 108, 120), (10, 107, 63)
_PAPER, _FRAME = (255, 255, 255), (203, 208, 214)
_LEAD_PX = 10  # between two lines


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `more_px` makes its letters larger than those of the sheet."""

    words: str
    ink: Color = INK
    more_px: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """Sizes in pixels: a panel's longer side, letters, gaps; rows have at most `across` panels.

    The sheet is at least `least` panels wide.
    """

    panel_px: int
    text_px: int
    gap_px: int
    across: int
    least: int

    def rows(self, shown: Sequence[Panel], steps: Sequence[Panel]) -> list[list[Panel]]:
        """Images and masks in rows: of their own where they are several and do not fit into one; else together."""
        found = [*shown, *steps]
        if len(shown) > 1 and len(found) > self.across:
            return [*self._even(shown), *self._even(steps)]
        return self._even(found)

    def draw(
        self,
        above: Sequence[Text],
        rows: Sequence[Sequence[Panel]],
        below: Sequence[Text],
        marks: Sequence[Color],
    ) -> Image.Image:
        """RGB picture. `[n]` in a title or text is drawn in the colour of mark n."""
        width = max(self.least, *map(len, rows)) * (self.panel_px + self.gap_px) + self.gap_px
        line_px = self.text_px + _LEAD_PX
        head, foot = (self._lines(texts, width - 2 * self.gap_px) for texts in (above, below))
        heights = [max(pixels.shape[0] for pixels, _ in row) + line_px + 10 for row in rows]
        height = (len(head) + len(foot)) * line_px + sum(heights) + 4 * self.gap_px
        canvas = Image.new("RGB", (width, height), _PAPER)
        pen = ImageDraw.Draw(canvas)
        y = self._put(pen, head, self.gap_px, marks) + self.gap_px // 2
        small = font(self.text_px - 1)
        for row, tall in zip(rows, heights, strict=True):
            for column, (pixels, title) in enumerate(row):
                x = self.gap_px + column * (self.panel_px + self.gap_px)
                canvas.paste(Image.fromarray(pixels), (x, y))
                # White ground, such as cloud, would run into the paper.
                pen.rectangle((x - 1, y - 1, x + pixels.shape[1], y + pixels.shape[0]), outline=_FRAME)
                write(pen, (x, y + pixels.shape[0] + 6), wrap(title, small, self.panel_px)[0], small, SOFT, marks)
            y += tall
        self._put(pen, foot, y + self.gap_px // 2, marks)
        return canvas

    def _even(self, found: Sequence[Panel]) -> list[list[Panel]]:
        """Rows as even as they can be."""
        count = -(-len(found) // self.across)
        across = -(-len(found) // count) if count else 1
        return [list(found[start : start + across]) for start in range(0, len(found), across)]

    def _lines(self, texts: Sequence[Text], width_px: int) -> list[Text]:
        return [
            Text(line, text.ink, text.more_px)
            for text in texts
            for part in text.words.splitlines()
            for line in wrap(part, font(self.text_px + text.more_px), width_px)
        ]

    def _put(self, pen: ImageDraw.ImageDraw, lines: Sequence[Text], y: int, marks: Sequence[Color]) -> int:
        for line in lines:
            write(pen, (self.gap_px, y), line.words, font(self.text_px + line.more_px), line.ink, marks)
            y += self.text_px + _LEAD_PX
        return y


def sized(pixels: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """The image with `side_px` on its longer side: pixels stay pixels where it grows."""
    scale = side_px / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize(size, way))
