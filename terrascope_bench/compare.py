"""Two models are compared on the same questions, pair by pair, and no difference is told without its interval.

Every difference is second minus first, of accuracy, gIoU and grounded accuracy, per task, as the mean over tasks
(macro) and over all questions (micro). Its 95 % interval is a percentile bootstrap in which whole stems (all variants
of a question) are drawn, once for both models. p-values are those of `significance`, of answers; tasks of one pair of
models are one family for Holm's correction. The macro average is no count of questions: it has an interval and no p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import ConfigError, DataError, did_you_mean
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.masks import NANO
from terrascope_bench.question import split_id
from terrascope_bench.scorecard.read import Scorecard, read_scorecard
from terrascope_bench.scorecard.rows import GROUNDED
from terrascope_bench.significance import exact_p, holm
from terrascope_bench.statistics import Sums, Value, mean_of_ratios, ratio, resample
from terrascope_bench.tasks import TASKS

if TYPE_CHECKING:
    import pyarrow as pa

OnStep = Callable[[int, int], None]
METRICS: dict[str, tuple[str, str, int]] = {
    "accuracy": ("right", "one", 1),
    "giou": ("iou", "known", NANO),
    "grounded_accuracy": ("grounded", "known", 1),
}
_OWN = ("right", "iou", "grounded")
"""Columns that each model has; beside them stand `one` and `known`, which belong to the questions."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What all submissions share: ids, tasks, the number of each question's stem, and whether evidence is known."""

    ids: list[str]
    task: NDArray[np.str_]
    stem: NDArray[np.int64]
    known: NDArray[np.bool_]


Own = NDArray[np.int64]
"""(n, _OWN): the numbers of one submission."""


