"""A card shows one question that went wrong: images, truth, what each model marked, picked and said.

Nothing a submission says is taken for more than text: replies are cut, steering characters spelled out, and masks have
passed the same checks as for the score. What is not at hand (benchmark or predictions moved or changed) is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from terra_cot.errors import TerraError
from terra_cot.store.manifest import manifest_parts
from terra_cot.store.shards import open_part, read_group
from terra_cot.visible import visible
from terrascope_bench.answer_key import AnswerKey
from terrascope_bench.benchmark import Benchmark, open_benchmark
from terrascope_bench.leaderboard.table import Entry, Ranking
from terrascope_bench.leaderboard.worst import Worst
from terrascope_bench.masks import NANO, resized
from terrascope_bench.prediction import Expected, Prediction
from terrascope_bench.question import QUESTIONS, Question
from terrascope_bench.report.images import Images, Picture, on_image, question_panels, shown
from terrascope_bench.reproduce import check_benchmark, check_predictions
from terrascope_bench.submission import read_submission
from terrascope_bench.tasks import TASKS

REPLY_CHARACTERS = 3000
NAME_CHARACTERS = 80
_TEXT_CHARACTERS = 600
_MASKS_SHOWN = 4


def find_benchmark(ranking: Ranking, bench: Path | None) -> tuple[Benchmark | None, str | None]:
    """The benchmark of a ranking, checked byte for byte, or None and why it is not at hand.

    Args:
        bench: where it is; None for where the scorecards say, the first of them that is right.
    """
    folders = [entry.card.input("benchmark", bench) for entry in ranking.entries]
    problem: str | None = None
    for folder in dict.fromkeys(folders):
        try:
            benchmark = open_benchmark(folder)
            check_benchmark(benchmark, ranking.benchmark)
        except TerraError as error:
            problem = problem or getattr(error, "problem", str(error))
        else:
            return benchmark, None
    return None, problem


def chances(benchmark: Benchmark) -> dict[str, float]:
    """By task: the share that guessing gets, the mean of 1 / options."""
    counts: dict[str, list[int]] = {}
    for part in manifest_parts(benchmark.manifest):
        path = benchmark.folder / part.path
        with open_part(path, QUESTIONS.schema) as opened:
            for group in range(opened.num_row_groups):
                for row in read_group(opened, group, ["task", "options"], path):
                    counts.setdefault(row["task"], []).append(len(row["options"]))
    return {code: sum(1 / n for n in found) / len(found) for code, found in sorted(counts.items())}


def make_cards(
    ranking: Ranking, lists: dict[str, list[Worst]], benchmark: Benchmark, images: Images
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """Cards by list as the page's template reads them, and what was not at hand. Pictures go to `images`."""
    wanted = {entry.question_id for entries in lists.values() for entry in entries}
    questions = _questions(benchmark, wanted)
    asked = {number for entries in lists.values() for entry in entries for number in entry.shown}
    rows = {name: row for row, name in enumerate(ranking.entries[0].verdicts["question_id"].to_pylist())}
    expected = AnswerKey(benchmark).expected
    replies: dict[int, dict[str, Prediction]] = {}
    notes = []
    for number in sorted(asked):
        entry = ranking.entries[number]
        try:
            replies[number] = _replies(entry, expected, wanted)
        except TerraError as error:
            problem = getattr(error, "problem", str(error))
            notes.append(f"no replies of {visible(entry.card.model, limit=NAME_CHARACTERS)}: {problem}")
            replies[number] = {}
    cards: dict[str, list[dict[str, Any]]] = {}
    for name, entries in lists.items():
        cards[name] = []
        for item in entries:
            question = questions[item.question_id]
            cards[name].append(
                {
                    **_asked(question, images),
                    **_chosen(question, ranking, item, rows[item.question_id]),
                    "replies": [
                        _reply(
                            ranking.entries[number],
                            number,
                            question,
                            replies[number].get(item.question_id),
                            rows[item.question_id],
                            images,
                        )
                        for number in item.shown
                    ],
                }
            )
    return cards, notes


