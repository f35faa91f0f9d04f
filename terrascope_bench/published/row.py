"""A row of the published file is checked field by field; the first fault refuses it by a stable name.

| field | is |
|---|---|
| image | {bytes, path}, or bytes alone |
| question | text |
| candidates | JSON object letter -> text, or a struct or map of the same; letters A, B, ... without a gap |
| answer | one of those letters |
| task_type | a name of `names.py` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from terra_cot.errors import shorten
from terrascope_bench.published.names import nearest, task_code
from terrascope_bench.question import LETTERS

MAX_TEXT = 10_000
MAX_OPTION = 1_000
MAX_CANDIDATES_JSON = 64 * 1024
MAX_IMAGE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not imported: `reason` is counted, the rest tells why. `item` names what is no row of the file."""

    row: int | None
    reason: str
    field: str
    got: str
    expected: str
    item: str | None = None

    def to_row(self) -> dict[str, Any]:
        """A line of dropped.jsonl."""
        return {
            "row": self.row,
            "item": self.item,
            "reason": self.reason,
            "field": self.field,
            "got": shorten(self.got),
            "expected": self.expected,
        }


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A row whose texts are checked; the image is still as it came. `number` counts from 0."""

    number: int
    task: str
    question: str
    options: tuple[str, ...]
    answer: str
    image: bytes
    path: str | None


class _Fault(Exception):  # noqa: N818 - carries what is wrong out of a helper, caught in this file
    def __init__(self, reason: str, field: str, got: object, expected: str) -> None:
        super().__init__(reason)
        self.reason, self.field, self.got, self.expected = reason, field, got, expected


def parse_row(number: int, raw: Mapping[str, Any]) -> PublishedRow | Refused:
    """The checked row, or why it is refused."""
    try:
        task = _task(raw["task_type"])
        question = _text("question", raw["question"], MAX_TEXT)
        options = _options(raw["candidates"])
        answer = _answer(raw["answer"], options)
        image, path = _image(raw["image"])
    except _Fault as fault:
        return Refused(number, fault.reason, fault.field, shorten(fault.got), fault.expected)
    return PublishedRow(number, task, question, options, answer, image, path)


def _task(value: object) -> str:
    code = task_code(value) if isinstance(value, str) and len(value) <= MAX_OPTION else None
    if code is None:
        expected = nearest(value) if isinstance(value, str) and len(value) <= MAX_OPTION else "text"
        raise _Fault("unknown_task_type", "task_type", value, expected)
    return code


def _text(field: str, value: object, limit: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Fault(f"no_{field}", field, value, "text")
    if len(value) > limit:
        raise _Fault("text_too_long", field, f"{len(value)} characters", f"up to {limit}")
    return value


def _options(value: object) -> tuple[str, ...]:
    """Option texts in the order of their letters."""
    entries = _entries(value)
    if not 2 <= len(entries) <= len(LETTERS):
        raise _Fault("too_few_or_many_candidates", "candidates", f"{len(entries)} options", f"2 to {len(LETTERS)}")
    letters = LETTERS[: len(entries)]
    if sorted(entries) != list(letters):
        raise _Fault("candidates_not_lettered", "candidates", sorted(entries), f"the letters {', '.join(letters)}")
    texts = []
    for letter in letters:
        text = entries[letter]
        if isinstance(text, int | float) and not isinstance(text, bool):
            text = orjson.dumps(text).decode()
        texts.append(_option(letter, text))
    return tuple(texts)


def _option(letter: str, text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise _Fault("empty_candidate", f"candidates.{letter}", text, "text")
    if len(text) > MAX_OPTION:
        raise _Fault("text_too_long", f"candidates.{letter}", f"{len(text)} characters", f"up to {MAX_OPTION}")
    return text


def _entries(value: object) -> dict[str, object]:
    """Letter -> value of candidates in any of their forms, letters upper-cased."""
    if isinstance(value, str | bytes):
        if len(value) > MAX_CANDIDATES_JSON:
            raise _Fault("text_too_long", "candidates", f"{len(value)} characters", f"up to {MAX_CANDIDATES_JSON}")
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise _Fault("candidates_not_json", "candidates", value, "a JSON object") from None
    elif isinstance(value, list) and all(isinstance(entry, tuple) and len(entry) == 2 for entry in value):
        value = dict(value)  # an Arrow map
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _Fault("candidates_not_json", "candidates", value, "a JSON object of letters")
    # A struct column has a field for every letter that any row uses.
    return {key.strip().upper(): text for key, text in value.items() if text is not None}


def _answer(value: object, options: tuple[str, ...]) -> str:
    letters = LETTERS[: len(options)]
    letter = value.strip().upper() if isinstance(value, str) else ""
    if len(letter) != 1 or letter not in letters:
        raise _Fault("answer_not_among_candidates", "answer", value, f"one of {', '.join(letters)}")
    return letter


def _image(value: object) -> tuple[bytes, str | None]:
    path = None
    if isinstance(value, dict):
        path, value = value.get("path"), value.get("bytes")
    if not isinstance(value, bytes) or not value:
        raise _Fault("no_image", "image", path or value, "image bytes in the file")
    if len(value) > MAX_IMAGE_BYTES:
        raise _Fault("image_too_large", "image", f"{len(value)} bytes", f"up to {MAX_IMAGE_BYTES}")
    if path is not None and (not isinstance(path, str) or len(path) > MAX_OPTION):
        raise _Fault("text_too_long", "image.path", path, f"text of up to {MAX_OPTION} characters")
    return value, path or None
