"""Scorecards become rows, ranked within one benchmark version and extractor; what does not add up is refused by name.

A scorecard is refused if its counts do not follow from its verdicts, an accuracy not from its counts, a macro average
not from its tasks (all are rounded to six digits), or if the same predictions stand in the ranking already. Scorecards
of two benchmark versions, or of two extractors, measure different things: each has a ranking of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from terra_cot.errors import DataError
from terrascope_bench.compare import paired, read_answers, sums_by_task
from terrascope_bench.masks import NANO
from terrascope_bench.outcome import Outcome
from terrascope_bench.scorecard.read import Scorecard, read_scorecard
from terrascope_bench.scorecard.rows import GROUNDED
from terrascope_bench.statistics import DECIMALS
from terrascope_bench.tasks import TASKS

if TYPE_CHECKING:
    import pyarrow as pa

_TOLERANCE = 1.01 * 10**-DECIMALS
"""Of a mean of rounded values against a rounded mean: half a unit of the last digit each."""
SHOWN = ("accuracy", "giou", "grounded_accuracy", "faithfulness")


@dataclass(frozen=True, slots=True)
class Entry:
    """A scorecard that adds up, and its verdicts."""

    card: Scorecard
    verdicts: pa.Table


@dataclass(frozen=True, slots=True)
class Ranking:
    """Entries of one benchmark version and extractor, best macro accuracy first; `behind` are their paired differences
    to the first (None for itself)."""

    benchmark: str
    extractor: str
    entries: tuple[Entry, ...]
    behind: tuple[dict[str, float] | None, ...]

    @property
    def size(self) -> int:
        """Questions."""
        return int(self.entries[0].card.body["benchmark"]["n"])

    def rows(self) -> list[dict[str, Any]]:
        """The rows as JSON values. Equal macro accuracies share a rank."""
        out: list[dict[str, Any]] = []
        for place, (entry, behind) in enumerate(zip(self.entries, self.behind, strict=True), start=1):
            body = entry.card.body
            same = out and out[-1]["overall"]["macro"]["accuracy"] == body["overall"]["macro"]["accuracy"]
            out.append(
                {
                    "rank": out[-1]["rank"] if same else place,
                    "model": entry.card.model,
                    "scorecard": entry.card.path.name,
                    "predictions": body["predictions"],
                    "code_version": body["code_version"],
                    "seed": body["seed"],
                    "resize": body["resize"],
                    "unparsed": sum(task["unparsed"] for task in body["tasks"].values()),
                    "missing": sum(task["missing"] for task in body["tasks"].values()),
                    "error": sum(task["error"] for task in body["tasks"].values()),
                    "tasks": {
                        code: {name: body["tasks"][code][name] for name in ("n", *SHOWN)}
                        for code in TASKS
                        if code in body["tasks"] and body["tasks"][code]["n"]
                    },
                    "overall": {
                        name: {metric: body["overall"][name][metric] for metric in SHOWN} for name in ("macro", "micro")
                    },
                    "to_first": behind,
                }
            )
        return out


def rank(paths: Sequence[Path], seed: int = 0) -> tuple[list[Ranking], list[dict[str, str]]]:
    """Rankings, the one with most entries first, and what was refused.

    Args:
        seed: of the intervals of paired differences.

    Raises:
        DataError, SchemaError: a file that is no scorecard of this release.
    """
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    refused: list[dict[str, str]] = []
    taken: dict[tuple[str, str, str], str] = {}
    for card in sorted(map(read_scorecard, paths), key=_order):
        key = card.benchmark, card.extractor
        same = taken.get((*key, card.body["predictions"]["sha256"]))
        reason = f"the same predictions as {same}" if same else why_refused(card)
        if reason is None:
            try:
                entry = Entry(card, card.verdicts())
                reason = _unlike_verdicts(entry)
            except DataError as error:
                reason = error.problem
        if reason is not None:
            refused.append(_refusal(card, reason))
            continue
        taken[(*key, card.body["predictions"]["sha256"])] = card.path.name
        groups[key].append(entry)
    found = []
    for (benchmark, extractor), entries in groups.items():
        kept, odd = _of_the_same_questions(entries)
        for entry in odd:
            reason = (
                f"its questions are not those of {kept[0].card.path.name}, on what is said to be the same benchmark"
            )
            refused.append(_refusal(entry.card, reason))
        found.append(Ranking(benchmark, extractor, tuple(kept), _behind(kept, extractor, seed)))
    return sorted(found, key=lambda entry: (-len(entry.entries), entry.benchmark, entry.extractor)), refused


def _refusal(card: Scorecard, reason: str) -> dict[str, str]:
    return {"origin": "scored", "name": card.path.name, "reason": reason}


def why_refused(card: Scorecard) -> str | None:
    """Why the numbers of a scorecard do not follow from each other; None where they do."""
    body = card.body
    tasks = {code: task for code, task in body["tasks"].items() if task["n"]}
    total = sum(task["n"] for task in tasks.values())
    if not total:
        return "it has no questions"
    if not total == body["benchmark"]["n"] == body["verdicts"]["n"]:
        told = f"the benchmark {body['benchmark']['n']}, the verdicts {body['verdicts']['n']}"
        return f"its tasks have {total} questions, {told}"
    for code, task in tasks.items():
        if sum(task[outcome] for outcome in Outcome) != task["n"]:
            return f"{code}: its outcomes do not add up to {task['n']} questions"
        if not _is(task["accuracy"], task["correct"] / task["n"]):
            return f"{code}: the accuracy does not follow from {task['correct']} right of {task['n']}"
    correct = sum(task["correct"] for task in tasks.values())
    if not _is(body["overall"]["micro"]["accuracy"], correct / total):
        return f"the micro accuracy does not follow from {correct} right of {total}"
    for metric, told in body["overall"]["macro"].items():
        values = [task[metric]["value"] for task in tasks.values() if task[metric] is not None]
        if not values and told is None:
            continue
        mean = fsum(values) / len(values) if values else None
        if mean is None or not _is(told, mean):
            shown = "nothing" if told is None else told["value"]
            expected = "nothing" if mean is None else round(mean, DECIMALS)
            return f"the macro average of {metric}, {shown}, does not follow from the tasks, whose mean is {expected}"
    return None


def _is(told: dict[str, float] | None, value: float) -> bool:
    return told is not None and abs(told["value"] - value) <= _TOLERANCE


def _order(card: Scorecard) -> tuple[float, str, str, str]:
    """Best first; the rest makes the order of the command line no matter."""
    macro = card.body["overall"]["macro"]["accuracy"]
    value = -1.0 if macro is None else macro["value"]
    return (-value, card.model, card.body["predictions"]["sha256"], card.path.name)


def _unlike_verdicts(entry: Entry) -> str | None:
    """Why mask metrics do not follow from the verdicts; None where they do. Answers were checked on reading."""
    table = entry.verdicts
    code = np.array(table["task"].to_pylist(), np.str_)
    known = table["iou"].is_valid().to_numpy()
    iou = table["iou"].fill_null(0).to_numpy() / NANO
    right = np.array([outcome == Outcome.CORRECT for outcome in table["outcome"].to_pylist()])
    for name, task in entry.card.body["tasks"].items():
        here = known & (code == name)
        for metric, values in (("giou", iou[here]), ("grounded_accuracy", right[here] & (iou[here] >= GROUNDED))):
            value = float(values.mean()) if len(values) else None
            told = task[metric]
            if (value is None) != (told is None) or (value is not None and not _is(told, value)):
                return f"{name}: {metric} does not follow from the verdicts"
    return None


def _of_the_same_questions(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Those that agree with most about the questions and their truth, and the others. A benchmark has one truth."""
    keys = [
        (entry.verdicts.select(["question_id", "task", "truth"]), entry.verdicts["iou"].is_valid()) for entry in entries
    ]

    def agree(one: int, other: int) -> bool:
        return bool(keys[one][0].equals(keys[other][0]) and keys[one][1].equals(keys[other][1]))

    numbers = range(len(entries))
    best = max(numbers, key=lambda one: (sum(agree(one, other) for other in numbers), -one))
    agreed = {number for number in numbers if agree(best, number)}
    return [entries[k] for k in sorted(agreed)], [entries[k] for k in numbers if k not in agreed]


def _behind(entries: list[Entry], extractor: str, seed: int) -> tuple[dict[str, float] | None, ...]:
    """Paired differences of macro accuracy to the first entry."""
    questions, own = read_answers([(entry.card.path, entry.verdicts) for entry in entries], extractor)
    sums = sums_by_task(questions, own, seed)
    macro = [paired(questions, own, sums, 0, number)["overall"]["macro"] for number in range(1, len(entries))]
    return (None, *(entry["accuracy"]["difference"] for entry in macro))
