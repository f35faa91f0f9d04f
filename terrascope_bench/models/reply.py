"""A reply becomes a prediction: the text whole, masks and confidence as far as they follow the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from terra_cot.errors import shorten
from terra_cot.llm.wire import AskFailed
from terrascope_bench.models.marks import read_masks
from terrascope_bench.models.pictures import Picture
from terrascope_bench.models.prompt import Style
from terrascope_bench.models.tags import after_thinking, inside
from terrascope_bench.prediction import PredictedMask, Prediction
from terrascope_bench.question import Question

MAX_TEXT = 2**20
"""Characters of a reply: with 64 masks it is still a line that `validate` reads."""


def read_prediction(
    question: Question, shown: Sequence[Picture], style: Style, text: str, finish: str, refusal: str | None = None
) -> Prediction:
    """The prediction of one reply. The letter is not looked for here: that is the extractor's, when it is scored.

    Args:
        finish: why the model stopped; "length" is noted, for the reply is cut off.

    Raises:
        AskFailed: the reply holds nothing to score ("refused", "content_filter", "empty", "too_long").
    """
    if not text.strip():
        if refusal:
            raise AskFailed("refused", shorten(refusal, 300))
        kind = "content_filter" if finish == "content_filter" else "empty"
        raise AskFailed(kind, f"the reply holds no text (finish_reason {shorten(finish, 40)})")
    if len(text) > MAX_TEXT:
        raise AskFailed("too_long", f"the reply has more than {MAX_TEXT:,} characters")
    notes: dict[str, Any] = {}
    if finish in ("length", "content_filter"):
        notes["finish"] = finish
    said = after_thinking(text)
    masks: list[PredictedMask] = []
    if style.masks != "none":
        sizes = {picture.frame: (picture.width, picture.height) for picture in reversed(shown)}
        for name in question.frame_names:  # of frames that are not shown, the grid itself is the picture
            sizes.setdefault(name, (question.width, question.height))
        masks, unread = read_masks(said, question, style.masks, sizes)
        if unread:
            notes["masks_unread"] = unread
    sure = None
    if style.confidence:
        opened, told = inside(said, "confidence")
        sure = _share(told[0].strip()) if opened == len(told) == 1 else None
        if sure is None:
            notes["confidence_unread"] = shorten(" ".join(told[:3]), 60) if told else "none"
    return Prediction(question.question_id, text, None, tuple(masks), None, sure, notes or None)


def _share(text: str) -> float | None:
    """A number from 0 to 1, also written as `80 %`; None where it is none."""
    percent = text.endswith("%")
    try:
        value = float(text.removesuffix("%"))
    except ValueError:
        return None
    value = value / 100 if percent else value
    return value if 0 <= value <= 1 else None
