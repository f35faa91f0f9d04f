"""A line is checked against its question before anything of the size it claims is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from terra_cot.errors import DataError, did_you_mean, shorten
from terra_cot.mask import check_counts
from terrascope_bench.prediction import (
    FIELDS,
    MASK_FIELDS,
    MAX_COUNTS,
    MAX_LABEL,
    MAX_MASKS,
    MAX_RESIZED_PX,
    MAX_SIDE,
    Defect,
    Expected,
    PredictedMask,
    Prediction,
)

# Looking for the nearest of many names is slow: a file of a million unknown ones must not hang.
_MAX_SUGGESTIONS = 20
_MAX_SUGGESTED_FROM = 10_000


class Checker:
    """Checks lines against a benchmark; remembers the ids it has seen.

    With `resize` a mask of another size than the question's passes, within the limits, at its own size. With
    `texts_later` the RLE texts of a line that is good otherwise are left to `read_texts`.
    """

    def __init__(
        self,
        questions: Mapping[str, Expected],
        *,
        resize: bool = False,
        place: str = "line",
        texts_later: bool = False,
    ) -> None:
        self._questions = questions
        self._names = list(questions) if len(questions) <= _MAX_SUGGESTED_FROM else []
        self._seen: dict[str, int] = {}
        self._suggestions = _MAX_SUGGESTIONS
        self._resize = resize
        self._texts_later = texts_later
        self.place = place

    def check(self, value: object, line: int) -> Prediction | list[Defect]:
        """The prediction of one parsed line, or all its defects."""
        defects = Defects(line, self.place)
        if not isinstance(value, dict):
            defects.add("not_an_object", "", "a prediction is a JSON object", kind_of(value), "an object")
            return defects.found
        if "results" in value and "question_id" not in value:
            defects.add(
                "not_an_object",
                "results",
                "the official scripts' file, but not in their layout",
                fix='a file that begins with {"results": [, or whose name ends in .json, is read as theirs',
            )
            return defects.found
        for name, near in slips(value, FIELDS):
            defects.add("unknown_field", name, f'unknown field; did you mean "{near}"?')
        expected = self._question(value.get("question_id"), line, defects)
        texts = {name: _text(value.get(name), name, defects) for name in ("response", "answer", "error")}
        if all(value.get(name) is None for name in texts):
            defects.add("no_reply", "response", 'a line needs "response" or "answer" (or "error")')
        confidence = _confidence(value.get("confidence"), defects)
        masks = _masks(value.get("masks"), expected, self._resize, defects)
        if defects.found or not self._texts_later:
            defects.read_texts()
        if defects.found:
            return defects.found
        name, reply = value["question_id"], (texts["response"], texts["answer"])
        return Prediction(name, *reply, tuple(masks), texts["error"], confidence, line=line)

    def _question(self, name: object, line: int, defects: Defects) -> Expected | None:
        if not isinstance(name, str):
            defects.add(
                "no_question_id",
                "question_id",
                "is missing" if name is None else "must be text",
                None if name is None else kind_of(name),
            )
            return None
        expected = self._questions.get(name)
        if expected is None:
            hint = did_you_mean(name[:80], self._names) if self._suggestions > 0 else ""
            self._suggestions -= 1
            defects.add(
                "unknown_question", "question_id", f"no such question in the benchmark{hint}", shorten(name, 80)
            )
        elif name in self._seen:
            defects.add(
                "repeated_question",
                "question_id",
                f"answered already on {self.place} {self._seen[name]}",
                shorten(name, 80),
            )
        else:
            self._seen[name] = line
        return expected


class Defects:
    """The defects of one line, as they are found."""

    def __init__(self, line: int, place: str) -> None:
        self._line, self._place = line, place
        self.found: list[Defect] = []
        self.texts: list[tuple[str, tuple[int, int], str]] = []
        """Field, size and RLE text of masks whose text was not read yet."""

    def read_texts(self) -> None:
        """Read the RLE texts, one by one."""
        for field, size, text in self.texts:
            try:
                check_counts(size, text)
            except DataError as error:
                self.add_text(field, error)
        self.texts.clear()

    def add_text(self, field: str, error: DataError) -> None:
        got, expected = (None if part is None else shorten(part, 60) for part in (error.got, error.expected))
        self.add("mask_counts", field, error.problem, got, expected)

    def add(
        self,
        kind: str,
        field: str,
        problem: str,
        got: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.found.append(Defect(self._line, field, problem, got, expected, fix, self._place, kind))


def _text(value: object, field: str, defects: Defects) -> str | None:
    if value is None or isinstance(value, str):
        return value
    defects.add("wrong_type", field, "must be text", kind_of(value))
    return None


def _confidence(value: object, defects: Defects) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    got = shorten(value, 30) if isinstance(value, int | float) else kind_of(value)
    defects.add("confidence", "confidence", "must be a share", got, "a number from 0 to 1")
    return None


def _masks(value: object, expected: Expected | None, resize: bool, defects: Defects) -> list[PredictedMask]:
    if value is None:
        return []
    if not isinstance(value, list):
        defects.add("wrong_type", "masks", "must be a list", kind_of(value))
        return []
    if len(value) > MAX_MASKS:
        defects.add("too_many", "masks", "too many masks", str(len(value)), f"at most {MAX_MASKS}")
        return []
    out = []
    left = MAX_RESIZED_PX
    for number, entry in enumerate(value):
        mask = _mask(entry, f"masks[{number}]", expected, resize, defects)
        if mask is not None:
            out.append(mask)
            left -= mask.size[0] * mask.size[1]
    if resize and left < 0:
        got = f"{MAX_RESIZED_PX - left} px"
        defects.add("mask_size", "masks", "together too large to be resized", got, f"at most {MAX_RESIZED_PX} px")
    return out


def _mask(value: object, field: str, expected: Expected | None, resize: bool, defects: Defects) -> PredictedMask | None:
    if not isinstance(value, dict):
        defects.add("wrong_type", field, "a mask is an object", kind_of(value), ", ".join(MASK_FIELDS))
        return None
    before = len(defects.found)
    for name, near in slips(value, MASK_FIELDS):
        defects.add("unknown_field", f"{field}.{name}", f'unknown field; did you mean "{near}"?')
    label = _text(value.get("label"), f"{field}.label", defects)
    if label is not None and len(label) > MAX_LABEL:
        defects.add("mask_label", f"{field}.label", "too long", f"{len(label)} characters", f"at most {MAX_LABEL}")
    frame = _frame(value.get("frame"), f"{field}.frame", expected, defects)
    size = _size(value.get("size"), f"{field}.size", expected, resize, defects)
    counts = _counts(value.get("counts"), f"{field}.counts", size if frame is not None else None, defects)
    if frame is None or size is None or counts is None or len(defects.found) > before:
        return None
    return PredictedMask(frame, label, size, counts)


def _counts(value: object, field: str, size: tuple[int, int] | None, defects: Defects) -> str | None:
    """RLE text, noted to be read at `size`; without a size only its kind is looked at."""
    if isinstance(value, list):
        defects.add("mask_counts", field, "uncompressed RLE", "a list", "compressed RLE text (pycocotools frPyObjects)")
    elif not isinstance(value, str):
        defects.add("mask_counts", field, "must be RLE text", kind_of(value))
    elif size is not None and len(value) > MAX_COUNTS:
        defects.add("mask_counts", field, "RLE text is too long", f"{len(value)} characters", f"at most {MAX_COUNTS}")
    elif size is not None:
        defects.texts.append((field, size, value))
        return value
    return None


def _frame(value: object, field: str, expected: Expected | None, defects: Defects) -> str | None:
    if expected is None:
        return None
    if value is None and len(expected.frames) == 1:
        return expected.frames[0]
    if isinstance(value, str) and value in expected.frames:
        return value
    got = shorten(value, 40) if isinstance(value, str) else kind_of(value)
    defects.add("mask_frame", field, "not a frame of the question", got, " or ".join(expected.frames))
    return None


def _size(
    value: object, field: str, expected: Expected | None, resize: bool, defects: Defects
) -> tuple[int, int] | None:
    """[height, width], refused by the numbers alone before anything of that size is made."""
    if not (isinstance(value, list) and len(value) == 2 and all(type(entry) is int for entry in value)):
        got = shorten(value, 40) if isinstance(value, list) and len(value) <= 4 else kind_of(value)
        defects.add("mask_size", field, "must be [height, width] in whole pixels", got)
        return None
    if expected is None:
        return None
    height, width = value
    if [height, width] == [expected.height, expected.width]:
        return height, width
    within = 1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE
    if resize and within:
        return height, width
    got = shorten(value, 40)
    if resize:
        defects.add("mask_size", field, "cannot be resized", got, f"1 to {MAX_SIDE} px a side")
    else:
        own = f"[{expected.height}, {expected.width}]"
        fix = "write it at that size, or use --resize" if within else None
        defects.add("mask_size", field, "not the size of the question's images", got, own, fix)
    return None


def slips(value: dict[Any, Any], known: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(name, nearest) of unknown fields that are nearly a known one; fields of other names are nobody's fault."""
    from difflib import get_close_matches

    # The bound keeps an object of a million fields from costing a million comparisons.
    for name in islice((str(name) for name in value if name not in known), MAX_MASKS):
        near = get_close_matches(name[:40].lower(), known, n=1, cutoff=0.8)
        if near:
            yield shorten(name, 40), near[0]


def kind_of(value: object) -> str:
    """The type of a foreign value in JSON's words: its text could be megabytes."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"the number {shorten(value, 30)}" if isinstance(value, int | float) else "bytes")
