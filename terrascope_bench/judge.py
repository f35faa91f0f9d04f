"""A judgement is everything the scorecard needs of one question, as whole numbers; the reply itself is let go.

Faithfulness: the task's quantity is measured again on the model's own masks, by the rule that made the question, and
the option that follows from it is compared with the letter the model gave. Masks are taken by label, or by best
assignment where the model named no label. A mask that the quantity needs and the model did not give means that nothing
follows, which is not faithful; questions for which the model gave no mask at all are left out and counted
(`analysis.faithfulness_n`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from terra_cot.legend import LEGENDS
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.mask_metrics import MaskScore, decoded, name_of, score_masks
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import PredictedMask, Prediction
from terrascope_bench.question import Question
from terrascope_bench.tasks import TASKS


@dataclass(frozen=True, slots=True)
class Judgement:
    """`letters` are what each extractor finds (in the order of EXTRACTORS); `masks` None where no evidence is known.

    `faithful` is None where the model gave no mask or no letter, or the benchmark has no evidence.
    """

    task: str
    outcome: Outcome
    truth: str
    letters: tuple[str | None, ...]
    masks: MaskScore | None
    faithful: bool | None


def judge(question: Question, prediction: Prediction | None, extractor: str) -> Judgement:
    """Judge one question; `prediction` None where the submission has none."""
    masks = prediction.masks if prediction is not None else ()
    letters = _letters(question, prediction)
    letter = letters[list(EXTRACTORS).index(extractor)]
    score = (
        None if question.masks is None else score_masks(question.masks, masks, aliases(question.legend, question.view))
    )
    return Judgement(
        question.task,
        _outcome(question, prediction, letter),
        question.answer,
        letters,
        score,
        _faithful(question, masks, score, letter),
    )


@cache
def aliases(legend_name: str | None, view: str | None) -> dict[str, str]:
    """The words that questions use for a class -> its label, for one view of a legend."""
    source = LEGENDS.get(legend_name or "")
    if source is None:
        return {}
    classes = (*(source.native if view == "native" else source.display), *source.groups)
    labels = {name_of(entry.name) for entry in classes}
    words = {name_of(entry.noun): name_of(entry.name) for entry in classes}
    return {word: label for word, label in words.items() if word not in labels}


def _letters(question: Question, prediction: Prediction | None) -> tuple[str | None, ...]:
    if prediction is None:
        return (None,) * len(EXTRACTORS)
    return tuple(extract(prediction.response, prediction.answer, question.options) for extract in EXTRACTORS.values())


def _outcome(question: Question, prediction: Prediction | None, letter: str | None) -> Outcome:
    if prediction is None:
        return Outcome.MISSING
    if prediction.response is None and prediction.answer is None:
        return Outcome.ERROR
    if letter is None:
        return Outcome.UNPARSED
    return Outcome.CORRECT if letter == question.answer else Outcome.WRONG


def _faithful(
    question: Question, masks: tuple[PredictedMask, ...], score: MaskScore | None, letter: str | None
) -> bool | None:
    task = TASKS.get(question.task)
    if task is None or score is None or not masks or letter is None:
        return None
    if question.option_values is None and len(question.options) > 2:
        return None  # a benchmark from elsewhere: which number an option means is not known
    own = [None if pair.predicted is None else masks[pair.predicted] for pair in score.pairs]
    given = [mask for mask in own if mask is not None]
    if len(given) < len(own):
        return False
    option = task.follow(question, [decoded(m.size, m.counts).T > 0 for m in given])
    return option is not None and question.letters[option] == letter
