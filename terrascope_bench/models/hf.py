"""`hf:PATH`: a transformers image-text-to-text model on this machine, greedy unless told otherwise.

Weights are read as safetensors only and no code of a model's author is run: nothing is unpickled, nothing executed.
Batches are padded on the left and cut by the order of the benchmark, so that a resumed run meets the same ones.
With a temperature each answer is drawn from a seed of its own: the run's seed and the name of the question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terra_cot.draw import seed_of
from terra_cot.errors import ConfigError, shorten
from terra_cot.llm.reach import nobody_at
from terra_cot.store.atomic import sha256_file, sha256_json
from terrascope_bench.models.model import Batched
from terrascope_bench.models.options import HfOptions
from terrascope_bench.models.pictures import Picture, pictures
from terrascope_bench.models.prompt import system, user
from terrascope_bench.models.reply import read_prediction
from terrascope_bench.prediction import Prediction
from terrascope_bench.question import Question

if TYPE_CHECKING:
    import torch

_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
"""What a model of the hub may be called."""
_HASHED = 16 * 2**20
"""Files up to so many bytes are known by their hash, larger ones (weights) by name and size."""


def weights(path: str) -> dict[str, Any]:
    """What tells the weights at `path` from others, and which library reads them.

    Raises:
        ConfigError: no such model, or the extra [model] is not installed.
    """
    transformers = _library()
    told: dict[str, Any] = {"transformers": transformers.__version__}
    folder = Path(path)
    if folder.is_dir():
        files = sorted(file for file in folder.iterdir() if file.is_file() and not file.name.startswith("."))
        sizes = {file.name: file.stat().st_size for file in files}
        hashes = {name: sha256_file(folder / name) for name, size in sizes.items() if size <= _HASHED}
        return {**told, "weights": sha256_json([sizes, hashes])}
    if not _NAME.fullmatch(path):
        raise ConfigError(f"hf:{path}: no such folder; name a folder of weights, or a model of the hub as AUTHOR/NAME")
    try:
        config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False, **_here())
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from None
    return {**told, "weights": getattr(config, "_commit_hash", None)}


class Hf(Batched):
    """A loaded model. Not for several threads: one device, one batch at a time."""

    def __init__(self, model: Any, processor: Any, options: HfOptions, seed: int) -> None:
        self._model = model
        self._processor = processor
        self._options = options
        self._style = options.style()
        self._seed = seed
        self._system = _takes_system(processor)

    @classmethod
    def load(cls, path: str, options: HfOptions, seed: int) -> Hf:
        """The model at `path`, a folder or a name of the hub.

        Raises:
            ConfigError: it is no image-text-to-text model with a chat template, or needs code of its own.
        """
        transformers = _library()
        try:
            here = {} if Path(path).is_dir() else _here()
            processor = transformers.AutoProcessor.from_pretrained(path, trust_remote_code=False, **here)
            model = transformers.AutoModelForImageTextToText.from_pretrained(
                path, dtype=options.dtype, trust_remote_code=False, use_safetensors=True, **here
            )
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise _unusable(path, error) from None
        tokenizer = getattr(processor, "tokenizer", None)
        if tokenizer is None or not getattr(processor, "chat_template", None):
            raise ConfigError(f"hf:{path}: has no processor with a tokenizer and a chat template")
        tokenizer.padding_side = "left"
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        try:
            return cls(model.to(_device(options.device)).eval(), processor, options, seed)
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"--device {options.device}: {shorten(str(error), 200)}") from None

    def answers(self, questions: Sequence[Question]) -> list[Prediction]:
        px = self._options.image_px
        shown = [list(pictures(one, px)) if self._style.images else [] for one in questions]
        talks = [self._conversation(one, seen) for one, seen in zip(questions, shown, strict=True)]
        inputs = self._processor.apply_chat_template(
            talks, add_generation_prompt=True, tokenize=True, return_dict=True,
            return_tensors="pt", processor_kwargs={"padding": True},
        )  # fmt: skip
        replies = self._generate(inputs, questions)
        return [
            read_prediction(one, seen, self._style, text, finish)
            for one, seen, (text, finish) in zip(questions, shown, replies, strict=True)
        ]

    def _conversation(self, question: Question, shown: Sequence[Picture]) -> list[dict[str, Any]]:
        rules = system(self._style)
        content = [_part(part) for part in user(question, shown, self._style)]
        if self._system:
            return [
                {"role": "system", "content": [{"type": "text", "text": rules}]},
                {"role": "user", "content": content},
            ]
        return [{"role": "user", "content": [{"type": "text", "text": f"{rules}\n\n"}, *content]}]

    def _generate(self, inputs: Any, questions: Sequence[Question]) -> list[tuple[str, str]]:
        """Text and reason to stop, one a question."""
        import torch

        inputs = inputs.to(self._model.device, dtype=self._model.dtype)  # (B, T) ids stay whole numbers
        sampled = self._options.temperature > 0
        if sampled:
            torch.manual_seed(seed_of(self._seed, "hf", questions[0].question_id))
        how: dict[str, Any] = {"do_sample": sampled, "num_beams": 1, "max_new_tokens": self._options.max_tokens}
        how |= {"temperature": self._options.temperature if sampled else None}
        how |= {"top_k": 0 if sampled else None, "top_p": 1.0 if sampled else None}
        with torch.inference_mode():
            ids = self._model.generate(**inputs, **how)  # (B, T + new)
        return [self._text(row) for row in ids[:, inputs["input_ids"].shape[1] :]]

    def _text(self, ids: torch.Tensor) -> tuple[str, str]:
        """The reply up to its end mark. Other special tokens stay: some models have <think> among them."""
        told = self._model.generation_config.eos_token_id
        tokenizer = self._processor.tokenizer
        ends = {tokenizer.eos_token_id, *(told if isinstance(told, list) else [told])}
        row = ids.tolist()
        end = next((at for at, token in enumerate(row) if token in ends), None)
        text = tokenizer.decode(row[:end], skip_special_tokens=False)
        return text, "length" if end is None else "stop"


def _part(part: str | Picture) -> dict[str, Any]:
    from PIL import Image

    if isinstance(part, str):
        return {"type": "text", "text": part}
    with Image.open(BytesIO(part.data)) as image:
        return {"type": "image", "image": image.convert("RGB")}


def _takes_system(processor: Any) -> bool:
    """Whether the chat template knows a system turn; the rules go before the question where it does not."""
    from jinja2 import TemplateError

    mark = sha256(b"system").hexdigest()
    talk = [
        {"role": "system", "content": [{"type": "text", "text": mark}]},
        {"role": "user", "content": [{"type": "text", "text": "?"}]},
    ]
    try:
        return mark in processor.apply_chat_template(talk, add_generation_prompt=True)
    except TemplateError:
        return False


def _device(name: str) -> str:
    import torch

    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _library() -> Any:
    try:
        import huggingface_hub
        import torch  # noqa: F401
        import transformers
    except ImportError:
        raise ConfigError('hf: needs torch and transformers; pip install "terra-cot[model]"') from None
    library: Any = transformers
    library.logging.set_verbosity_error()
    library.logging.disable_progress_bar()
    hub: Any = huggingface_hub
    hub.utils.logging.set_verbosity_error()  # it tells each retry
    return library


@cache
def _no_hub() -> str | None:
    """Why the hub cannot be asked; None where it can."""
    from huggingface_hub import constants

    return "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else nobody_at(constants.ENDPOINT)


def _here() -> dict[str, bool]:
    """How a name of the hub is looked up: where nobody is there, in the cache alone, not after five retries a file."""
    return {"local_files_only": True} if _no_hub() else {}


def _unusable(path: str, error: Exception) -> ConfigError:
    text = str(error)
    if "trust_remote_code" in text:
        return ConfigError(f"hf:{path}: needs code of its own, which is never run; choose one that transformers knows")
    if "gated repo" in text:
        return ConfigError(f"hf:{path}: is gated; accept its terms on the hub, and set HF_TOKEN to a token of yours")
    if "not a valid model identifier" in text:
        return ConfigError(
            f"hf:{path}: no folder of this name here, and no such model on the hub; name a folder of weights, or "
            "AUTHOR/NAME (for a private one set HF_TOKEN)"
        )
    why = None if Path(path).is_dir() else _no_hub()
    if why or "couldn't connect" in text:
        return ConfigError(
            f"hf:{path}: no folder of this name here, not in the cache, and the hub cannot be asked "
            f"({why or 'no connection'}); name a folder of weights"
        )
    first = next(iter(text.splitlines()), "")
    return ConfigError(f"hf:{path}: no usable image-text-to-text model; {shorten(first, 200)}")
