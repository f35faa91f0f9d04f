"""A verdict is what a harness records of one reply: plain JSON, enough for its metrics and to make a submission of.

| field | is |
|---|---|
| question_id, task | of the question |
| outcome | correct, wrong, unparsed or error |
| letter, truth | what the extractor found (null: nothing), and the right letter |
| why | one line for a reader: what was read, and what of it is right |
| iou | mean IoU of the question's masks, null where no evidence is known |
| grounded | right letter and IoU of at least 0.5, null likewise |
| follows | the letter follows from the model's own masks, null where that cannot be asked |
| prediction | the line of a submission that this reply is |

Metrics are means of these rows with the digits of a scorecard, so that a whole run shows the scorecard's numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import fsum
from typing import Any

from terra_cot.errors import ConfigError, did_you_mean, shorten
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.judge import judge
from terrascope_bench.masks import NANO
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question
from terrascope_bench.scorecard.rows import GROUNDED
from terrascope_bench.statistics import DECIMALS
from terrascope_bench.tasks import TASKS

Row = Mapping[str, Any]


def check_extractor(name: str) -> str:
    """`name`, if there is such an extractor; ConfigError names the nearest where there is none."""
    if name not in EXTRACTORS:
        known = tuple(EXTRACTORS)
        raise ConfigError(f"no extractor {name!r}{did_you_mean(name, known)} (known: {', '.join(known)})")
    return name


def verdict(question: Question, prediction: Prediction, extractor: str = "strict") -> dict[str, Any]:
    """Judge one prediction; the row that is recorded."""
    judged = judge(question, prediction, extractor)
    letter = judged.letter
    iou = None if judged.masks is None else judged.masks.iou / NANO
    right = judged.outcome is Outcome.CORRECT
    return {
        "question_id": question.question_id,
        "task": question.task,
        "outcome": judged.outcome.value,
        "letter": letter,
        "truth": question.answer,
        "why": _why(question, prediction, extractor, letter, judged.outcome, iou),
        "iou": iou,
        "grounded": None if iou is None else right and iou >= GROUNDED,
        "follows": judged.faith.follows,
        "prediction": prediction.to_row(),
    }


def _why(
    question: Question,
    prediction: Prediction,
    extractor: str,
    letter: str | None,
    outcome: Outcome,
    iou: float | None,
) -> str:
    truth = question.answer
    if outcome is Outcome.ERROR:
        return f"there is no reply: {shorten(prediction.error or 'no reason given')}"
    if outcome is Outcome.UNPARSED:
        text = prediction.answer if prediction.answer is not None else prediction.response or ""
        said = f'{extractor} finds no letter of {question.letters} in "{shorten(text[-400:], 200)}"; {truth} is right'
    elif outcome is Outcome.CORRECT:
        said = f"{extractor} reads {letter}, which is right"
    else:
        said = f"{extractor} reads {letter}; {truth} is right"
    return said if iou is None else f"{said}; masks given: {len(prediction.masks)}, IoU {iou:.3f}"


def shares(rows: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Means of (task, value), per task, macro and micro; None is no value. What has nothing to measure is left out."""
    by_task: dict[str, list[float]] = {code: [] for code in TASKS}
    for task, value in rows:
        if value is not None:
            by_task[task].append(value)
    present = {code: values for code, values in by_task.items() if values}
    if not present:
        return {}
    means = {code: fsum(values) / len(values) for code, values in present.items()}
    everything = [value for values in present.values() for value in values]
    out = {"macro": fsum(means.values()) / len(means), "micro": fsum(everything) / len(everything), **means}
    return {name: round(value, DECIMALS) for name, value in out.items()}
