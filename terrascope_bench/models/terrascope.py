"""The reference model as a runner: `terrascope:PATH` is a folder of weights, its answers are chains with masks.

The reply of a question depends on the question, the seed and the weights; a batch changes speed alone (to rounding).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terra_cot.errors import ConfigError, DataError
from terra_cot.mask import encode
from terrascope_bench.prediction import PredictedMask, Prediction
from terrascope_bench.question import Question

if TYPE_CHECKING:
    from terrascope_bench.terrascope.generate import Reply
    from terrascope_bench.terrascope.sequence import Asked

BATCH = 16
"""Questions answered together: memory bounds it, not the answers."""


@dataclass(frozen=True)
class TerraScopeModel:
    """Weights in `folder`, loaded when the first question comes.

    Attributes:
        dtype: float32, bfloat16 or float16; None keeps that of the file.
        device: a torch device, or "auto".
        limits: fields of `generate.Limits` other than the seed.
    """

    folder: Path
    seed: int = 0
    dtype: str | None = None
    device: str = "cpu"
    limits: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        try:
            from terrascope_bench.terrascope.store import load
        except ImportError:
            raise ConfigError("the reference model needs torch: pip install 'terra-cot[model]'") from None
        return load(self.folder, self.dtype, self.device)

    def answer(self, question: Question) -> Prediction:
        return self.answers([question])[0]

    def answers(self, questions: Sequence[Question]) -> list[Prediction]:
        """One prediction a question, in their order."""
        model, words = self._loaded
        from terrascope_bench.terrascope.generate import Limits, generate

        asked = [asked_of(question) for question in questions]
        replies = generate(model, words, asked, Limits(seed=self.seed, **self.limits))
        return [prediction(question, reply) for question, reply in zip(questions, replies, strict=True)]


def asked_of(question: Question) -> Asked:
    """A question as the model is asked it."""
    from terrascope_bench.terrascope.images import Shown, read_picture
    from terrascope_bench.terrascope.sequence import Asked

    images = [Shown(frame.frame, frame.modality, read_picture(frame.image)) for frame in question.frames]
    for image in images:
        if image.size != (question.height, question.width):
            raise DataError(
                "a picture is not of the question's size",
                row=question.question_id,
                got=image.size,
                expected=(question.height, question.width),
            )
    return Asked(images, question.question, question.options, question.gsd_m, question.question_id)


def prediction(question: Question, reply: Reply) -> Prediction:
    """The reply as a line of a submission. Masks carry no label: the chain names its classes in its own words."""
    masks = tuple(
        PredictedMask(looked.date, None, (looked.mask.shape[0], looked.mask.shape[1]), encode(looked.mask))
        for looked in reply.looked
    )
    return Prediction(question.question_id, reply.text, None, masks)
