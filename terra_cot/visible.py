"""Foreign text that people are shown holds no character that steers a screen: such characters are spelled out.

Control characters could move a terminal's cursor, format characters could turn the direction of a line around or hide
between letters. Escaping for HTML is another matter, and the template engine's.
"""

from __future__ import annotations

from unicodedata import category

_FIRST_PICTURE = 0x2400  # "␀": the pictures of the 32 control characters follow in their order


def visible(text: str, *, limit: int | None = None, lines: bool = False) -> str:
    """`text` with its unprintable characters as `␛` or `⟨U+202E⟩`, odd spaces as plain ones.

    Args:
        limit: characters kept; what is longer ends in `…`.
        lines: keep line feeds and tabs (a carriage return before a line feed goes); else they become spaces.
    """
    # Cut before the work is done: a reply may be megabytes long.
    cut = limit is not None and len(text) > limit
    kept = text[: limit - 1] if limit is not None and cut else text
    kept = kept.replace("\r\n", "\n") if lines else kept.replace("\n", " ").replace("\t", " ")
    if not kept.isprintable():
        kept = "".join(character if character in "\n\t" else _spelled(character) for character in kept)
    return f"{kept}…" if cut else kept


def _spelled(character: str) -> str:
    if character.isprintable():
        return character
    if category(character) == "Zs":
        return " "
    code = ord(character)
    if code < 0x20:
        return chr(_FIRST_PICTURE + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"
