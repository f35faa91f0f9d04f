"""A sample as the two turns of a chat: images and question, then the chain in <think> and the answer in <answer>."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import orjson

from terra_cot.sample import Sample

IMAGE = "<image>"


def turns(sample: Sample) -> list[dict[str, str]]:
    """The human and the gpt turn. One `<image>` an image, in the order of the sample's frames; several are named by
    date and sensor, as the chain names them. Every [SEG] of the chain stays."""
    return [{"from": "human", "value": _question(sample)}, {"from": "gpt", "value": response(sample)}]


def response(sample: Sample) -> str:
    return f"<think>{sample.chain}</think><answer>{sample.answer}</answer>"


def _question(sample: Sample) -> str:
    if len(sample.frames) == 1:
        shown = [IMAGE]
    else:
        names = {"optical": "optical", "sar": "SAR"}
        shown = [f"{entry.frame} ({names[entry.modality]}): {IMAGE}" for entry in sample.frames]
    options = [f"{chr(ord('A') + number)}. {text}" for number, text in enumerate(sample.options or ())]
    return "\n".join([*shown, sample.question, *options])


class Lines:
    """Rows written to files as they come, each file a JSON list or one row a line; no row is held."""

    def __init__(self, folder: Path, *, as_list: bool) -> None:
        self._folder, self._as_list = folder, as_list
        self._files: dict[str, BinaryIO] = {}
        self.rows: dict[str, int] = {}

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files.values():
            if self._as_list and error is None:
                file.write(b"\n]\n")
            file.close()

    def add(self, name: str, row: object) -> None:
        """Append a row to the file `name`, relative to the folder."""
        if name not in self._files:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[name] = path.open("wb")
            self.rows[name] = 0
        file = self._files[name]
        if self._as_list:
            file.write(b",\n" if self.rows[name] else b"[\n")
            file.write(orjson.dumps(row))
        else:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        self.rows[name] += 1
