"""The reference model as a runner: a folder of weights or the shipped ones by name; its answers are chains with masks.

The reply of a question depends on the question, the seed and the weights; a batch changes speed alone (to rounding).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from terra_cot.errors import ConfigError, DataError
from terra_cot.legend import class_names
from terra_cot.mask import encode
from terra_cot.store.atomic import sha256_file
from terrascope_bench.models.model import Batched, Entry, Job
from terrascope_bench.models.options import read_options
from terrascope_bench.prediction import PredictedMask, Prediction
from terrascope_bench.question import Question
from terrascope_bench.terrascope.prompt import SEG
from terrascope_bench.terrascope.shipped import SHIPPED, shipped

if TYPE_CHECKING:
    from terrascope_bench.benchmark import Benchmark
    from terrascope_bench.models.model import Model
    from terrascope_bench.terrascope.generate import Reply
    from terrascope_bench.terrascope.sequence import Asked

_NAMED = re.compile(r"(?:^|[>.)]|Image: t\d+)\s*([^:.()<>]{1,100}):\s*$")


class TerraScopeOptions(BaseModel):
    """`terrascope:PATH`. `dtype` auto: as the weights are stored (of half precision, on a CPU, float32).

    `batch_size` questions are answered together: memory bounds it, not the answers. `measured`: what each mask
    measures enters the chain as text (our extension); None does as the weights' own configuration says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    batch_size: int = Field(16, ge=1, le=1024)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str = Field("cpu", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(512, ge=1)
    measured: bool | None = None


def open_terrascope(path: str, given: Mapping[str, Any], job: Job) -> Entry:
    """`terrascope:PATH`.

    Raises:
        ConfigError: an unknown or wrong option. DataError: no model in the folder.
    """
    return _entry(Path(path), read_options(TerraScopeOptions, "terrascope:PATH", given))


def open_shipped(name: str) -> Callable[[str, Mapping[str, Any], Job], Entry]:
    """`name`, one of the weights that come with the package; takes the options of `terrascope:PATH` but one."""

    def opened(argument: str, given: Mapping[str, Any], job: Job) -> Entry:
        if "measured" in given:
            raise ConfigError(f"--measured: part of the name here: {' or '.join(SHIPPED)}")
        folder, measured = shipped(name)
        return _entry(folder, read_options(TerraScopeOptions, name, {**given, "measured": measured}))

    return opened


def _entry(folder: Path, options: TerraScopeOptions) -> Entry:
    files = sorted(file for file in folder.glob("*") if file.suffix in (".json", ".safetensors"))
    if not any(file.name == "config.json" for file in files):
        raise DataError(
            "no model in this folder", file=folder, fix="terrascope-bench train or convert writes one; name its folder"
        )
    asked = {
        **options.model_dump(mode="json", exclude={"batch_size"}),
        "weights": {file.name: sha256_file(file) for file in files},
    }

    def make(benchmark: Benchmark, seed: int) -> Model:
        return TerraScopeModel(folder, options, seed)

    return Entry(str(folder), True, make, batch=options.batch_size, shareable=False, asked=asked)


class TerraScopeModel(Batched):
    """Weights in `folder`, loaded when the first question comes."""

    def __init__(self, folder: Path, options: TerraScopeOptions, seed: int = 0) -> None:
        self._folder, self._options, self._seed = folder, options, seed

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        try:
            from terrascope_bench.terrascope.store import load
        except ImportError:
            raise ConfigError("the reference model needs torch: pip install 'terra-cot[model]'") from None
        dtype = None if self._options.dtype == "auto" else self._options.dtype
        model, words = load(self._folder, dtype, self._options.device)
        if self._options.measured is not None:
            model.config = replace(model.config, measured=self._options.measured)
        return model, words

    def answers(self, questions: Sequence[Question]) -> list[Prediction]:
        """One prediction a question, in their order."""
        model, words = self._loaded
        from terrascope_bench.terrascope.generate import Limits, generate

        limits = Limits(self._options.max_tokens, temperature=self._options.temperature, seed=self._seed)
        replies = generate(model, words, [asked_of(question) for question in questions], limits)
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
    """The reply as a line of a submission. A mask is labelled where the chain names its class right before [SEG]."""
    masks = tuple(
        PredictedMask(looked.date, label, (looked.mask.shape[0], looked.mask.shape[1]), encode(looked.mask))
        for looked, label in zip(reply.looked, labels(reply.text), strict=False)
    )
    return Prediction(question.question_id, reply.text, None, masks)


def labels(text: str) -> list[str | None]:
    """The class that each [SEG] of a chain is about: `forest: [SEG]`; None where no legend has what is named there."""
    known = set(class_names())
    named = [_NAMED.search(step) for step in text.split(SEG)]
    return [found[1] if found and found[1] in known else None for found in named]
