"""Any text can be drawn with the font at hand, and takes the room that was counted for it."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from terra_cot.typeset import font, length, wrap, write

FACE = font(40)


def drawn(text: str) -> np.ndarray:
    canvas = Image.new("RGB", (900, 70), (255, 255, 255))
    write(ImageDraw.Draw(canvas), (0, 8), text, FACE, (0, 0, 0))
    return np.asarray(canvas)[..., 0] < 128


def test_letters_that_the_font_lacks_are_drawn_as_what_is_like_them() -> None:
    assert np.array_equal(drawn("forêt à 3–5 × 10"), drawn("foret a 3-5 x 10"))
    assert np.array_equal(drawn("±4 °"), drawn("±4 °"))
    assert not np.array_equal(drawn("±4 °"), drawn("4"))


def test_a_small_two_is_high_and_small() -> None:
    plain, squared, followed = drawn("km"), drawn("km²"), drawn("km2")
    high = squared & ~plain
    rows, columns = np.nonzero(high)
    assert columns.min() > np.nonzero(plain)[1].max()
    digit = followed & ~plain
    # Its top is that of a plain digit (to a pixel), its foot well above.
    assert abs(int(rows.min()) - int(np.nonzero(digit)[0].min())) <= 1
    assert rows.max() < np.nonzero(digit)[0].max() - 8
    assert length("km", FACE) < length("km²", FACE) < length("km2", FACE)


def test_what_is_drawn_takes_the_room_that_was_counted() -> None:
    for text in ("forêt et prés", "12.5 km²", "m²m²", "×—→", "日本"):
        assert np.nonzero(drawn(text))[1].max() <= length(text, FACE) + 1


def test_lines_fit_whatever_the_words() -> None:
    face = font(15)
    text = f"a few short words and {'n' * 300} then more"
    lines = wrap(text, face, 200)
    assert max(length(line, face) for line in lines) <= 200
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert wrap("", face, 200) == [""]
