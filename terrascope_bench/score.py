"""A scorecard is a function of benchmark, predictions, extractor, seed and `resize`; it names them all.

The metrics are those of `scorecard.rows`. A metric with nothing to measure is null. A submission with a defect is
refused: half a file has no score. Lines may come in any order; the order of lines does not change a digit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.counted import counted
from terra_cot.errors import ConfigError, DataError, did_you_mean
from terra_cot.store.atomic import sha256_file, write_json
from terrascope_bench.answer import EXTRACTORS
from terrascope_bench.answer_key import AnswerKey
from terrascope_bench.benchmark import open_benchmark
from terrascope_bench.judge import aliases, judge_many
from terrascope_bench.masks import name_of
from terrascope_bench.prediction import Defect, Prediction
from terrascope_bench.question import Question
from terrascope_bench.scorecard import tabulate
from terrascope_bench.submission import read_submission
from terrascope_bench.submission.doubts import Doubts
from terrascope_bench.submission.source import open_source
from terrascope_bench.tally import Tally
from terrascope_bench.verdicts import verdicts_beside, write_verdicts
from terrascope_bench.waiting import Waiting

OnStep = Callable[[int, int], None]
_CHUNK = 256
Item = tuple[int, Question, Prediction | None]


@dataclass(frozen=True, slots=True)
class Scored:
    """A scorecard as the JSON value that is written, the verdicts behind it, and what to doubt of the predictions.

    Doubts (masks with labels that no question asks for) are told to people; the scorecard does not hold them.
    """

    card: dict[str, Any]
    verdicts: pa.Table
    doubts: Doubts


def score(
    predictions: Path,
    bench: Path,
    *,
    extractor: str = "strict",
    seed: int = 0,
    model: str | None = None,
    resize: bool = False,
    on_step: OnStep | None = None,
) -> Scored:
    """Score a submission.

    Args:
        model: name in the scorecard; None for the name of the file.
        resize: masks of another size than the question's images are brought to it (nearest pixel), not refused.
        on_step: called with (questions judged, questions of the benchmark).

    Raises:
        ConfigError: an unknown extractor. DataError: the submission has defects, or a file cannot be read.
    """
    if extractor not in EXTRACTORS:
        known = tuple(EXTRACTORS)
        raise ConfigError(f"no extractor {extractor!r}{did_you_mean(extractor, known)} (known: {', '.join(known)})")
    benchmark = open_benchmark(bench)
    with open_source(predictions) as source:
        texts = source.kind == "official"  # its results name questions by their words
    key = AnswerKey(benchmark, texts=texts)
    tally = key.tally()
    doubts = Doubts()
    answered = _judge_all(predictions, key, tally, doubts, extractor, resize, on_step or (lambda done, total: None))
    card = {
        "format_version": FORMAT_VERSION,
        "model": model or _stem(predictions),
        "benchmark": {"sha256": benchmark.sha256, "n": len(key)},
        "predictions": {"sha256": sha256_file(predictions), "n": answered},
        "code_version": __version__,
        "extractor": extractor,
        "seed": seed,
        "resize": resize,
        **tabulate(tally, seed),
    }
    return Scored(card, tally.table(), doubts)


def write_scorecard(path: Path, scored: Scored, predictions: Path, bench: Path) -> dict[str, Any]:
    """Write a scorecard and its verdicts beside it; returns what was written.

    The card names the inputs by their paths from its own folder, so that a folder of cards, predictions and benchmark
    can be moved as a whole and scored again.
    """
    beside = verdicts_beside(path)
    write_verdicts(beside, scored.verdicts)
    card = {
        **scored.card,
        "verdicts": {"path": beside.name, "sha256": sha256_file(beside), "n": scored.verdicts.num_rows},
        "inputs": {"benchmark": _from(path, bench), "predictions": _from(path, predictions)},
    }
    write_json(path, card)
    return card


def _stem(predictions: Path) -> str:
    """The name of a file without its format: `mine` of `mine.jsonl.gz`."""
    name = predictions.name.removesuffix(".gz")
    return Path(name).stem or name


def _from(card: Path, target: Path) -> str:
    return Path(os.path.relpath(target.resolve(), card.resolve().parent)).as_posix()


def _judge_all(
    predictions: Path, key: AnswerKey, tally: Tally, doubts: Doubts, extractor: str, resize: bool, on_step: OnStep
) -> int:
    """Fill the tally and the doubts; returns the number of predictions."""
    read = judged = 0

    def judge_rows(items: Iterator[Item]) -> None:
        nonlocal judged
        while chunk := list(islice(items, _CHUNK)):
            _add(tally, chunk, extractor)
            _doubt(doubts, chunk)
            judged += len(chunk)
            on_step(judged, len(key))

    with Waiting() as waiting:

        def at_hand() -> Iterator[Item]:
            nonlocal read
            for prediction in _checked(predictions, key, resize):
                read += 1
                row = key.rows[prediction.question_id]
                question = key.at_hand(row)
                if question is None:
                    waiting.put(key.part_of(row), row, prediction)
                else:
                    yield row, question, prediction

        judge_rows(at_hand())
        for part in waiting.parts():
            questions, start = key.read(part), key.start(part)
            judge_rows((row, questions[row - start], prediction) for row, prediction in waiting.take(part))
    judge_rows((row, question, None) for row, question in key.pending(tally.done))
    return read


def _add(tally: Tally, chunk: Sequence[Item], extractor: str) -> None:
    judgements = judge_many([(question, prediction) for _, question, prediction in chunk], extractor)
    for (row, _, _), judgement in zip(chunk, judgements, strict=True):
        tally.add(row, judgement)


def _doubt(doubts: Doubts, chunk: Sequence[Item]) -> None:
    """Labels alone: letters that no option has are counted in the scorecard, as unparsed."""
    for _, question, prediction in chunk:
        if prediction is not None and prediction.masks and question.masks is not None:
            asked = frozenset((mask.frame, name_of(mask.label)) for mask in question.masks)
            doubts.look(prediction, asked, aliases(question.legend, question.view), None)


def _checked(predictions: Path, key: AnswerKey, resize: bool) -> Iterator[Prediction]:
    """The predictions of a file without defects; with the first defect nothing more is judged."""
    first: Defect | None = None
    refused = 0
    for item in read_submission(predictions, key.expected, resize=resize):
        if isinstance(item, Defect):
            refused += 1
            first = first or item
        elif not refused:
            yield item
    if refused:
        raise DataError(
            f"{counted(refused, 'defect')}, so there is no score; first: {first}",
            file=predictions,
            fix="`terrascope-bench validate` shows them",
        )