def compare(
    paths: Sequence[Path],
    *,
    extractor: str | None = None,
    all_pairs: bool = False,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Compare every scorecard with the first, or each with each; the value of `comparison.schema.json`.

    Args:
        extractor: take the letters that this one finds; None: the one that all scorecards name.

    Raises:
        ConfigError: fewer than two scorecards, an unknown extractor, or scorecards of different extractors.
        DataError: scorecards of different benchmarks, or verdicts that are not theirs.
    """
    if len(paths) < 2:
        raise ConfigError("name at least two scorecards: the first is what the others are compared with")
    cards = [read_scorecard(path) for path in paths]
    chosen = _extractor(cards, extractor)
    _one_benchmark(cards)
    questions, submissions = read_answers([(card.path, card.verdicts()) for card in cards], chosen)
    pairs = list(combinations(range(len(cards)), 2)) if all_pairs else [(0, k) for k in range(1, len(cards))]
    sums = sums_by_task(questions, submissions, seed)
    compared = []
    for done, (first, second) in enumerate(pairs, start=1):
        compared.append(paired(questions, submissions, sums, first, second))
        if on_step:
            on_step(done, len(pairs))
    return {
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "benchmark": {"sha256": cards[0].benchmark, "n": len(questions.ids)},
        "extractor": chosen,
        "seed": seed,
        "submissions": [
            {
                "scorecard": str(card.path),
                "model": card.model,
                "predictions_sha256": card.body["predictions"]["sha256"],
                "scored_with": card.extractor,
            }
            for card in cards
        ],
        "pairs": compared,
    }


def _extractor(cards: list[Scorecard], wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in EXTRACTORS:
            hint = did_you_mean(wanted, tuple(EXTRACTORS))
            raise ConfigError(f"no extractor {wanted!r}{hint} (known: {', '.join(EXTRACTORS)})")
        return wanted
    other = next((card for card in cards if card.extractor != cards[0].extractor), None)
    if other is not None:
        raise ConfigError(
            f"{other.path}: answers were read with extractor {other.extractor}, those of {cards[0].path} with "
            f"{cards[0].extractor}; give --extractor, and all are compared under that one"
        )
    return cards[0].extractor


def _one_benchmark(cards: list[Scorecard]) -> None:
    for card in cards[1:]:
        if card.benchmark != cards[0].benchmark:
            raise DataError(
                f"of another benchmark than {cards[0].path}",
                file=card.path,
                field="benchmark.sha256",
                got=card.benchmark,
                expected=cards[0].benchmark,
                fix="score both on the same version; scores of two versions cannot be compared",
            )


def read_answers(tables: Sequence[tuple[Path, pa.Table]], extractor: str) -> tuple[Questions, list[Own]]:
    """What is compared, from the (path of the scorecard, verdicts) of each submission.

    Raises:
        DataError: there are no questions, or they are not the same everywhere.
    """
    questions: Questions | None = None
    own = []
    for path, table in tables:
        ids = table["question_id"].to_pylist()
        if not ids:
            raise DataError("of a benchmark without questions: there is nothing to compare", file=path)
        known = table["iou"].is_valid().to_numpy()
        task = np.array(table["task"].to_pylist(), np.str_)
        if questions is None:
            numbers: dict[str, int] = {}
            stem = np.array([numbers.setdefault(split_id(name)[0], len(numbers)) for name in ids], np.int64)
            questions = Questions(ids, task, stem, known)
        elif (ids, task.tolist(), known.tolist()) != (questions.ids, questions.task.tolist(), questions.known.tolist()):
            raise DataError(
                f"its questions are not those of {tables[0][0]}, though the benchmark is said to be the same",
                file=path,
                fix="run `terrascope-bench score` again for both",
            )
        place = list(EXTRACTORS).index(extractor)
        found = [letters[place] for letters in table["letters"].to_pylist()]
        right = np.array([letter == truth for letter, truth in zip(found, table["truth"].to_pylist(), strict=True)])
        iou = table["iou"].fill_null(0).to_numpy()
        own.append(np.stack([right, iou, right & known & (iou >= GROUNDED * NANO)], axis=1).astype(np.int64))
    assert questions is not None
    return questions, own


def sums_by_task(questions: Questions, submissions: list[Own], seed: int) -> dict[str, Sums]:
    """Sums of each task that has questions: columns `one`, `known`, then _OWN of each submission, of the same draws."""
    out = {}
    for code in TASKS:
        where = questions.task == code
        if where.any():
            shared = np.stack([np.ones(int(where.sum()), np.int64), questions.known[where].astype(np.int64)], axis=1)
            rows = np.concatenate([shared, *(own[where] for own in submissions)], axis=1)
            out[code] = resample(by_stem(rows, questions.stem[where]), seed, "compare", code)
    return out


def by_stem(rows: NDArray[np.int64], stem: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums of the rows of each stem, in the order in which stems appear. Rows may be (n,) or (n, columns)."""
    _, first, place = np.unique(stem, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    out = np.zeros((len(first), *rows.shape[1:]), np.int64)
    np.add.at(out, order[place], rows)
    return out


def paired(
    questions: Questions, submissions: list[Own], sums: dict[str, Sums], first: int, second: int
) -> dict[str, Any]:
    """One pair of submissions, from the sums of all of them."""
    tasks = {}
    for code, entry in sums.items():
        where = questions.task == code
        tasks[code] = {
            **_counts(questions, submissions, where, first, second),
            **{name: _metric(name, [entry], first, second) for name in METRICS},
        }
    corrected = holm([task["p"] for task in tasks.values()])
    for task, value in zip(tasks.values(), corrected, strict=True):
        task["holm_p"] = value
    parts = list(sums.values())
    everything = parts[0]
    for part in parts[1:]:
        everything = everything + part
    everywhere = np.ones(len(questions.ids), bool)
    return {
        "first": first,
        "second": second,
        "tasks": tasks,
        "overall": {
            "macro": {name: _metric(name, parts, first, second) for name in METRICS},
            "micro": {
                **_counts(questions, submissions, everywhere, first, second),
                **{name: _metric(name, [everything], first, second) for name in METRICS},
            },
        },
    }


def _counts(
    questions: Questions, submissions: list[Own], where: NDArray[np.bool_], first: int, second: int
) -> dict[str, Any]:
    """Questions, stems, answers that only one of the two has right, and p."""
    right = [submissions[number][where, 0] for number in (first, second)]
    differences = by_stem(right[1] - right[0], questions.stem[where])
    return {
        "n": int(where.sum()),
        "stems": len(differences),
        "only_first": int(np.count_nonzero(right[0] > right[1])),
        "only_second": int(np.count_nonzero(right[1] > right[0])),
        "p": exact_p(differences),
    }


def _metric(name: str, parts: list[Sums], first: int, second: int) -> dict[str, Any] | None:
    """Both values and their difference, of one group of questions or as the mean over groups; None without evidence."""
    above, below, scale = METRICS[name]
    bottom = ("one", "known").index(below)
    columns = [2 + len(_OWN) * number + _OWN.index(above) for number in (first, second)]
    two = [Sums(_column(part.total, columns, bottom), _column(part.drawn, columns, bottom)) for part in parts]
    difference = _ratio(two, 2, scale)
    if difference is None:
        return None
    values = [_ratio(two, place, scale) for place in (0, 1)]
    return {
        **{name: value["value"] for name, value in zip(("first", "second"), values, strict=True) if value is not None},
        "difference": difference,
    }


def _column(sums: NDArray[np.int64], columns: list[int], bottom: int) -> NDArray[np.int64]:
    """(..., 4): first, second, second - first, what they are divided by."""
    first, second = (sums[..., column] for column in columns)
    return np.stack([first, second, second - first, sums[..., bottom]], axis=-1)


def _ratio(parts: list[Sums], column: int, scale: int) -> Value:
    return ratio(parts[0], column, 3, scale) if len(parts) == 1 else mean_of_ratios(parts, column, 3, scale)
