"""What a model that is asked in words may be told; an option that it does not take is an error, never ignored.

Heavy parts stay unloaded until a model is made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from terra_cot.errors import ConfigError, did_you_mean, shorten
from terra_cot.llm.options import Endpoint
from terrascope_bench.models.model import Entry, Job
from terrascope_bench.models.prompt import MaskForm, Style

if TYPE_CHECKING:
    from terrascope_bench.benchmark import Benchmark
    from terrascope_bench.models.model import Model

KEY_ENV = "OPENAI_API_KEY"
OPENAI_URL = "https://api.openai.com/v1"
Options = TypeVar("Options", bound=BaseModel)


class Asking(BaseModel):
    """How a question is put. `image_px`: the longer side of each image as shown (None: as stored)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    masks: MaskForm = "none"
    confidence: bool = False
    images: bool = True
    image_px: int | None = Field(None, ge=16, le=4096)
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(2048, ge=16)

    @model_validator(mode="after")
    def _seen(self) -> Asking:
        if not self.images and (self.masks != "none" or self.image_px is not None):
            raise ValueError("--masks and --image-px need images; leave --no-images out")
        return self

    def style(self) -> Style:
        return Style(self.masks, self.confidence, self.images, self.image_px)


class ChatOptions(Asking, Endpoint):
    """`openai:NAME`. `option` is more JSON for the body of a request; null takes a field out of it."""

    base_url: str = OPENAI_URL
    max_tokens: int = Field(2048, ge=16)
    requests_per_minute: float | None = Field(None, gt=0)
    give_up_after: int = Field(20, ge=0)
    stream: bool = False
    option: dict[str, Any] = Field(default_factory=dict)
    cache: Path | None = None

    @field_validator("option")
    @classmethod
    def _free(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := [name for name in ("model", "messages", "stream", "n") if name in value]:
            raise ValueError(f"{taken[0]} is not yours to set")
        return value

    def told(self, setting: str) -> str:
        return flag(setting)

    def raised(self, setting: str) -> str:
        return flag(setting)

    def asked(self) -> dict[str, Any]:
        """What answers follow from, the prompt by its hash."""
        names = {"base_url", "masks", "confidence", "images", "image_px", "temperature", "max_tokens", "option"}
        return {**self.model_dump(mode="json", include=names), "prompt": self.style().sha256()}


class HfOptions(Asking):
    """`hf:PATH`. `dtype` auto: as the weights are stored; `device` auto: cuda, mps, else cpu."""

    batch_size: int = Field(1, ge=1, le=1024)
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device: str = Field("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")

    def asked(self) -> dict[str, Any]:
        return {**self.model_dump(mode="json"), "prompt": self.style().sha256()}


def open_chat(name: str, given: Mapping[str, Any], job: Job) -> Entry:
    """`openai:NAME`.

    Raises:
        ConfigError: an unknown or wrong option, or no key.
    """
    key: dict[str, Any] = {}
    if "api_key_env" not in given:
        if os.environ.get(KEY_ENV):
            key = {"api_key_env": KEY_ENV}
        elif "base_url" not in given:
            raise ConfigError(
                f"{KEY_ENV} is not set; export the key under that name, name another variable with --api-key-env, "
                "or give the address of a server of your own with --base-url"
            )
    options = read_options(ChatOptions, "openai:NAME", {**given, **key, "model": name})
    from terrascope_bench.models.chat import Chat, make_ledger

    ledger = make_ledger(options, job)

    def make(benchmark: Benchmark, seed: int) -> Model:
        return Chat(options, ledger, job, seed)

    return Entry(name, options.images, make, concurrency=4, asked=options.asked(), spent=ledger.spent)


def open_hf(path: str, given: Mapping[str, Any], job: Job) -> Entry:
    """`hf:PATH`.

    Raises:
        ConfigError: an unknown or wrong option, or the extra [model] is not installed.
    """
    options = read_options(HfOptions, "hf:PATH", given)
    if options.temperature > 0 and options.batch_size > 1:
        raise ConfigError(
            "--batch-size: with a --temperature above 0 an answer would depend on its neighbours; leave it at 1"
        )
    from terrascope_bench.models.hf import Hf, weights

    asked = {**options.asked(), **weights(path)}

    def make(benchmark: Benchmark, seed: int) -> Model:
        return Hf.load(path, options, seed)

    return Entry(path, options.images, make, batch=options.batch_size, shareable=False, asked=asked)


def read_options(kind: type[Options], model: str, given: Mapping[str, Any]) -> Options:
    """The options of a model, checked.

    Raises:
        ConfigError: the first that is unknown or has a wrong value, as the flag that the user wrote.
    """
    try:
        return kind(**given)
    except ValidationError as error:
        first = error.errors()[0]
        place = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            taken = [flag(name) for name in kind.model_fields if name != "model"]
            near = did_you_mean(flag(place), taken)
            raise ConfigError(f"{flag(place)}: {model} does not take it{near} (it takes: {', '.join(taken)})") from None
        message = first["msg"].removeprefix("Value error, ")
        where = f"{flag(place)}: " if place else ""
        secret = place in ("base_url", "api_key_env", "")  # a password may stand in the address
        got = "" if secret else f"; got {shorten(first['input'], 60)}"
        raise ConfigError(f"{where}{message}{got}") from None


def flag(name: str) -> str:
    """An option as the command line spells it."""
    return "--no-images" if name == "images" else f"--{name.replace('_', '-')}"
