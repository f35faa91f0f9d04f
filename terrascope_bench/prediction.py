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
| masks[].size | [height, width] of the question's images, exactly; with `resize` any within the limits |
| masks[].counts | COCO compressed RLE text of at most 2 MiB that fills height x width pixels |

Other fields are let through, unless they look like a slip of the pen (`mask` for `masks`). The rules themselves are in
`submission/check.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from terra_cot.visible import visible
from terrascope_bench.question import Question

MAX_MASKS = 64
MAX_LABEL = 200
MAX_COUNTS = 2**21
"""Characters of one mask's RLE: a mask of full noise on 1024 x 1024 px has a quarter of it."""
MAX_SIDE = 4096
MAX_RESIZED_PX = 2**26
"""Pixels of all masks of a line that are to be resized: 64 masks of 1024 x 1024. Decoding them takes under a second."""
FIELDS = ("question_id", "response", "answer", "error", "confidence", "masks")
MASK_FIELDS = ("frame", "label", "size", "counts")


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong at one place of a submission.

    `line` counts from 1: lines of JSONL, rows of Parquet, results of the official scripts' JSON; `place` says which.
    `kind` is a stable word to count by.
    """

    line: int
    field: str
    problem: str
    got: str | None = None
    expected: str | None = None
    fix: str | None = None
    place: str = "line"
    kind: str = "malformed"

    def __str__(self) -> str:
        text = f"{self.place} {self.line}: "
        text += f"{self.field}: {self.problem}" if self.field else self.problem
        if self.got is not None:
            text += f"; got {self.got}"
        if self.expected is not None:
            text += f", expected {self.expected}"
        if self.fix is not None:
            text += f"; {self.fix}"
        return visible(text)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a line must fit: the size of the question's images in pixels and the dates it shows.

    `question`, `images` (names that its images go by) and `answer` (its letter) find and check the results of a file
    that names questions by their text; None, or no names, where the benchmark does not tell. `asked` (frame and label
    of its evidence masks, as they are compared; None where that is not known), `legend`, `view` and `options` (how
    many) are what doubts are told by (`submission.doubts`).
    """

    height: int
    width: int
    frames: tuple[str, ...]
    question: str | None = None
    images: tuple[str, ...] = ()
    answer: str | None = None
    asked: frozenset[tuple[str, str]] | None = None
    legend: str | None = None
    view: str | None = None
    options: int | None = None

    @classmethod
    def of(cls, question: Question) -> Expected:
        stem = question.tile_id or question.question_id
        paths = [frame.to_row(stem)["image"]["path"] for frame in question.frames]
        return cls(
            question.height,
            question.width,
            question.frame_names,
            question.question,
            image_names(question.source_id, *paths, question.tile_id, question.question_id),
            question.answer,
        )


def image_names(*paths: str | None) -> tuple[str, ...]:
    """The last part of each path, of whatever system, each once; nothing of what has none."""
    names = (path.replace("\\", "/").rpartition("/")[2] for path in paths if path)
    return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True)
class PredictedMask:
    """A mask that is safe to decode at `size`. `label` is None where the model named no class."""

    frame: str
    label: str | None
    size: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """A checked line. `line` is its number in the file (see `Defect`), 0 where it comes from no file.

    `notes` are what a runner has to say of its reply; they are written, and never scored.
    """

    question_id: str
    response: str | None = None
    answer: str | None = None
    masks: tuple[PredictedMask, ...] = ()
    error: str | None = None
    confidence: float | None = None
    notes: Mapping[str, Any] | None = None
    line: int = field(default=0, compare=False)

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
