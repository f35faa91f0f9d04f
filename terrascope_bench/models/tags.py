"""What stands between `<name>` and `</name>`, in one pass: a hostile reply may hold a million tags."""

from __future__ import annotations

import re


def inside(text: str, name: str) -> tuple[int, list[str]]:
    """How often `<name>` is opened, and the texts of those blocks that end, each up to the first `</name>`."""
    opened, blocks, start = 0, [], None
    for tag in re.finditer(rf"<(/?){name}>", text, re.IGNORECASE):
        if tag[1]:
            if start is not None:
                blocks.append(text[start : tag.start()])
            start = None
        else:
            opened += 1
            start = tag.end() if start is None else start
    return opened, blocks


def after_thinking(text: str) -> str:
    """The part of a reply that is said: what follows its last `</think>`, all of it where there is none."""
    return re.split(r"</think>", text, flags=re.IGNORECASE)[-1]
