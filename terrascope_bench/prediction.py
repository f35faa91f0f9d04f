"""A prediction is one checked line of a submission; whatever is wrong with a line is a Defect, never an exception.

| field | rule |
|---|---|
| question_id | text, a question of the benchmark, once in the file |
| response, answer | text; at least one of them, unless `error` says why there is none |
| error | text: the model failed on this question |
| confidence | a number from 0 to 1: how sure the model is of its answer; may be absent |
| masks | absent, null or a list of at most 64 of {frame, label, size, counts} |
| masks[].frame | a date that the question shows; may be absent where it shows only one |
| masks[].label | text of at most 200 characters, or absent |
| masks[].size | [height, width] of the question's images, exactly |
| masks[].counts | COCO compressed RLE text that fills height x width pixels |

Other fields are let through, unless they look like a slip of the pen (`mask` for `masks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from terra_cot.errors import DataError, did_you_mean, shorten
from terra_cot.mask import check_counts
from terrascope_bench.question import Question

MAX_MASKS = 64
MAX_LABEL = 200
FIELDS = ("question_id", "response", "answer", "error", "confidence", "masks")
MASK_FIELDS = ("frame", "label", "size", "counts")


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong at one place of a submission. `line` counts from 1 (rows of a Parquet file too)."""

    line: int
    field: str
    problem: str
    got: str | None = None
    expected: str | None = None

    def __str__(self) -> str:
        text = f"line {self.line}: {self.field}: {self.problem}" if self.field else f"line {self.line}: {self.problem}"
        if self.got is not None:
            text += f"; got {self.got}"
        return f"{text}, expected {self.expected}" if self.expected is not None else text


@dataclass(frozen=True, slots=True)
class Expected:
    """What a mask must fit: the size of the question's images in pixels and the dates it shows."""

    height: int
    width: int
    frames: tuple[str, ...]

    @classmethod
    def of(cls, question: Question) -> Expected:
        return cls(question.height, question.width, question.frame_names)


@dataclass(frozen=True, slots=True)
class PredictedMask:
    """A mask that is safe to decode. `label` is None where the model named no class."""

    frame: str
    label: str | None
    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """A checked line. `notes` are what a runner has to say of its reply; they are written, and never scored."""

    question_id: str
    response: str | None
    answer: str | None
    masks: tuple[PredictedMask, ...] = ()
    error: str | None = None
    confidence: float | None = None
    notes: Mapping[str, Any] | None = None

    def to_row(self) -> dict[str, Any]:
        """The line as JSON; absent fields are left out."""
        row: dict[str, Any] = {"question_id": self.question_id}
        for name in ("response", "answer", "error", "confidence"):
            value = getattr(self, name)
            if value is not None:
                row[name] = value
        if self.masks:
            row["masks"] = [
                {"frame": mask.frame, "label": mask.label, "size": list(mask.size), "counts": mask.counts}
                for mask in self.masks
            ]
        if self.notes:
            row["notes"] = dict(self.notes)
        return row


class Checker:
    """Checks lines against a benchmark; remembers the ids it has seen."""

    def __init__(self, questions: Mapping[str, Expected]) -> None:
        self._questions = questions
        self._names = list(questions)
        self._seen: dict[str, int] = {}
        self._suggestions = 20

    def check(self, value: object, line: int) -> Prediction | list[Defect]:
        """The prediction of one parsed line, or all its defects."""
        if not isinstance(value, dict):
            return [Defect(line, "", "a prediction is a JSON object", _kind(value), "an object")]
        if "results" in value and "question_id" not in value:
            return [
                Defect(line, "results", "the official scripts' file", None, "one JSON object a line, one a question")
            ]
        defects = list(_slips(value, FIELDS, "", line))
        expected = self._question(value.get("question_id"), line, defects)
        texts = {name: _text(value.get(name), name, line, defects) for name in ("response", "answer", "error")}
        if all(value.get(name) is None for name in texts):
            defects.append(Defect(line, "response", 'a line needs "response" or "answer" (or "error")'))
        confidence = _confidence(value.get("confidence"), line, defects)
        masks = _masks(value.get("masks"), expected, line, defects)
        if defects:
            return defects
        return Prediction(
            value["question_id"], texts["response"], texts["answer"], tuple(masks), texts["error"], confidence
        )

    def _question(self, name: object, line: int, defects: list[Defect]) -> Expected | None:
        if not isinstance(name, str):
            problem = "is missing" if name is None else "must be text"
            defects.append(Defect(line, "question_id", problem, None if name is None else _kind(name)))
            return None
        expected = self._questions.get(name)
        if expected is None:
            # Looking for the nearest of many names is slow: a file of a million unknown ones must not hang.
            hint = did_you_mean(name[:80], self._names) if self._suggestions > 0 else ""
            self._suggestions -= 1
            defects.append(Defect(line, "question_id", f"no such question in the benchmark{hint}", shorten(name, 80)))
        elif name in self._seen:
            defects.append(
                Defect(line, "question_id", f"answered already on line {self._seen[name]}", shorten(name, 80))
            )
        else:
            self._seen[name] = line
        return expected


