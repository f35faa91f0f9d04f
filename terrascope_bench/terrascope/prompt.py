"""What stands before the reply: every image under the name of its date, then the question, then its options.

    <|im_start|>user
    <img>(visual tokens)</img>
    What share of the image is water?
    A. 5 %
    B. 8 %<|im_end|>
    <|im_start|>assistant

Several images each get a line "Image: t0, optical" before them, in the words by which the chain names a date
("Image: t0" before [SEG]). A lone image needs no name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

SEG = "[SEG]"
IMAGE_OPEN, IMAGE_TOKEN, IMAGE_CLOSE = "<img>", "<IMG_CONTEXT>", "</img>"
TURN, END = "<|im_start|>", "<|im_end|>"
PAD = "<|endoftext|>"
THINK_OPEN, THINK_CLOSE, ANSWER_OPEN, ANSWER_CLOSE = "<think>", "</think>", "<answer>", "</answer>"

_NAMED = re.compile(r"Image:\s*(t\d+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of prompt: `special` text may hold the markers above; `question` text is what relevance is asked of."""

    text: str
    special: bool
    question: bool = False


def pieces(
    images: Sequence[tuple[str, str]], tokens: Sequence[int], question: str, options: Sequence[str] | None
) -> list[Piece]:
    """The prompt of a question that shows `images` (date, modality) of so many visual `tokens`.

    The question and its options are never special: a marker written in them is plain text.
    """
    out = [Piece(f"{TURN}user\n", True)]
    for (frame, modality), count in zip(images, tokens, strict=True):
        if len(images) > 1:
            out.append(Piece(f"Image: {frame}, {modality}\n", False))
        out.append(Piece(f"{IMAGE_OPEN}{IMAGE_TOKEN * count}{IMAGE_CLOSE}\n", True))
    out.append(Piece(asked(question, options), False, question=True))
    out.append(Piece(f"{END}\n{TURN}assistant\n", True))
    return out


def asked(question: str, options: Sequence[str] | None) -> str:
    """The question with its options, a letter before each."""
    letters = "ABCDEFGHIJ"
    return "\n".join([question, *(f"{letter}. {text}" for letter, text in zip(letters, options or (), strict=False))])


def reply(chain: str, answer: str) -> str:
    """A whole reply: the chain with its [SEG]s, then the answer."""
    return f"{THINK_OPEN}{chain}{THINK_CLOSE}{ANSWER_OPEN}{answer}{ANSWER_CLOSE}"


def named_date(text: str, dates: Sequence[str], before: str | None) -> str:
    """The date that a [SEG] after `text` lies on; `text` is what was written since the [SEG] before it.

    The last `Image: tK` of the text that names a date shown. Without one: the only date, else that of the step
    before, else the first.
    """
    if len(dates) == 1:
        return dates[0]
    named = [name for name in _NAMED.findall(text) if name in dates]
    return named[-1] if named else before or dates[0]
