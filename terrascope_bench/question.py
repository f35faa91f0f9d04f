"""A question carries all that a model may see and all that its answer is measured from, and nothing else is truth."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from terra_cot.counted import counted
from terra_cot.mask import Mask
from terra_cot.sample import Evidence, evidence_from_rows, evidence_rows
from terra_cot.store import shards
from terra_cot.tile import FrameRecord

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the questions table.

    `options` stand in the order of their letters; `option_values` are the numbers they name (None where they name
    none). `masks` are the evidence, None where it is not known; all lie on the grid of `height` x `width` px.
    `label_frame` is the date that the label map describes, `view` the classes that were asked about. What an imported
    benchmark does not tell is None: its tile, legend, view, date of the label map, ground sample distance.

    `question_id` is STEM-VARIANT: the stem names what is asked, the variant how it is shown (`opt`, `sar`, `opt+sar`,
    and with the ending `-pair` on two dates), so that variants of one question can be paired.
    """

    question_id: str
    task: str
    question: str
    options: tuple[str, ...]
    option_values: tuple[float, ...] | None
    answer: str
    frames: tuple[FrameRecord, ...]
    masks: tuple[Mask, ...] | None
    evidence: tuple[Evidence, ...]
    tile_id: str | None
    legend: str | None
    view: str | None
    label_frame: str | None
    split: str
    width: int
    height: int
    gsd_m: float | None
    source: str
    source_id: str
    licence: str

    def __post_init__(self) -> None:
        if self.answer not in self.letters:
            raise ValueError(f"{self.question_id}: answer {self.answer!r} is none of {self.letters}")

    @property
    def letters(self) -> str:
        return LETTERS[: len(self.options)]

    @property
    def stem(self) -> str:
        """What is asked: the id without the variant."""
        return split_id(self.question_id)[0]

    @property
    def variant(self) -> str | None:
        """How it is shown; None where the id does not tell."""
        return split_id(self.question_id)[1]

    @property
    def frame_names(self) -> tuple[str, ...]:
        """Dates shown, in order, without repetition."""
        return tuple(dict.fromkeys(frame.frame for frame in self.frames))

    def value_of(self, fact: str) -> float | None:
        """The measured value of the first evidence row of `fact`."""
        return next((item.value for item in self.evidence if item.fact == fact), None)

    def to_row(self) -> dict[str, Any]:
        row = {name: getattr(self, name) for name in _FIELDS}
        row["options"] = list(self.options)
        row["option_values"] = None if self.option_values is None else list(self.option_values)
        row["frames"] = [frame.to_row(self.tile_id or self.question_id) for frame in self.frames]
        row["masks"] = None if self.masks is None else [mask.to_row() for mask in self.masks]
        row["evidence"] = evidence_rows(self.evidence)
        return row

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Question:
        values = {name: row[name] for name in _FIELDS}
        values["options"] = tuple(row["options"])
        values["option_values"] = None if row["option_values"] is None else tuple(row["option_values"])
        values["frames"] = tuple(FrameRecord.from_row(frame) for frame in row["frames"])
        values["masks"] = None if row["masks"] is None else tuple(Mask.from_row(mask) for mask in row["masks"])
        values["evidence"] = evidence_from_rows(row["evidence"])
        return cls(**values)


_VARIANT = re.compile(r"(.+)-((?:opt|sar|opt\+sar)(?:-pair)?)")


def split_id(question_id: str) -> tuple[str, str | None]:
    """(stem, variant) of a question's id; the whole id and None where it ends in no variant."""
    found = _VARIANT.fullmatch(question_id)
    return (found[1], found[2]) if found else (question_id, None)


def told_rows(question_ids: Iterable[str]) -> str:
    """`28 questions, 84 rows`: a question is a row for each way that it is shown; `28 questions` where that is one."""
    names = list(question_ids)
    return told_total(len({split_id(name)[0] for name in names}), len(names))


def told_total(questions: int, rows: int) -> str:
    """As `told_rows`, where both are counted."""
    told = counted(questions, "question")
    return told if questions == rows else f"{told}, {counted(rows, 'row')}"


_FIELDS = tuple(entry.name for entry in fields(Question))
_TEXTS = pa.list_(pa.string())

QUESTIONS = shards.make_table(
    "questions",
    [
        ("question_id", pa.string()),
        ("task", pa.string()),
        ("question", pa.string()),
        ("options", _TEXTS),
        ("option_values", pa.list_(pa.float64())),
        ("answer", pa.string()),
        ("frames", pa.list_(shards.FRAME)),
        ("masks", pa.list_(shards.MASK)),
        ("evidence", pa.list_(shards.EVIDENCE)),
        ("tile_id", pa.string()),
        ("legend", pa.string()),
        ("view", pa.string()),
        ("label_frame", pa.string()),
        ("split", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("gsd_m", pa.float64()),
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("licence", pa.string()),
    ],
    rows_per_group=64,
)
"""Row groups of 64: a picture of each question is some 0.1 MB, so a group is held in a few megabytes."""
