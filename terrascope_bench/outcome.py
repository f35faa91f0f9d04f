"""Every question of the benchmark has exactly one outcome, so the counts add up to its size."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a question. All but CORRECT count as wrong in every share; none leaves the denominator.

    | outcome | when |
    |---|---|
    | correct | the extractor found the letter of the truth |
    | wrong | the extractor found another letter of the question |
    | unparsed | there is a reply, but the extractor finds no letter of the question in it |
    | missing | the submission has no line for the question |
    | error | the line says that the model failed (`error`) and has no reply |
    """

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"
    MISSING = "missing"
    ERROR = "error"
