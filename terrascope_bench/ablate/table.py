"""Means over seeds with two intervals, one for each thing left to chance, and what can be said of each ordering.

| interval | of what is left to chance | how |
|---|---|---|
| `seeds` | the training | Student's t over the seeds' values, 95 %; null for one seed |
| `questions` | the benchmark | bootstrap over questions (`statistics`), seeds pooled, stratified by task |

A value is the macro mean of a group's tasks. Two arms are compared on the same questions (the same stem, where they are
shown another variant) and seeds: the difference is taken a seed, or a question, before its interval.

An ordering *holds* if both intervals of its difference lie above zero, is *reversed* if both lie below, and else
*undecided*: so many seeds and questions cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from terrascope_bench.ablate.recipe import AblationRecipe, Group
from terrascope_bench.question import split_id
from terrascope_bench.statistics import resample
from terrascope_bench.verdicts import verdicts_beside

DECIMALS = 6
_IOU_UNIT = 1e9
Right = dict[str, dict[str, bool]]
"""Of each task, which stems were answered right."""


def tabulate(recipe: AblationRecipe, cards: Mapping[tuple[str, int], Path]) -> dict[str, Any]:
    """Groups with their arms and orderings, from the verdicts beside each scorecard."""
    right = {key: _right(card) for key, card in cards.items()}
    overlap = {key: _iou(card) for key, card in cards.items()}
    groups = {}
    for key, group in recipe.groups.items():
        arms = [
            {
                "arm": arm,
                "about": recipe.arms[arm].about,
                "asked": recipe.arms[arm].shown,
                **_arm(group, [right[arm, seed] for seed in recipe.seeds]),
                "giou": _mean([overlap[arm, seed] for seed in recipe.seeds]),
                "reported": group.reported_macro(arm),
            }
            for arm in group.arms
        ]
        orderings = [
            _ordering(group, pair, *([right[arm, seed] for seed in recipe.seeds] for arm in pair))
            for pair in group.orderings
        ]
        groups[key] = {"title": group.title, "tasks": list(group.tasks), "arms": arms, "orderings": orderings}
    return {"seeds": list(recipe.seeds), "groups": groups}


def _right(card: Path) -> Right:
    out: Right = {}
    columns = pq.read_table(verdicts_beside(card), columns=["question_id", "task", "outcome"]).to_pydict()
    for name, task, outcome in zip(columns["question_id"], columns["task"], columns["outcome"], strict=True):
        out.setdefault(task, {})[split_id(name)[0]] = outcome == "correct"
    return out


def _iou(card: Path) -> float | None:
    """Mean IoU of questions of which evidence is known; null where the model gave no mask at all."""
    columns = pq.read_table(verdicts_beside(card), columns=["iou", "predicted_px"]).to_pydict()
    values = [value for value in columns["iou"] if value is not None]
    if not values or not any(columns["predicted_px"]):
        return None
    return float(np.mean(values)) / _IOU_UNIT


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return round(float(np.mean(there)), DECIMALS) if there else None


def _arm(group: Group, right: Sequence[Right]) -> dict[str, Any]:
    """The macro mean and each task's, with intervals."""
    tasks = {code: _share([seed[code] for seed in right]) if code in right[0] else None for code in group.tasks}
    values = [_macro(seed, group.tasks) for seed in right]
    drawn = [_drawn([[seed[code] for seed in right]], code) for code in group.tasks if code in right[0]]
    pooled = np.mean([total[0] for total, _ in drawn]), np.mean([draws[:, 0] for _, draws in drawn], axis=0)
    return {
        "macro": round(float(np.mean(values)), DECIMALS),
        "by_seed": [round(value, DECIMALS) for value in values],
        "seeds": student(values),
        "questions": _between(pooled[1]),
        "tasks": tasks,
    }


def _share(seeds: Sequence[dict[str, bool]]) -> float:
    return round(float(np.mean([list(seed.values()) for seed in seeds])), DECIMALS)


def _macro(right: Right, tasks: Sequence[str]) -> float:
    return float(np.mean([np.mean(list(right[code].values())) for code in tasks if code in right]))


def _ordering(group: Group, pair: tuple[str, str], better: Sequence[Right], worse: Sequence[Right]) -> dict[str, Any]:
    """The difference of two arms on the questions that both were asked."""
    codes = [code for code in group.tasks if code in better[0] and code in worse[0]]
    same = {code: sorted(better[0][code].keys() & worse[0][code].keys()) for code in codes}
    codes = [code for code in codes if same[code]]
    both = [
        [{code: {stem: seed[code][stem] for stem in same[code]} for code in codes} for seed in arm]
        for arm in (better, worse)
    ]
    values = [_macro(one, codes) - _macro(other, codes) for one, other in zip(*both, strict=True)]
    drawn = [_drawn([[seed[code] for seed in arm] for arm in both], code)[1] for code in codes]
    questions = _between(np.mean([draws[:, 0] - draws[:, 1] for draws in drawn], axis=0))
    seeds = student(values)
    reported = [group.reported_macro(arm) for arm in pair]
    told = None if None in reported else round(float(reported[0] or 0) - float(reported[1] or 0), DECIMALS)
    return {
        "better": pair[0],
        "worse": pair[1],
        "difference": round(float(np.mean(values)), DECIMALS),
        "seeds": seeds,
        "questions": questions,
        "n": sum(len(stems) for stems in same.values()),
        "reported": told,
        "verdict": verdict(seeds, questions),
    }


def _drawn(arms: Sequence[Sequence[dict[str, bool]]], code: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares right of several arms (arms,) and over draws of the questions (draws, arms); seeds of an arm pooled."""
    stems = sorted(arms[0][0])
    columns = [np.sum([[seed[stem] for stem in stems] for seed in arm], axis=0, dtype=np.int64) for arm in arms]
    sums = resample(np.stack(columns, axis=1), 0, "ablation", code)
    of = len(stems) * len(arms[0])
    return sums.total / of, sums.drawn / of


def _between(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return {"low": round(float(low), DECIMALS), "high": round(float(high), DECIMALS)}


def student(values: Sequence[float]) -> dict[str, float] | None:
    """Mean -+ t(0.975, n - 1) s / sqrt(n); None for a single value."""
    if len(values) < 2:
        return None
    from scipy.stats import t

    half = float(t.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    middle = float(np.mean(values))
    return {"low": round(middle - half, DECIMALS), "high": round(middle + half, DECIMALS)}


def verdict(seeds: dict[str, float] | None, questions: dict[str, float]) -> str:
    """holds, reversed or undecided."""
    if seeds is None:
        return "undecided"
    if min(seeds["low"], questions["low"]) > 0:
        return "holds"
    return "reversed" if max(seeds["high"], questions["high"]) < 0 else "undecided"