def _questions(benchmark: Benchmark, wanted: set[str]) -> dict[str, Question]:
    """The wanted questions with their images; row groups without any are not read."""
    out = {}
    for part in manifest_parts(benchmark.manifest):
        path = benchmark.folder / part.path
        with open_part(path, QUESTIONS.schema) as opened:
            for group in range(opened.num_row_groups):
                names = [row["question_id"] for row in read_group(opened, group, ["question_id"], path)]
                if wanted.isdisjoint(names):
                    continue
                for row in read_group(opened, group, None, path):
                    if row["question_id"] in wanted:
                        out[row["question_id"]] = Question.from_row(row)
    return out


def _replies(entry: Entry, expected: dict[str, Expected], wanted: Iterable[str]) -> dict[str, Prediction]:
    path = entry.card.input("predictions")
    check_predictions(path, entry.card)
    found = read_submission(path, expected, resize=entry.card.body["resize"])
    names = set(wanted)
    return {item.question_id: item for item in found if isinstance(item, Prediction) and item.question_id in names}


def _asked(question: Question, images: Images) -> dict[str, Any]:
    return {
        "id": visible(question.question_id, limit=_TEXT_CHARACTERS),
        "task": question.task,
        "task_name": TASKS[question.task].name.replace("_", " "),
        "question": visible(question.question, limit=_TEXT_CHARACTERS, lines=True),
        "panels": [images.add(picture, visible(title, limit=120)) for picture, title in question_panels(question)],
    }


def _chosen(question: Question, ranking: Ranking, item: Worst, row: int) -> dict[str, Any]:
    """The options with how many models picked each, and what the blind solvers make of the question."""
    letters = [entry.verdicts["letter"][row].as_py() for entry in ranking.entries]
    return {
        "options": [
            {
                "letter": letter,
                "text": visible(text, limit=_TEXT_CHARACTERS),
                "right": letter == question.answer,
                "picked": letters.count(letter),
            }
            for letter, text in zip(question.letters, question.options, strict=True)
        ],
        "models": len(letters),
        "wrong": len(item.wrong),
        "blind": ranking.entries[0].verdicts["blind"][row].as_py(),
    }


def _reply(
    entry: Entry, number: int, question: Question, prediction: Prediction | None, row: int, images: Images
) -> dict[str, Any]:
    verdict = entry.verdicts.slice(row, 1).to_pylist()[0]
    return {
        "place": number + 1,
        "model": visible(entry.card.model, limit=NAME_CHARACTERS),
        "letter": verdict["letter"],
        "outcome": verdict["outcome"],
        "confidence": verdict["confidence"],
        "iou": None if verdict["iou"] is None else verdict["iou"] / NANO,
        "text": _text(prediction),
        "panels": [] if prediction is None else list(_marked(question, prediction, images)),
        "more_masks": 0 if prediction is None else max(0, len(prediction.masks) - _MASKS_SHOWN),
    }


def _text(prediction: Prediction | None) -> str | None:
    """The reply as it came, cut; None where there is none."""
    if prediction is None:
        return None
    parts = [prediction.response, prediction.answer, prediction.error]
    said = "\n".join(part for part in parts if part is not None)
    return visible(said, limit=REPLY_CHARACTERS, lines=True)


def _marked(question: Question, prediction: Prediction, images: Images) -> Iterable[dict[str, str]]:
    """A picture of each of the model's first masks."""
    from terra_cot.mask import decode

    pictures: dict[tuple[str, str], Picture] = shown(question)
    size = (question.height, question.width)
    for mask in prediction.masks[:_MASKS_SHOWN]:
        label = mask.label or "no label"
        region = decode(size, resized(mask, size).counts)
        title = f"model: {label} ({mask.frame}){'' if region.any() else ', empty'}"
        yield images.add(
            on_image(pictures, question.legend, mask.frame, label, region), visible(title, limit=NAME_CHARACTERS)
        )
