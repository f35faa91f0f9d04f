"""The official scripts' JSON is streamed result by result; a result is matched by its text and image, never guessed.

{"results": [{image, question, predicted_answer, gt_answer, response, task_type}, ...]}

| field | rule |
|---|---|
| question | exactly the text of a question of the benchmark (white space around it does not count) |
| image | file name of one of its images, its tile_id, source_id or question_id, with or without an ending; may be \
absent if the text is unique |
| question_id | optional: names the question, and `question`, where given, must agree with it |
| predicted_answer, response | the answer alone, and the whole reply: `answer` and `response` of a prediction |
| gt_answer | the letter of the benchmark; another one means that the file was made for another version: a defect |
| masks, confidence, error | as in JSONL |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from terra_cot.errors import shorten
from terrascope_bench.prediction import Defect, Expected, Prediction
from terrascope_bench.submission.check import Checker, Defects, kind_of
from terrascope_bench.submission.events import Built, Meter, results_of
from terrascope_bench.submission.jsonl import OnBytes
from terrascope_bench.submission.limits import MAX_OBJECTS
from terrascope_bench.submission.source import BrokenFile, Source

_OWN = ("image", "question", "gt_answer", "task_type")
_PLACE = "result"
_ENDING = re.compile(r"\.(png|jpe?g|tiff?|webp|bmp)$", re.IGNORECASE)
_OTHER_VERSION = "score it against the benchmark that it was made for"


def read_official(
    source: Source,
    path: Path,
    questions: Mapping[str, Expected],
    checker: Checker,
    max_line: int,
    on_bytes: OnBytes | None,
) -> Iterator[Prediction | Defect]:
    """Every result as a prediction or its defects, numbered from 1.

    Raises:
        DataError: there is no list of results in it.
    """
    checker.place = _PLACE
    matcher = _Matcher(questions)
    meter = Meter(source.stream, max_line)
    number = 0
    try:
        for built in results_of(meter, path):
            number += 1
            meter.start()
            yield from _check(built, number, matcher, checker)
            if on_bytes:
                on_bytes(source.position(), source.size)
    except BrokenFile as error:
        yield Defect(number + 1, "", f"{error}; what follows was not read", place=_PLACE, kind="broken_file")


def _check(built: Built, number: int, matcher: _Matcher, checker: Checker) -> Iterator[Prediction | Defect]:
    defects = Defects(number, _PLACE)
    value = built.value
    if not built.whole:
        defects.add(
            "too_many", "", "too many or too deeply nested values in one result", None, f"at most {MAX_OBJECTS}"
        )
    elif not isinstance(value, dict):
        defects.add("not_an_object", "", "a result is a JSON object", kind_of(value), "an object")
    if defects.found:
        yield from defects.found
        return
    if built.repeated is not None:
        defects.add("repeated_field", built.repeated, "stands twice in one object")
    if "answer" in value:
        fix = "name it predicted_answer if it is the model's, gt_answer if it is the truth"
        defects.add("unknown_field", "answer", "whose answer this is cannot be told", fix=fix)
    name = matcher.find(value, defects)
    if name is None:
        yield from defects.found
        return
    row = {field: entry for field, entry in value.items() if field not in (*_OWN, "answer", "predicted_answer")}
    row |= {"question_id": name, "answer": value.get("predicted_answer")}
    checked = checker.check(row, number)
    if isinstance(checked, list):
        defects.found += [
            replace(defect, field="predicted_answer") if defect.field == "answer" else defect for defect in checked
        ]
    yield from defects.found
    if not defects.found and isinstance(checked, Prediction):
        yield checked


class _Matcher:
    """Finds the question of a result; whatever leaves a doubt is a defect."""

    def __init__(self, questions: Mapping[str, Expected]) -> None:
        self._questions = questions
        self._by_text: dict[str, list[str]] = {}
        for name, expected in questions.items():
            if expected.question is not None:
                self._by_text.setdefault(expected.question.strip(), []).append(name)

    def find(self, result: dict[str, Any], defects: Defects) -> str | None:
        """The id of the result's question; None, and a defect, where it is not exactly one."""
        before = len(defects.found)
        name = result.get("question_id")
        text = result.get("question")
        if name is None:
            name = self._by_words(text, result.get("image"), defects)
        elif not isinstance(name, str):
            defects.add("no_question_id", "question_id", "must be text", kind_of(name))
        elif text is not None and name in self._questions:
            self._compare_text(name, text, defects)
        if len(defects.found) == before and isinstance(name, str):
            self._compare_truth(name, result.get("gt_answer"), defects)
            return name
        return None

    def _compare_text(self, name: str, given: object, defects: Defects) -> None:
        own = self._questions[name].question
        if own is not None and not (isinstance(given, str) and given.strip() == own.strip()):
            got = shorten(given, 80) if isinstance(given, str) else kind_of(given)
            defects.add("other_benchmark", "question", "not the text of that question", got, fix=_OTHER_VERSION)

    def _by_words(self, text: object, image: object, defects: Defects) -> str | None:
        if not isinstance(text, str):
            defects.add("unknown_question", "question", "must be text", kind_of(text))
            return None
        if image is not None and not isinstance(image, str):
            defects.add("unknown_question", "image", "must be the name of the image", kind_of(image))
            return None
        found = self._by_text.get(text.strip(), [])
        if not found:
            problem = "no question of the benchmark has this text"
            defects.add("unknown_question", "question", problem, shorten(text, 80), fix=_OTHER_VERSION)
            return None
        asked, found = found, found if image is None else self._of_image(found, image)
        if len(found) == 1:
            return found[0]
        if not found:
            problem = "no question with this text is asked of this image"
            defects.add(
                "unknown_question", "image", problem, shorten(str(image), 80), self._names(asked), _OTHER_VERSION
            )
        else:
            which = shorten(", ".join(found[:4]), 100)
            problem = f"{len(found)} questions fit ({which}{', ...' if len(found) > 4 else ''})"
            more = "question_id" if image is not None else "image or question_id"
            defects.add("ambiguous_question", "question", problem, fix=f"add {more} to the result")
        return None

    def _of_image(self, names: list[str], image: str) -> list[str]:
        """Those asked of the image, by an exact name; else by a name without an ending of pictures."""
        wanted = image.replace("\\", "/").rpartition("/")[2]
        known = {name: self._questions[name].images for name in names}
        exact = [name for name in names if not known[name] or wanted in known[name]]
        if exact:
            return exact
        stem = _ENDING.sub("", wanted)
        return [name for name in names if stem in [_ENDING.sub("", other) for other in known[name]]]

    def _names(self, questions: list[str]) -> str:
        """What the images of these questions are called, the first few."""
        names = [name for question in questions[:2] for name in self._questions[question].images]
        return shorten(" or ".join(dict.fromkeys(names)), 200)

    def _compare_truth(self, name: str, given: object, defects: Defects) -> None:
        expected = self._questions.get(name)
        if given is None or expected is None or expected.answer is None:
            return
        if not isinstance(given, str) or given.strip().upper() != expected.answer:
            got = shorten(given, 40) if isinstance(given, str) else kind_of(given)
            problem = "not this benchmark's answer, so the file is of another version of it"
            defects.add("other_benchmark", "gt_answer", problem, got, expected.answer, _OTHER_VERSION)