def _text(value: object, field: str, line: int, defects: list[Defect]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    defects.append(Defect(line, field, "must be text", _kind(value)))
    return None


def _confidence(value: object, line: int, defects: list[Defect]) -> float | None:
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    got = shorten(value, 30) if isinstance(value, int | float) else _kind(value)
    defects.append(Defect(line, "confidence", "must be a share", got, "a number from 0 to 1"))
    return None


def _masks(value: object, expected: Expected | None, line: int, defects: list[Defect]) -> list[PredictedMask]:
    if value is None:
        return []
    if not isinstance(value, list):
        defects.append(Defect(line, "masks", "must be a list", _kind(value)))
        return []
    if len(value) > MAX_MASKS:
        defects.append(Defect(line, "masks", "too many masks", str(len(value)), f"at most {MAX_MASKS}"))
        return []
    out = []
    for number, entry in enumerate(value):
        mask = _mask(entry, f"masks[{number}]", expected, line, defects)
        if mask is not None:
            out.append(mask)
    return out


def _mask(
    value: object, field: str, expected: Expected | None, line: int, defects: list[Defect]
) -> PredictedMask | None:
    if not isinstance(value, dict):
        defects.append(Defect(line, field, "a mask is an object", _kind(value), ", ".join(MASK_FIELDS)))
        return None
    before = len(defects)
    defects += _slips(value, MASK_FIELDS, f"{field}.", line)
    label = _text(value.get("label"), f"{field}.label", line, defects)
    if label is not None and len(label) > MAX_LABEL:
        defects.append(Defect(line, f"{field}.label", "too long", f"{len(label)} characters", f"at most {MAX_LABEL}"))
    frame = _frame(value.get("frame"), f"{field}.frame", expected, line, defects)
    size = _size(value.get("size"), f"{field}.size", expected, line, defects)
    counts = value.get("counts")
    if isinstance(counts, list):
        defects.append(
            Defect(
                line, f"{field}.counts", "uncompressed RLE", "a list", "compressed RLE text (pycocotools frPyObjects)"
            )
        )
    elif not isinstance(counts, str):
        defects.append(Defect(line, f"{field}.counts", "must be RLE text", _kind(counts)))
    elif size is not None and frame is not None:
        try:
            check_counts(size, counts)
        except DataError as error:
            defects.append(
                Defect(
                    line,
                    f"{field}.counts",
                    error.problem,
                    None if error.got is None else shorten(error.got, 60),
                    None if error.expected is None else shorten(error.expected, 60),
                )
            )
        else:
            if len(defects) == before:
                return PredictedMask(frame, label, size, counts)
    return None


def _frame(value: object, field: str, expected: Expected | None, line: int, defects: list[Defect]) -> str | None:
    if expected is None:
        return None
    if value is None and len(expected.frames) == 1:
        return expected.frames[0]
    if isinstance(value, str) and value in expected.frames:
        return value
    got = shorten(value, 40) if isinstance(value, str) else _kind(value)
    defects.append(Defect(line, field, "not a frame of the question", got, " or ".join(expected.frames)))
    return None


def _size(
    value: object, field: str, expected: Expected | None, line: int, defects: list[Defect]
) -> tuple[int, int] | None:
    """[height, width], refused by the numbers alone before anything of that size is made."""
    if not (isinstance(value, list) and len(value) == 2 and all(type(entry) is int for entry in value)):
        got = shorten(value, 40) if isinstance(value, list) and len(value) <= 4 else _kind(value)
        defects.append(Defect(line, field, "must be [height, width] in whole pixels", got))
        return None
    if expected is not None and value != [expected.height, expected.width]:
        defects.append(
            Defect(
                line,
                field,
                "not the size of the question's images",
                str(value),
                f"[{expected.height}, {expected.width}]",
            )
        )
        return None
    return (value[0], value[1]) if expected is not None else None


def _slips(value: dict[Any, Any], known: tuple[str, ...], prefix: str, line: int) -> Iterator[Defect]:
    """Unknown fields that are nearly a known one; extra fields of other names are nobody's fault."""
    from difflib import get_close_matches

    # The bound keeps an object of a million fields from costing a million comparisons.
    for name in islice((str(name) for name in value if name not in known), MAX_MASKS):
        near = get_close_matches(name[:40].lower(), known, n=1, cutoff=0.8)
        if near:
            yield Defect(line, f"{prefix}{shorten(name, 40)}", f'unknown field; did you mean "{near[0]}"?')


def _kind(value: object) -> str:
    """The type of a foreign value in JSON's words: its text could be megabytes."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"the number {shorten(value, 30)}" if isinstance(value, int | float) else "bytes")
