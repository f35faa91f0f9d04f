"""The absent rows of building change are made again from xBD's test split by our own rules: regenerated, not published.

Pairs are cut whole (1024 px) as the recipe `xbd` cuts them, invalid polygons repaired, and BCE questions chosen as
`build` chooses them. All of it stays in a working folder, so that a killed import goes on where it was.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from terra_cot.balance.leakage import Place, read_places
from terra_cot.errors import DataError
from terra_cot.store.atomic import sha256_json
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.published.row import Refused
from terrascope_bench.question import Question
from terrascope_bench.tasks import TASKS

OnStage = Callable[[str, int, int], None]
TASK = "BCE"
_SPLIT = "test"


@dataclass(frozen=True)
class Regenerated:
    """BCE questions in a working folder, what they were made from, and what was not."""

    benchmark: Benchmark
    pairs: int
    drops: tuple[Refused, ...]

    def questions(self) -> Iterator[Question]:
        return self.benchmark.questions()

    def places(self) -> list[Place]:
        return read_places(self.benchmark.folder)

    def to_json(self) -> dict[str, Any]:
        """Pairs read = used + dropped + those that gave no question; candidates as in a built manifest."""
        made = self.benchmark.manifest
        return {
            "source": "xbd",
            "split": _SPLIT,
            "seed": made["seed"],
            "wanted": TASKS[TASK].size,
            "questions": made["tasks"][TASK]["questions"],
            "pairs": {
                "read": self.pairs,
                "used": made["tiles"]["used"],
                "dropped": dict(sorted(Counter(drop.reason for drop in self.drops).items())),
                "without_question": made["tiles"]["dropped"],
            },
            "candidates": made["tasks"][TASK]["candidates"],
            "refused": made["tasks"][TASK]["refused"],
            "left": made["tasks"][TASK]["left"],
        }


def regenerate(root: Path, work: Path, seed: int, on_stage: OnStage) -> Regenerated:
    """BCE questions of the test split below `root`, as many as were published, in folders below `work`.

    Raises:
        DataError: no xBD archive, no test split, or not one question can be made.
    """
    from terra_cot import curate
    from terra_cot.cut import TileOptions
    from terra_cot.recipe import Recipe, SourceSpec
    from terra_cot.scene import write_scenes
    from terrascope_bench.build import build_benchmark

    recipe = Recipe(
        name="xbd",
        source=SourceSpec(kind="xbd", root=str(root.resolve())),
        tile=TileOptions(size_px=1024, raster=False),
    )
    folder = work / sha256_json(recipe.body())[:16]  # another root must not find these tiles
    folder.mkdir(parents=True, exist_ok=True)
    drops: list[Refused] = []
    scenes = folder / "scenes.parquet"
    kept = write_scenes(scenes, _test_scenes(root, drops, on_stage)).rows
    pairs = kept + len(drops)
    if not kept:
        raise DataError(
            "no usable pair in the test split",
            file=root,
            got=f"{pairs} pairs, all dropped; first: {drops[0].got}" if drops else "no folder test/labels",
            expected="test/labels/NAME_post_disaster.json and its images",
        )
    dataset = folder / "dataset"
    curate.tile(scenes, recipe, dataset, on_step=on_stage)
    drops += _tile_drops(dataset / "dropped.jsonl")
    build_benchmark(
        [dataset],
        folder / "bench",
        seed=seed,
        per_task=TASKS[TASK].size,
        split=_SPLIT,
        force=True,
        on_step=lambda done, total: on_stage("questions", done, total),
    )
    return Regenerated(open_benchmark(folder / "bench"), pairs, tuple(drops))


def forget(work: Path) -> None:
    """Remove the working folder."""
    shutil.rmtree(work, ignore_errors=True)


def _test_scenes(root: Path, drops: list[Refused], on_stage: OnStage) -> Iterator[Any]:
    """Scenes of the test split; pairs of other splits are not opened, dropped ones are put into `drops`."""
    from terra_cot.listing import Place as Listed
    from terra_cot.scene import Drop
    from terra_cot.sources import listing

    test = (
        entry
        for entry in listing("xbd", root).entries
        if isinstance(entry, Listed) and entry.files[0].parent.parent.name == _SPLIT
    )
    for number, entry in enumerate(test, start=1):
        on_stage("scan", number, 0)
        for found in entry.describe():
            if isinstance(found, Drop):
                drops.append(_refused(found.to_row()))
            else:
                yield found


def _tile_drops(path: Path) -> list[Refused]:
    """Pairs that were lost when they were cut."""
    if not path.is_file():
        return []
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    return [_refused(row) for row in rows if row["stage"] == "tile" and row["level"] in ("scene", "tile")]


def _refused(row: dict[str, str]) -> Refused:
    return Refused(None, row["reason"], "xbd", row["detail"], "a pair of xBD as published", row["item"])
