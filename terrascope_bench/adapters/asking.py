"""A harness asks with the one prompt, and its replies are read as `run` reads them: the same reply, the same line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from terra_cot.errors import ConfigError, did_you_mean, shorten
from terra_cot.llm.wire import AskFailed
from terrascope_bench.models.pictures import Picture, pictures
from terrascope_bench.models.prompt import MaskForm, Style, user
from terrascope_bench.models.reply import read_prediction
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

Parts = list[str | Picture]


def make_style(masks: str = "none", confidence: bool = False) -> Style:
    """What is asked for besides the letter; pictures are shown as they are stored.

    Raises:
        ConfigError: no such form of masks.
    """
    for form in get_args(MaskForm):
        if masks == form:
            return Style(form, confidence)
    known = get_args(MaskForm)
    raise ConfigError(f"no form of masks {masks!r}{did_you_mean(masks, known)} (known: {', '.join(known)})")


def ask(question: Question, style: Style) -> Parts:
    """Texts and pictures in turn, as a model is to see them after the system's words."""
    return list(user(question, list(pictures(question)), style))


def shown(parts: Parts) -> list[Picture]:
    """The pictures of what is asked."""
    return [part for part in parts if isinstance(part, Picture)]


def read(question: Question, seen: Sequence[Picture], style: Style, text: str, finish: str) -> Prediction:
    """The line of a submission that a reply is; of one that holds nothing to score, its error."""
    try:
        return read_prediction(question, seen, style, text, finish)
    except AskFailed as failed:
        return failure(question, f"{failed.kind}: {shorten(str(failed), 300)}")


def failure(question: Question, problem: str) -> Prediction:
    """The line of a question that has no reply."""
    return Prediction(question.question_id, None, None, error=problem)
