"""What is reviewed: heads of all questions in memory, the rest read by row group when it is looked at.

A head is what a list shows. A question's text and masks, and its pictures, are read from their Parquet row group by
the question's number; a few groups are kept, those used last, within a bound of bytes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow.parquet as pq

from terra_cot.errors import DataError
from terra_cot.legend import noun_of
from terra_cot.mask import Mask
from terra_cot.palette import class_color
from terra_cot.store.manifest import manifest_parts
from terra_cot.store.shards import open_part, read_group
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.question import LETTERS, QUESTIONS, Question, split_id

PICTURE_BYTES, TEXT_GROUPS = 64 << 20, 64
_HEAD = ["question_id", "task", "question", "source", "legend", "masks.list.element.label"]
_HEAD += ["frames.list.element.frame", "frames.list.element.modality"]
_FRAME = ("frame", "modality", "datetime", "cloud_fraction", "nodata_fraction", "shift_status")
_PICTURE = "frames.list.element.image.bytes"
_BODY = [name for name in QUESTIONS.schema.names if name != "frames"]
_BODY += [f"frames.list.element.{name}" for name in _FRAME]


@dataclass(frozen=True, slots=True)
class Head:
    """What a list shows of a question. `unit` is shared by its variants, `labels` are its classes in its own words."""

    question_id: str
    unit: str
    task: str
    question: str
    source: str
    shown: str
    dates: int
    labels: tuple[str, ...]
    has_masks: bool


class Items:
    """The questions of a benchmark folder, by number from 0."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.heads: list[Head] = []
        self.colors: dict[str, tuple[int, int, int]] = {}
        self._groups: list[tuple[Path, int]] = []
        self._first: list[int] = []
        self._files: dict[Path, pq.ParquetFile] = {}
        self._lock = Lock()
        self._pictures = _Kept(PICTURE_BYTES)
        self._texts = _Kept(TEXT_GROUPS)
        for part in manifest_parts(benchmark.manifest):
            path = benchmark.folder / part.path
            with open_part(path, QUESTIONS.schema) as file:
                for group in range(file.num_row_groups):
                    self._groups.append((path, group))
                    self._first.append(len(self.heads))
                    for row in read_group(file, group, _HEAD, path):
                        self.heads.append(self._head(row))
        self.numbers = {head.question_id: number for number, head in enumerate(self.heads)}
        self._variants: dict[str, list[int]] = {}
        for number, head in enumerate(self.heads):
            self._variants.setdefault(head.unit, []).append(number)
        if len(self.numbers) != len(self.heads):
            raise DataError("two questions share a name", file=benchmark.folder, field="question_id")

    def _head(self, row: dict[str, Any]) -> Head:
        labels = tuple(dict.fromkeys(mask["label"] for mask in row["masks"] or ()))
        nouns = tuple(noun_of(row["legend"], label) for label in labels)
        for label, noun in zip(labels, nouns, strict=True):
            self.colors.setdefault(noun, class_color(row["legend"], label))
        return Head(
            question_id=row["question_id"],
            unit=split_id(row["question_id"])[0],
            task=row["task"],
            question=row["question"],
            source=row["source"],
            shown="+".join(sorted({frame["modality"] for frame in row["frames"]})),
            dates=len({frame["frame"] for frame in row["frames"]}),
            labels=nouns,
            has_masks=bool(row["masks"]),
        )

    def units(self) -> dict[str, list[str]]:
        """Questions of each unit, in order."""
        return {unit: [self.heads[n].question_id for n in numbers] for unit, numbers in self._variants.items()}

    def masks(self, number: int) -> tuple[Mask, ...] | None:
        """Evidence masks of a question; None where they are not known."""
        row = self._row(number)
        return tuple(Mask.from_row(mask) for mask in row["masks"]) if row["masks"] else None

    def siblings(self, number: int) -> list[int]:
        """Other variants of a question."""
        return [other for other in self._variants[self.heads[number].unit] if other != number]

    def question(self, number: int) -> Question:
        """A question without its frames."""
        return Question.from_row({**self._row(number), "frames": []})

    def shown(self, number: int) -> dict[str, Any]:
        """A question as the page shows it: what it asks, its frames, masks with colours, evidence, and origin."""
        row = self._row(number)
        origin = ("tile_id", "source", "source_id", "licence", "legend", "gsd_m", "width", "height", "split")
        return {
            "question_id": row["question_id"],
            "task": row["task"],
            "question": row["question"],
            "options": row["options"],
            "answer": row["options"][LETTERS.index(row["answer"])],
            "frames": [{name: frame[name] for name in _FRAME} for frame in row["frames"]],
            "masks": [_shown_mask(row["legend"], mask) for mask in row["masks"] or ()],
            "evidence": row["evidence"],
            "tile": {name: row[name] for name in origin},
        }

    def picture(self, number: int, frame: int) -> bytes | None:
        """PNG of a frame of a question; None where it has no such frame."""
        pictures, place = self._group(number, self._pictures, [_PICTURE], _pictures_of)
        return pictures[place][frame] if 0 <= frame < len(pictures[place]) else None

    def _row(self, number: int) -> dict[str, Any]:
        rows, place = self._group(number, self._texts, _BODY, lambda rows: (rows, 1))
        return rows[place]  # type: ignore[no-any-return]

    def _group(
        self,
        number: int,
        kept: _Kept,
        columns: list[str],
        shape: Callable[[list[dict[str, Any]]], tuple[Any, int]],
    ) -> tuple[Any, int]:
        """What `kept` has of the row group of question `number`, and the question's place in it."""
        place = bisect_right(self._first, number) - 1
        with self._lock:  # a Parquet reader serves one thread at a time
            found = kept.get(place)
            if found is None:
                path, group = self._groups[place]
                if path not in self._files:
                    self._files[path] = open_part(path, QUESTIONS.schema)
                found, weight = shape(read_group(self._files[path], group, columns, path))
                kept.put(place, found, weight)
        return found, number - self._first[place]


def _shown_mask(legend: str | None, mask: dict[str, Any]) -> dict[str, Any]:
    """A mask with its colour, called as the question calls it."""
    return {**mask, "label": noun_of(legend, mask["label"]), "color": class_color(legend, mask["label"])}


def _pictures_of(rows: list[dict[str, Any]]) -> tuple[list[list[bytes]], int]:
    """Pictures of each row, and their bytes together."""
    pictures = [[frame["image"]["bytes"] for frame in row["frames"]] for row in rows]
    return pictures, sum(len(data) for row in pictures for data in row)


class _Kept:
    """Values by key up to a weight; those that were not used for longest go, the last one stays."""

    def __init__(self, most: int) -> None:
        self._most, self._weight = most, 0
        self._held: OrderedDict[int, tuple[Any, int]] = OrderedDict()

    def get(self, key: int) -> Any:
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def put(self, key: int, value: Any, weight: int) -> None:
        self._held[key] = (value, weight)
        self._weight += weight
        while self._weight > self._most and len(self._held) > 1:
            _, (_, gone) = self._held.popitem(last=False)
            self._weight -= gone


def open_items(folder: Path) -> Items:
    """The questions of a finished benchmark folder.

    Raises:
        DataError, SchemaError: it is not one, or two questions share a name.
    """
    return Items(open_benchmark(folder))
