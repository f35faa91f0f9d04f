"""Text on a picture, wrapped to a width; numbers in brackets are drawn as round marks in the colours of their masks."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PIL import ImageDraw, ImageFont

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
Color = tuple[int, int, int]
_MARK = re.compile(r"\[(\d+)\](.*)")


def font(size_px: int) -> Font:
    """The font that comes with Pillow: the same letters on every machine."""
    return ImageFont.load_default(size_px)


def wrap(text: str, face: Font, width_px: int) -> list[str]:
    """Lines of `text` no wider than `width_px` in `face`; a longer word is cut."""
    lines = [""]
    for word in text.split():
        for piece in _cut(word, face, width_px):
            longer = f"{lines[-1]} {piece}".strip()
            if lines[-1] and face.getlength(longer) > width_px:
                lines.append(piece)
            else:
                lines[-1] = longer
    return lines


def _cut(word: str, face: Font, width_px: int) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and face.getlength(pieces[-1] + letter) > width_px:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def write(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], line: str, face: Font, ink: Color, marks: Sequence[Color] = ()
) -> None:
    """Write one line; a word `[n]` of which there is a colour in `marks` is drawn as a mark."""
    x, y = at
    space = face.getlength(" ")
    for word in line.split():
        found = _MARK.fullmatch(word)
        if found and 1 <= int(found[1]) <= len(marks):
            x = mark(pen, (x, y), found[1], face, marks[int(found[1]) - 1])
            word = found[2]
        pen.text((x, y), word, ink, face)
        x += face.getlength(word) + space


def mark(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, face: Font, color: Color) -> float:
    """Draw `text` in a pill of `color`, on the line that begins at `at`; returns where the next word may begin."""
    x, y = at
    top, bottom = face.getbbox("0")[1], face.getbbox("0")[3]
    high = bottom - top + 8
    wide = max(high, face.getlength(text) + 8)
    box = (x, y + top - 4, x + wide, y + top - 4 + high)
    pen.rounded_rectangle(box, high / 2, fill=color, outline=(60, 66, 74))
    dark = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 140
    pen.text((x + (wide - face.getlength(text)) / 2, y), text, (17, 17, 17) if dark else (255, 255, 255), face)
    return x + wide + 3
