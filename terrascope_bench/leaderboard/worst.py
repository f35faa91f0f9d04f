"""The questions worth looking at are those that most models got wrong, that one was surest of, or saw least of.

| list | holds | worst first by |
|---|---|---|
| most | where two or more models are ranked: what at least one got wrong | models wrong, then mean IoU |
| surest | wrong answers that came with a confidence | confidence |
| blindest | wrong answers that came with masks | IoU of the question |

Each list takes the worst of every task in turn, so that one hard task does not fill it; equals are ordered by a hash of
their names. A question stands in one list only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terra_cot.draw import digest
from terrascope_bench.leaderboard.table import Ranking
from terrascope_bench.masks import NANO
from terrascope_bench.outcome import Outcome
from terrascope_bench.tasks import TASKS

MODELS_SHOWN = 3
LISTS = ("most", "surest", "blindest")


@dataclass(frozen=True, slots=True)
class Worst:
    """One question; `shown` are the places in the ranking of the models whose replies are shown, `wrong` of all that
    are wrong."""

    question_id: str
    task: str
    shown: tuple[int, ...]
    wrong: tuple[int, ...]


def worst(ranking: Ranking, count: int) -> dict[str, list[Worst]]:
    """At most `count` questions a list."""
    tables = [entry.verdicts for entry in ranking.entries]
    ids: list[str] = tables[0]["question_id"].to_pylist()
    task: list[str] = tables[0]["task"].to_pylist()
    wrong = np.array([[name != Outcome.CORRECT for name in table["outcome"].to_pylist()] for table in tables])
    iou = np.array([_floats(table["iou"]) / NANO for table in tables])
    given = np.array([_floats(table["predicted_px"]) > 0 for table in tables])
    confidence = np.array([_floats(table["confidence"]) for table in tables])
    by: dict[str, list[tuple[float, float, int, tuple[int, ...]]]] = {name: [] for name in LISTS}
    for row in range(len(ids)):
        models = tuple(np.flatnonzero(wrong[:, row]).tolist())
        if len(tables) > 1 and models:
            by["most"].append((-len(models), float(np.nan_to_num(iou[:, row]).mean()), row, models[:MODELS_SHOWN]))
        for model in models:
            if not np.isnan(confidence[model, row]):
                by["surest"].append((-float(confidence[model, row]), 0.0, row, (model,)))
            if given[model, row]:
                by["blindest"].append((float(iou[model, row]), 0.0, row, (model,)))
    seen: set[int] = set()
    out = {}
    for name in LISTS:
        ranked = sorted(by[name], key=lambda item: (item[0], item[1], digest(0, ids[item[2]], *item[3])))
        chosen = list(_in_turn(ranked, task, seen, count))
        out[name] = [
            Worst(ids[row], task[row], shown, tuple(np.flatnonzero(wrong[:, row]).tolist())) for row, shown in chosen
        ]
    return out


def _in_turn(
    ranked: list[tuple[float, float, int, tuple[int, ...]]], task: list[str], seen: set[int], count: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(row, models) of at most `count` questions: the worst of each task, then the second worst of each."""
    queues: dict[str, list[tuple[int, tuple[int, ...]]]] = defaultdict(list)
    for _, _, row, models in reversed(ranked):
        queues[task[row]].append((row, models))
    left = count
    while left and any(queues.values()):
        for code in TASKS:
            while left and queues[code]:
                row, models = queues[code].pop()
                if row not in seen:
                    seen.add(row)
                    left -= 1
                    yield row, models
                    break


def _floats(column: object) -> NDArray[np.float64]:
    """An Arrow column as float64, NaN where it is null."""
    import pyarrow.compute as pc

    values: NDArray[np.float64] = pc.cast(column, "float64", safe=False).to_numpy().astype(np.float64)
    return values
