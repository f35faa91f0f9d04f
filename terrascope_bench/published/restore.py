"""Evidence is restored by the rule that makes our own questions, and the published answer is measured against it.

The question keeps the published answer. Its masks, evidence, legend, view and ground sample distance come from the
label map; the option that follows is that of the task's own measure.

| reason without masks | means |
|---|---|
| (see maps.py, ask.py) | no map of this image, or a question that is not understood |
| label_map_of_another_size | the map does not lie on the image's pixels |
| class_not_in_map | a class that is asked about has no pixel |
| nothing_left_after_opening | a class of a distance that is narrower than 3 pixels everywhere |

| reason without a verdict | means |
|---|---|
| options_not_numbers | options that do not read as numbers in one unit of the task |
| nothing_follows | equal areas |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from terra_cot.errors import DataError
from terra_cot.legend import legend
from terra_cot.sample import ShownFrame
from terrascope_bench.published.ask import Unclear, understand
from terrascope_bench.published.maps import LabelMap
from terrascope_bench.question import Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS, Candidate, TileView

_QUANTITY = {"CA": "share", "AQ": "area", "CR": "area_difference", "BRD": "adjacent", "DM": "distance"}
"""The fact that a task asks for."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A question with its evidence; `follows` is the letter of the option that the map says, None with `reason`."""

    question: Question
    value: float
    unit: str
    follows: str | None
    reason: str | None

    @property
    def agrees(self) -> bool:
        return self.follows == self.question.answer

    def disagreement(self, row: int) -> dict[str, Any]:
        """A line of disagreements.jsonl."""
        asked = self.question
        assert self.follows is not None
        return {
            "question_id": asked.question_id,
            "row": row,
            "task": asked.task,
            "published": asked.answer,
            "published_text": asked.options[asked.letters.index(asked.answer)],
            "follows": self.follows,
            "follows_text": asked.options[asked.letters.index(self.follows)],
            "value": self.value,
            "unit": self.unit,
        }


def restore(question: Question, found: LabelMap) -> Restored | str:
    """The question with masks and evidence from its label map; the reason where that cannot be."""
    if found.codes.shape != (question.height, question.width):
        return "label_map_of_another_size"
    asked = understand(question.task, question.question, question.options, found.legend)
    if isinstance(asked, Unclear):
        return asked.reason
    shown = tuple(ShownFrame(frame.frame, frame.modality) for frame in question.frames)
    date = question.frames[-1].frame
    view = TileView(question.question_id, shown, found.codes, date, legend(found.legend), asked.view, found.gsd_m)
    try:
        numbers = [view.vocabulary.number(name) for name in asked.names]
        present = view.present()
    except DataError as error:
        return error.reason
    if any(number not in present for number in numbers):
        return "class_not_in_map"
    if question.task == "DM" and isnan(float(view.facts.distance_px[numbers[0], numbers[1]])):
        return "nothing_left_after_opening"
    # Nouns as options: the rule of a comparison puts its masks in the order of its options.
    nouns = tuple(view.land_class(number).noun for number in numbers)
    candidate = Candidate(question.task, question.question_id, asked.names, "", nouns, None, question.answer, "")
    masks, evidence = TASKS[question.task].prove(view, candidate)
    proven = replace(
        question,
        masks=masks,
        evidence=evidence,
        legend=found.legend,
        view=asked.view,
        label_frame=date,
        gsd_m=found.gsd_m,
    )
    return _measured(proven)


def _measured(question: Question) -> Restored:
    assert question.masks is not None
    quantity = next(item for item in question.evidence if item.fact == _QUANTITY[question.task])
    option = TASKS[question.task].follow(question, [Region(mask.size, mask.counts) for mask in question.masks])
    reason = None
    if option is None:
        numeric = question.task in ("CA", "AQ", "DM")
        reason = "options_not_numbers" if numeric and question.option_values is None else "nothing_follows"
    letter = None if option is None else question.letters[option]
    return Restored(question, quantity.value, quantity.unit, letter, reason)
