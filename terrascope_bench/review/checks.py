"""A review is four grades, a comment and repaired masks; what an expert sends is checked before anything is kept.

| check | asks |
|---|---|
| mask | do the masks cover what they name, as they now stand (repaired ones included) |
| answer | is the marked option right |
| distractors | are the other options wrong, but close enough to need a look at the image |
| clarity | does the question have one reading |

A question whose masks are not known has no mask check. A review is complete when every check that it has is graded; one
that is not is a draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from terra_cot.errors import DataError
from terra_cot.mask import Mask, check_counts, decode, encode

CHECKS = ("mask", "answer", "distractors", "clarity")
GRADES = ("low", "medium", "high")
MAX_COMMENT = 4000


@dataclass(frozen=True, slots=True)
class Review:
    """One expert's word on one question.

    `grades` has one of GRADES, or None, for each of CHECKS. `masks` has, for each mask of the question, the compressed
    RLE text of the repaired mask, or None where it is as it was; it is empty where nothing was repaired.
    """

    grades: tuple[str | None, ...]
    comment: str = ""
    masks: tuple[str | None, ...] = ()

    @property
    def repaired(self) -> bool:
        return bool(self.masks)

    def complete(self, has_masks: bool) -> bool:
        """Whether every check is graded that the question has."""
        return all(grade is not None for check, grade in self.named() if has_masks or check != "mask")

    def high(self, has_masks: bool) -> bool:
        """Whether every check that the question has is graded high."""
        return all(grade == "high" for check, grade in self.named() if has_masks or check != "mask")

    def named(self) -> tuple[tuple[str, str | None], ...]:
        return tuple(zip(CHECKS, self.grades, strict=True))

    def to_json(self) -> dict[str, Any]:
        return {"grades": dict(self.named()), "comment": self.comment, "masks": list(self.masks) or None}


def parse_review(body: Any, masks: Sequence[Mask] | None) -> Review:
    """The review in a JSON object {"grades": {check: grade}, "comment": text, "masks": [RLE text or null] or null}.

    Args:
        masks: those of the question; None where they are not known.

    Raises:
        DataError: naming the field that is not what it should be.
    """
    if not isinstance(body, dict) or not body.keys() <= {"grades", "comment", "masks"}:
        raise DataError("a review is an object", got=body, expected="grades, comment, masks")
    grades = body.get("grades")
    if not isinstance(grades, dict) or not grades.keys() <= set(CHECKS):
        raise DataError("grades are named by check", field="grades", got=grades, expected=", ".join(CHECKS))
    return Review(
        tuple(_grade(grades, check, masks is not None) for check in CHECKS),
        _comment(body.get("comment", "")),
        _repairs(body.get("masks"), masks),
    )


def _grade(grades: Mapping[str, Any], check: str, has_masks: bool) -> str | None:
    grade = grades.get(check)
    if grade is not None and grade not in GRADES:
        raise DataError("not a grade", field=check, got=grade, expected=", ".join(GRADES))
    if grade is not None and check == "mask" and not has_masks:
        raise DataError("the question has no masks to grade", field=check, got=grade)
    return grade


def _comment(comment: Any) -> str:
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT:
        raise DataError(f"a comment is a text of up to {MAX_COMMENT} characters", field="comment", got=comment)
    try:
        comment.encode()
    except UnicodeEncodeError:
        raise DataError("a comment is Unicode text", field="comment", got=ascii(comment)) from None
    return comment


def _repairs(repairs: Any, masks: Sequence[Mask] | None) -> tuple[str | None, ...]:
    """Repaired masks in canonical RLE; one that is as it was is None."""
    if repairs is None:
        return ()
    if not isinstance(repairs, list) or len(repairs) != len(masks or ()):
        raise DataError("one entry per mask of the question", field="masks", got=repairs, expected=len(masks or ()))
    made = tuple(_repair(counts, mask) for counts, mask in zip(repairs, masks or (), strict=True))
    return made if any(made) else ()


def _repair(counts: Any, mask: Mask) -> str | None:
    if counts is None:
        return None
    check_counts(mask.size, counts)
    canonical = encode(decode(mask.size, counts))
    return None if canonical == encode(mask.to_array()) else canonical
