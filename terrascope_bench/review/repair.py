"""A question with repaired masks stands only if its answer still follows from them; its evidence is measured again.

| reason | a question that does not stand |
|---|---|
| mask_empty | a mask that held something holds nothing now |
| not_measurable | a fact of its evidence has no value on the repaired masks |
| answer_does_not_follow | the option that follows from the repaired masks is not the answer |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from terra_cot.errors import DataError
from terra_cot.mask import Mask
from terra_cot.sample import Evidence
from terrascope_bench.question import LETTERS, Question
from terrascope_bench.region import Region
from terrascope_bench.tasks import TASKS

REASONS = ("mask_empty", "not_measurable", "answer_does_not_follow")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Why a question is not in the new benchmark; `evidence` is that of the repaired masks where it has values."""

    question_id: str
    task: str
    reason: str
    detail: str
    evidence: tuple[Evidence, ...] | None = None

    def to_row(self) -> dict[str, str]:
        return {"question_id": self.question_id, "task": self.task, "reason": self.reason, "detail": self.detail}


def with_repairs(masks: Sequence[Mask], repairs: Sequence[str | None]) -> tuple[Mask, ...]:
    """Masks with the repaired ones (RLE text) in their place."""
    pairs = zip(masks, repairs, strict=True)
    return tuple(mask if counts is None else replace(mask, counts=counts) for mask, counts in pairs)


def repair(question: Question, masks: tuple[Mask, ...]) -> Question | Dropped:
    """A question with repaired masks and the evidence measured on them; the reason where it does not stand.

    Raises:
        DataError: the masks are not the question's: another number, frame, label or size.
    """
    before = question.masks or ()
    if [(mask.frame, mask.label, mask.size) for mask in masks] != [
        (mask.frame, mask.label, mask.size) for mask in before
    ]:
        raise DataError("repaired masks of another question", row=question.question_id, field="masks")
    regions = [Region(mask.size, mask.counts) for mask in masks]
    for mask, old, region in zip(masks, before, regions, strict=True):
        if region.px == 0 and Region(old.size, old.counts).px > 0:
            return _drop(question, "mask_empty", mask.label)
    rows = _measured(question, regions)
    if isinstance(rows, str):
        return _drop(question, "not_measurable", rows)
    repaired = replace(question, masks=masks, evidence=rows)
    task = TASKS[question.task]
    value = task.measure(repaired, regions)
    option = None if value is None else task.option(repaired, value)
    if option is None or LETTERS[option] != question.answer:
        follows = "nothing" if option is None else LETTERS[option]
        told = "nothing measured" if value is None else f"{value:.6g}"
        detail = f"answer {question.answer}, from the masks {follows}: {told}"
        return replace(_drop(question, "answer_does_not_follow", detail), evidence=rows)
    return repaired


def _measured(question: Question, regions: list[Region]) -> tuple[Evidence, ...] | str:
    """The evidence measured again; the fact that has no value."""
    from terra_cot.evidence import Ground, measure_fact

    valid = question.value_of("valid_pixels")
    ground = Ground(int(valid or 0), question.gsd_m or 0.0)
    arrays = [region.array for region in regions]
    rows = []
    for item in question.evidence:
        # What is measured on no mask (valid pixels, ground sample distance) is the tile's, and stays.
        value = measure_fact(item, arrays, ground) if item.masks else item.value
        if value is None:
            return item.fact
        rows.append(replace(item, value=value))
    return tuple(rows)


def _drop(question: Question, reason: str, detail: str) -> Dropped:
    return Dropped(question.question_id, question.task, reason, detail)
