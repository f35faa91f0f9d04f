"""PLACEHOLDER until runners' prompt lands."""

from __future__ import annotations

from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question


def prompt_text(question: Question) -> str:
    """The question as a model reads it, after its images."""
    shown = "\n".join(
        f"Image {number}: {frame.frame}, {frame.modality}" for number, frame in enumerate(question.frames, start=1)
    )
    options = "\n".join(f"{letter}. {text}" for letter, text in zip(question.letters, question.options, strict=True))
    return f"{shown}\n{question.question}\n{options}\nAnswer with the letter of one option in <answer></answer>."


def read_reply(question: Question, text: str) -> Prediction:
    return Prediction(question.question_id, text, None)
