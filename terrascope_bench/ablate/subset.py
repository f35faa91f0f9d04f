"""The questions of an ablation: one variant of each stem, so many of a task, spread evenly; a benchmark of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terra_cot.store.manifest import NAME, manifest_sha256, read_manifest, write_manifest
from terra_cot.store.shards import write_part
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.question import QUESTIONS

_KEPT = ("recipe_sha256", "seed", "view", "split", "tasks", "datasets", "sources")


def subset(source: Benchmark, out: Path, variant: str, limit: int | None) -> tuple[Path, str, int]:
    """(folder, hash, size) of the questions of `source` in `variant`, or on two dates `variant`-pair.

    Goes on from what is there if it is of the same questions.

    Raises:
        DataError: the benchmark has no such question.
    """
    wanted = _chosen(source, variant, limit)
    if not wanted:
        raise DataError(f"no question is shown as {variant}", file=source.folder, fix="build it with that variant")
    asked = {"of": source.sha256, "variant": variant, "limit": limit}
    if (out / NAME).is_file() and read_manifest(out, "benchmark").get("subset") == asked:
        return out, manifest_sha256(out), open_benchmark(out).size
    names = set(wanted)

    def rows() -> Iterator[dict[str, Any]]:
        for question in source.questions():
            if question.question_id in names:
                yield question.to_row()

    part = write_part(out, QUESTIONS, 0, rows())
    body = {name: source.manifest[name] for name in _KEPT if name in source.manifest}
    write_manifest(out, "benchmark", {**body, "files": [], "subset": asked}, [part])
    return out, manifest_sha256(out), part.rows


def _chosen(source: Benchmark, variant: str, limit: int | None) -> list[str]:
    """Names of the questions asked: of each task at most `limit`, at even steps."""
    by_task: dict[str, list[str]] = {}
    for question in source.questions(images=False):
        if question.variant in (variant, f"{variant}-pair"):
            by_task.setdefault(question.task, []).append(question.question_id)
    out = []
    for names in by_task.values():
        count = len(names) if limit is None else min(limit, len(names))
        out += [names[k * len(names) // count] for k in range(count)]
    return out
