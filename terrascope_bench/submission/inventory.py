"""An inventory counts what a submission holds, sound and unsound, without scoring anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from terrascope_bench.answer_key import AnswerKey
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.judge import aliases
from terrascope_bench.prediction import Defect, Expected, Prediction
from terrascope_bench.question import told_rows
from terrascope_bench.submission import EMPTY, read_submission
from terrascope_bench.submission.doubts import Doubts
from terrascope_bench.submission.jsonl import OnBytes
from terrascope_bench.submission.source import open_source

EXAMPLES = 5
"""Defects of one kind that are kept to be shown."""


@dataclass(slots=True)
class Inventory:
    """What was found. `sound` lines are predictions; a question without one scores as missing, which is no defect.

    `by_kind` counts every defect; `defects` are the first of them, `examples` the first few of each kind. `doubts` are
    no defects: the lines are scored as they stand. `questions` are rows of the benchmark, `asked` says how many
    questions they show.
    """

    questions: int
    asked: str = ""
    sound: int = 0
    unsound: int = 0
    responses: int = 0
    answers: int = 0
    errors: int = 0
    confidences: int = 0
    with_masks: int = 0
    masks: int = 0
    defects: list[Defect] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Defect]] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)

    @property
    def n(self) -> int:
        """How many defects there are."""
        return self.by_kind.total()

    @property
    def missing(self) -> int:
        """Questions without a sound line: each question has one at most."""
        return self.questions - self.sound

    def to_json(self) -> dict[str, Any]:
        """The inventory as a JSON value."""
        names = ("sound", "unsound", "responses", "answers", "errors", "confidences", "with_masks", "masks")
        return {
            "questions": {"n": self.questions, "missing": self.missing},
            "lines": {name: getattr(self, name) for name in names},
            "n": self.n,
            "by_kind": dict(sorted(self.by_kind.items())),
            "defects": [asdict(defect) for defect in self.defects],
            "warnings": self.doubts.to_json(),
        }


def inspect_submission(
    path: Path, bench: Path, *, resize: bool = False, limit: int = 10_000, on_bytes: OnBytes | None = None
) -> Inventory:
    """The inventory of a submission to the benchmark in `bench`; arguments as of `take_inventory`.

    Raises:
        DataError: either cannot be opened, or is not of the format that it claims to be.
    """
    with open_source(path) as source:
        texts = source.kind == "official"  # its results name questions by their words
    key = AnswerKey(open_benchmark(bench), texts=texts, doubts=True)
    return take_inventory(path, key.expected, resize=resize, limit=limit, on_bytes=on_bytes)


def take_inventory(
    path: Path,
    questions: Mapping[str, Expected],
    *,
    resize: bool = False,
    limit: int = 10_000,
    on_bytes: OnBytes | None = None,
) -> Inventory:
    """Read a submission whole; at most `limit` defects are kept, all are counted.

    Raises:
        DataError: the file cannot be opened, or is not of the format that it claims to be.
    """
    found = Inventory(len(questions), told_rows(questions))
    last = None
    for item in read_submission(path, questions, resize=resize, on_bytes=on_bytes):
        if isinstance(item, Defect):
            _add_defect(found, item, limit)
            found.unsound += item.line != last
            last = item.line
        else:
            _add_line(found, item)
            expected = questions[item.question_id]
            words = aliases(expected.legend, expected.view)
            found.doubts.look(item, expected.asked, words, expected.options)
    if not (found.sound or found.unsound):
        _add_defect(found, EMPTY, limit)
    return found


def _add_defect(found: Inventory, defect: Defect, limit: int) -> None:
    found.by_kind[defect.kind] += 1
    examples = found.examples.setdefault(defect.kind, [])
    if len(examples) < EXAMPLES:
        examples.append(defect)
    if len(found.defects) < limit:
        found.defects.append(defect)


def _add_line(found: Inventory, line: Prediction) -> None:
    found.sound += 1
    found.responses += line.response is not None
    found.answers += line.answer is not None
    found.errors += line.error is not None
    found.confidences += line.confidence is not None
    found.with_masks += bool(line.masks)
    found.masks += len(line.masks)
