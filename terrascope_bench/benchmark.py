"""A benchmark is a finished folder of questions, named by the hash of its manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terra_cot.store.manifest import manifest_parts, manifest_sha256, read_manifest
from terra_cot.store.shards import read_rows
from terrascope_bench.question import QUESTIONS, Question

_FRAME_LIGHT = (
    "frame",
    "modality",
    "datetime",
    "bands",
    "cloud_fraction",
    "nodata_fraction",
    "shift_px",
    "shift_score",
    "shift_found_px",
    "shift_status",
    "shift_reason",
    "cloud_flag",
)
_LIGHT = [name for name in QUESTIONS.schema.names if name != "frames"] + [
    f"frames.list.element.{name}" for name in _FRAME_LIGHT
]


@dataclass(frozen=True)
class Benchmark:
    """An opened benchmark folder; nothing but its manifest is in memory."""

    folder: Path
    manifest: dict[str, Any]

    @cached_property
    def sha256(self) -> str:
        """Hash of the manifest, which holds the hash of every part: the version that a scorecard names."""
        return manifest_sha256(self.folder)

    @property
    def size(self) -> int:
        return sum(part.rows for part in manifest_parts(self.manifest))

    def question_ids(self) -> Iterator[str]:
        """Names of the questions in the order of the file."""
        for part in manifest_parts(self.manifest):
            for row in read_rows(self.folder / part.path, QUESTIONS, ["question_id"]):
                yield row["question_id"]

    def questions(self, images: bool = True) -> Iterator[Question]:
        """Questions in the order of the file. Without images no pixel is read; a frame's image is then empty."""
        for part in manifest_parts(self.manifest):
            for row in read_rows(self.folder / part.path, QUESTIONS, None if images else _LIGHT):
                if not images:
                    for frame in row["frames"]:
                        frame["image"], frame["raster"] = {"bytes": b""}, None
                yield Question.from_row(row)


def open_benchmark(folder: Path) -> Benchmark:
    """The benchmark in `folder`.

    Raises:
        DataError: no such folder, unfinished, another kind of folder, or a part that is absent.
    """
    benchmark = Benchmark(folder, read_manifest(folder, "benchmark"))
    for part in manifest_parts(benchmark.manifest):
        path = folder / part.path
        if not path.is_file() or path.stat().st_size != part.bytes:
            raise DataError(
                "a part is missing or of another size than the manifest says",
                file=path,
                expected=f"{part.bytes} bytes",
                fix="build the benchmark again or copy it whole",
            )
    return benchmark
