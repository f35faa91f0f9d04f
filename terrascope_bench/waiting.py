"""Predictions whose part of the benchmark is not at hand wait on disk, sorted by part, until their part is read again.

Only a large file in an order of its own needs this: what a benchmark of up to sixteen parts is asked never waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from terrascope_bench.prediction import PredictedMask, Prediction

_BUFFER = 2**26


class Waiting:
    """A room for predictions; leaving the block removes it."""

    def __init__(self) -> None:
        self._buffers: dict[int, list[bytes]] = defaultdict(list)
        self._held = 0
        self._folder: Any = None

    def __enter__(self) -> Waiting:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def put(self, part: int, row: int, prediction: Prediction) -> None:
        line = orjson.dumps([row, prediction.to_row()], option=orjson.OPT_APPEND_NEWLINE)
        self._buffers[part].append(line)
        self._held += len(line)
        if self._held > _BUFFER:
            self._spill()

    def parts(self) -> list[int]:
        on_disk = [int(path.name) for path in Path(self._folder.name).iterdir()] if self._folder else []
        return sorted({*on_disk, *self._buffers})

    def take(self, part: int) -> Iterator[tuple[int, Prediction]]:
        """(row, prediction) of everything that waits for a part."""
        if self._folder is not None and (path := Path(self._folder.name) / str(part)).exists():
            with path.open("rb") as handle:
                yield from map(_read, handle)
            path.unlink()
        yield from map(_read, self._buffers.pop(part, []))

    def _spill(self) -> None:
        from tempfile import TemporaryDirectory

        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="terrascope-score-")
        for part, lines in self._buffers.items():
            with (Path(self._folder.name) / str(part)).open("ab") as handle:
                handle.writelines(lines)
        self._buffers.clear()
        self._held = 0


def _read(line: bytes) -> tuple[int, Prediction]:
    row, value = orjson.loads(line)
    masks = tuple(
        PredictedMask(mask["frame"], mask["label"], (mask["size"][0], mask["size"][1]), mask["counts"])
        for mask in value.pop("masks", ())
    )
    return row, Prediction(
        value["question_id"],
        value.get("response"),
        value.get("answer"),
        masks,
        value.get("error"),
        value.get("confidence"),
    )
