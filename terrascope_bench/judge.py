"""A judgement is everything the scorecard needs of one question, as numbers; the reply itself is let go.

Faithfulness: the task's quantity is measured again on the model's own masks, by the rule that made the question.
`follows`: the option that follows from it is the one that the model picked. `states`: the number that the reply
states (see `stated`) is the measured one. Masks are taken by label, or by best assignment where the model named no
label. A mask that the quantity needs and the model did not give means that nothing follows, which is not faithful;
questions for which the model gave no mask at all are left out and counted (`analysis.faithfulness`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from terra_cot.legend import LEGENDS
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.masks import MaskScore, name_of, resized, score_many
from terrascope_bench.outcome import Outcome
from terrascope_bench.prediction import PredictedMask, Prediction
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.stated import stated_number
from terrascope_bench.tasks import TASKS


@dataclass(frozen=True, slots=True)
class Faith:
    """What follows from the model's own masks; None where it cannot be asked (see `verdicts`)."""

    follows: bool | None = None
    states: bool | None = None
    stated: float | None = None
    measured: float | None = None


UNASKED = Faith()


@dataclass(frozen=True, slots=True)
class Judgement:
    """`letters` are what each extractor finds (in the order of EXTRACTORS), `letter` what the chosen one does.

    `masks` is None where no evidence is known.
    """

    outcome: Outcome
    letter: str | None
    letters: tuple[str | None, ...]
    masks: MaskScore | None
    faith: Faith = UNASKED
    confidence: float | None = None


def judge_many(items: Sequence[tuple[Question, Prediction | None]], extractor: str) -> list[Judgement]:
    """Judge questions with their predictions (None: the submission has none), masks of all of them together."""
    chosen = list(EXTRACTORS).index(extractor)
    given = [_given(question, prediction) for question, prediction in items]
    known = [k for k, (question, _) in enumerate(items) if question.masks is not None]
    scores: list[MaskScore | None] = [None] * len(items)
    compared = score_many([(items[k][0].masks or (), given[k], _words(items[k][0])) for k in known])
    for k, score in zip(known, compared, strict=True):
        scores[k] = score
    return [
        _judge(question, prediction, masks, score, chosen)
        for (question, prediction), masks, score in zip(items, given, scores, strict=True)
    ]


def judge(question: Question, prediction: Prediction | None, extractor: str) -> Judgement:
    """Judge one question; `prediction` None where the submission has none."""
    return judge_many([(question, prediction)], extractor)[0]


def _given(question: Question, prediction: Prediction | None) -> tuple[PredictedMask, ...]:
    """The model's masks on the grid of the question."""
    if prediction is None or question.masks is None:
        return ()
    size = (question.height, question.width)
    if all(mask.size == size for mask in prediction.masks):
        return prediction.masks
    return tuple(resized(mask, size) for mask in prediction.masks)


def _words(question: Question) -> dict[str, str]:
    return aliases(question.legend, question.view)


def _judge(
    question: Question,
    prediction: Prediction | None,
    masks: tuple[PredictedMask, ...],
    score: MaskScore | None,
    chosen: int,
) -> Judgement:
    letters: tuple[str | None, ...] = (None,) * len(EXTRACTORS)
    if prediction is None:
        return Judgement(Outcome.MISSING, None, letters, score)
    reply = prediction.response, prediction.answer
    letters = tuple(extract(*reply, question.options) for extract in EXTRACTORS.values())
    letter = letters[chosen]
    faith = _faith(question, prediction.response, masks, score, letter)
    return Judgement(_outcome(question, prediction, letter), letter, letters, score, faith, prediction.confidence)


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


def _outcome(question: Question, prediction: Prediction, letter: str | None) -> Outcome:
    if prediction.response is None and prediction.answer is None:
        return Outcome.ERROR
    if letter is None:
        return Outcome.UNPARSED
    return Outcome.CORRECT if letter == question.answer else Outcome.WRONG


def _faith(
    question: Question,
    response: str | None,
    masks: tuple[PredictedMask, ...],
    score: MaskScore | None,
    letter: str | None,
) -> Faith:
    task = TASKS.get(question.task)
    if task is None or score is None or not masks:
        return UNASKED
    number = task.stated and stated_number(response, task.stated(question), question.option_values)
    stated = number.value if number else None
    # Of a benchmark from elsewhere it may not be known which number an option means: nothing to compare a letter with.
    asked = letter is not None and (question.option_values is not None or len(question.options) == 2)
    own = [
        Region(masks[pair.predicted].size, masks[pair.predicted].counts, pair.predicted_px)
        for pair in score.pairs
        if pair.predicted is not None
    ]
    measured = task.measure(question, own) if len(own) == len(score.pairs) else None
    if measured is None:
        return Faith(False if asked else None, False if number else None, stated, None)
    option = task.option(question, measured) if asked else None
    return Faith(
        (option is not None and question.letters[option] == letter) if asked else None,
        number.follows(measured) if number else None,
        stated,
        measured,
    )
