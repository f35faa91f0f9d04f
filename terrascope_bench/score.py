"""A scorecard is a function of four things: benchmark, predictions, extractor, seed; all four are named in it.

Per task and overall (macro = mean over the tasks that have questions, micro = over all questions):

| metric | over | is |
|---|---|---|
| accuracy | all questions | the letter is right |
| giou, boundary_iou | questions with evidence masks | mean of the question's IoU (see `mask_metrics`) |
| ciou | questions with evidence masks | sum of intersections / sum of unions |
| grounded_accuracy | questions with evidence masks | right letter and IoU >= 0.5 |
| faithfulness | questions with a letter and masks from the model | the letter follows from its masks (see `judge`) |

A metric with nothing to measure is null. A submission with a defect is refused: half a file has no score.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import ConfigError, DataError, did_you_mean
from terra_cot.store.atomic import sha256_file
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.judge import Judgement, judge
from terrascope_bench.mask_metrics import NANO
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import Defect, Expected
from terrascope_bench.statistics import DECIMALS, Sums, Value, mean_of_ratios, pearson, ratio, resample
from terrascope_bench.submission import read_submission
from terrascope_bench.tasks import TASKS, find_task

OnStep = Callable[[int, int], None]
GROUNDED = 0.5
_SHOWN_DEFECTS = 5

# Columns of the table of sums: one row a question.
_COLUMNS = (
    "one",
    "right",
    "known",
    "iou",
    "rim",
    "i",
    "u",
    "grounded",
    "asked",
    "faithful",
    "known_right",
    "iou_right",
)
_AT = {name: k for k, name in enumerate(_COLUMNS)}
METRICS: dict[str, tuple[str, str, int]] = {
    "accuracy": ("right", "one", 1),
    "giou": ("iou", "known", NANO),
    "ciou": ("i", "u", 1),
    "boundary_iou": ("rim", "known", NANO),
    "grounded_accuracy": ("grounded", "known", 1),
    "faithfulness": ("faithful", "asked", 1),
}
CLASS_METRICS = ("giou", "ciou", "boundary_iou")


def score(
    predictions: Path,
    bench: Path,
    *,
    extractor: str = "strict",
    seed: int = 0,
    model: str | None = None,
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """The scorecard of a submission, as the JSON value that the caller writes.

    Args:
        model: name in the scorecard; None for the name of the file.

    Raises:
        ConfigError: an unknown extractor. DataError: the submission has defects, or a file cannot be read.
    """
    if extractor not in EXTRACTORS:
        known = tuple(EXTRACTORS)
        raise ConfigError(f"no extractor {extractor!r}{did_you_mean(extractor, known)} (known: {', '.join(known)})")
    benchmark = open_benchmark(bench)
    questions = {question.question_id: question for question in benchmark.questions(images=False)}
    for code in sorted({question.task for question in questions.values()}):
        find_task(code)
    expected = {name: Expected.of(question) for name, question in questions.items()}
    judged: dict[str, Judgement] = {}
    defects: list[Defect] = []
    refused = 0
    for item in read_submission(predictions, expected):
        if isinstance(item, Defect):
            refused += 1
            if len(defects) < _SHOWN_DEFECTS:
                defects.append(item)
        elif not refused:
            judged[item.question_id] = judge(questions[item.question_id], item, extractor)
            if on_step:
                on_step(len(judged), len(questions))
    if refused:
        shown = " | ".join(map(str, defects))
        raise DataError(
            f"{refused} defects, so there is no score; first: {shown}",
            file=predictions,
            fix="`terrascope-bench validate` lists them all",
        )
    answered = len(judged)
    for name, question in questions.items():
        if name not in judged:
            judged[name] = judge(question, None, extractor)
    # In the order of the benchmark, not of the file: the order of lines must not change a digit.
    ordered = [judged[name] for name in questions]
    return {
        "format_version": FORMAT_VERSION,
        "model": model or predictions.name.removesuffix(predictions.suffix),
        "benchmark": {"sha256": benchmark.sha256, "n": len(questions)},
        "predictions": {"sha256": sha256_file(predictions), "n": answered},
        "code_version": __version__,
        "extractor": extractor,
        "seed": seed,
        **tabulate(ordered, seed, extractor),
    }


def tabulate(judged: list[Judgement], seed: int, extractor: str = "strict") -> dict[str, Any]:
    """The tables of a scorecard: tasks, overall, classes, analysis."""
    by_task: dict[str, list[Judgement]] = {code: [] for code in TASKS}
    for entry in judged:
        by_task[entry.task].append(entry)
    sums = {code: _sums(entries, seed, "task", code) for code, entries in by_task.items()}
    tasks = {code: {**_counts(by_task[code]), **_metrics(sums[code])} for code in TASKS}
    present = [sums[code] for code in TASKS if by_task[code]]
    everything = _sums([], seed)
    for part in present:
        everything = everything + part
    macro = {
        name: mean_of_ratios(present, _AT[above], _AT[below], scale) for name, (above, below, scale) in METRICS.items()
    }
    return {
        "tasks": tasks,
        "overall": {"macro": macro, "micro": _metrics(everything)},
        "classes": _classes(judged, seed),
        "analysis": _analysis(judged, everything, extractor),
    }


def _row(entry: Judgement) -> tuple[int, ...]:
    right = int(entry.outcome is Outcome.CORRECT)
    asked = int(entry.faithful is not None)
    faithful = int(entry.faithful is True)
    masks = entry.masks
    if masks is None:
        return (1, right, 0, 0, 0, 0, 0, 0, asked, faithful, 0, 0)
    grounded = int(right and masks.iou >= GROUNDED * NANO)
    return (
        *(1, right, 1, masks.iou, masks.boundary_iou, masks.intersection, masks.union, grounded, asked, faithful),
        *(right, right * masks.iou),
    )


def _sums(entries: list[Judgement], seed: int, *names: object) -> Sums:
    rows = np.array([_row(entry) for entry in entries], np.int64).reshape(len(entries), len(_COLUMNS))
    return resample(rows, seed, *names)


def _metrics(sums: Sums) -> dict[str, Value]:
    return {name: ratio(sums, _AT[above], _AT[below], scale) for name, (above, below, scale) in METRICS.items()}


def _counts(entries: list[Judgement]) -> dict[str, int]:
    counts = Counter(entry.outcome for entry in entries)
    return {"n": len(entries), **{outcome.value: counts[outcome] for outcome in Outcome}}


def _classes(judged: list[Judgement], seed: int) -> dict[str, Any]:
    """Mask metrics by the label of the truth mask; a question is drawn with all its masks of the class."""
    rows: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for entry in judged:
        if entry.masks is None:
            continue
        sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(_COLUMNS))
        for pair in entry.masks.pairs:
            values = sums[pair.label]
            for name, value in (
                ("known", 1),
                ("iou", pair.iou),
                ("rim", pair.boundary_iou),
                ("i", pair.intersection),
                ("u", pair.union),
            ):
                values[_AT[name]] += value
        for label, values in sums.items():
            rows[label].append(tuple(values))
    out = {}
    for label in sorted(rows):
        table = resample(np.array(rows[label], np.int64), seed, "class", label)
        metrics = _metrics(table)
        out[label] = {"n": int(table.total[_AT["known"]]), **{name: metrics[name] for name in CLASS_METRICS}}
    return out


def _analysis(judged: list[Judgement], everything: Sums, extractor: str) -> dict[str, Any]:
    known = [(entry, entry.masks) for entry in judged if entry.masks is not None]
    return {
        "iou_when_right": _split_iou(everything, right=True),
        "iou_when_wrong": _split_iou(everything, right=False),
        "pearson_r": pearson(
            [float(entry.outcome is Outcome.CORRECT) for entry, _ in known], [masks.iou / NANO for _, masks in known]
        ),
        "masks": {
            "questions": len(known),
            "missing": sum(masks.missing for _, masks in known),
            "surplus": sum(masks.surplus for _, masks in known),
            "empty_pairs": sum(masks.empty_pairs for _, masks in known),
        },
        "faithfulness_n": int(everything.total[_AT["asked"]]),
        "extractors": _extractors(judged, extractor),
    }


def _split_iou(sums: Sums, *, right: bool) -> Value:
    """Mean IoU of the questions answered right, or of all others."""
    first, second = _AT["iou_right"], _AT["known_right"]
    if not right:
        total, drawn = sums.total.copy(), sums.drawn.copy()
        for part, whole in ((first, _AT["iou"]), (second, _AT["known"])):
            total[part] = total[whole] - total[part]
            drawn[:, part] = drawn[:, whole] - drawn[:, part]
        sums = Sums(total, drawn)
    return ratio(sums, first, second, NANO)


def _extractors(judged: list[Judgement], chosen: str) -> dict[str, Any]:
    """What each extractor would make of the same replies, and how many letters differ from the chosen one's."""
    names = list(EXTRACTORS)
    ours = names.index(chosen)
    out = {}
    for k, name in enumerate(names):
        right = sum(entry.letters[k] == entry.truth for entry in judged)
        out[name] = {
            "accuracy": round(right / len(judged), DECIMALS) if judged else None,
            "changed": sum(entry.letters[k] != entry.letters[ours] for entry in judged),
        }
    return out
