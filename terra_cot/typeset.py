"""Text on a picture, wrapped to a width; numbers in brackets are drawn as round marks in the colours of their masks.

The font is the one that comes with Pillow, so letters are the same on every machine. It has those of English: a letter
with an accent is drawn without it, a small two is a two set high and small, and what has no likeness stays a box.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from unicodedata import normalize

from PIL import ImageDraw, ImageFont

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
Color = tuple[int, int, int]
_MARK = re.compile(r"\[(\d+)\](.*)")
_NO_LETTER = "\uffff"
_LIKE = {
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "≥": ">=",
    "≤": "<=",
    "→": "->",
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
}
_HIGH = re.compile("([²³]+)")
_HIGH_SIZE = 0.62


@lru_cache
def font(size_px: int) -> Font:
    """The font that comes with Pillow, at a size."""
    return ImageFont.load_default(size_px)


def wrap(text: str, face: Font, width_px: int) -> list[str]:
    """Lines of `text` no wider than `width_px` in `face`; a longer word is cut."""
    lines = [""]
    for word in text.split():
        for piece in _cut(word, face, width_px):
            longer = f"{lines[-1]} {piece}".strip()
            if lines[-1] and length(longer, face) > width_px:
                lines.append(piece)
            else:
                lines[-1] = longer
    return lines


def _cut(word: str, face: Font, width_px: int) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and length(pieces[-1] + letter, face) > width_px:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def length(text: str, face: Font) -> float:
    """Pixels that a text is wide, as `write` draws it."""
    words = text.split(" ")
    return sum(own.getlength(piece) for word in words for piece, own, _ in _runs(word, face)) + _space(face) * (
        len(words) - 1
    )


def write(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], line: str, face: Font, ink: Color, marks: Sequence[Color] = ()
) -> None:
    """Write one line; a word `[n]` of which there is a colour in `marks` is drawn as a mark."""
    x, y = at
    space = _space(face)
    for word in line.split():
        found = _MARK.fullmatch(word)
        if found and 1 <= int(found[1]) <= len(marks):
            x = mark(pen, (x + 2, y), found[1], face, marks[int(found[1]) - 1])
            word = found[2]
        for piece, own, down in _runs(word, face):
            pen.text((x, y + down), piece, ink, own)
            x += own.getlength(piece)
        x += space


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


def _space(face: Font) -> float:
    """Between two words. The font's own, rounded to its pixels, is too narrow at the sizes of a caption."""
    size = face.size if isinstance(face, ImageFont.FreeTypeFont) else 0
    return max(face.getlength(" "), round(0.28 * size))


def _runs(text: str, face: Font) -> list[tuple[str, Font, float]]:
    """(letters that the font has, the font at their size, pixels below the top of the line)."""
    found: list[tuple[str, Font, float]] = []
    for number, part in enumerate(_HIGH.split(text)):
        if not number % 2:
            found += [("".join(map(_drawable, part)), face, 0.0)] if part else []
        elif isinstance(face, ImageFont.FreeTypeFont):
            small = font(round(face.size * _HIGH_SIZE))
            # The tops of high and plain digits are on one line.
            found.append((normalize("NFKD", part), small, face.getbbox("0")[1] - small.getbbox("0")[1]))
        else:
            found.append((normalize("NFKD", part), face, 0.0))
    return found


@lru_cache(maxsize=4096)
def _drawable(letter: str) -> str:
    """The letter, or what is most like it of what the font has."""
    if _there(letter):
        return letter
    like = _LIKE.get(letter) or "".join(piece for piece in normalize("NFKD", letter) if _there(piece))
    return like or letter


@lru_cache(maxsize=4096)
def _there(letter: str) -> bool:
    face = font(20)
    return letter.isspace() or bytes(face.getmask(letter)) != bytes(face.getmask(_NO_LETTER))
