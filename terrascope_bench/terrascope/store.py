"""A model at rest is a folder: config.json, model*.safetensors, tokenizer.json. What it holds is what is loaded.

Weights are memory-mapped and given to the model as they are where the type fits. Keys are strict: a missing or an
unexpected one is an error that names it. Nothing in the folder is ever run as code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from terra_cot.errors import ConfigError, DataError
from terra_cot.store.atomic import replacing, write_json
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.tokens import Words

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def save(model: TerraScope, words: Words, folder: Path, dtype: str = "float32") -> None:
    """Write a model into `folder`, in one file, as `dtype`."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = dtype_of(dtype)
    save_weights({name: value.detach().to(kind) for name, value in state(model).items()}, folder / WEIGHTS)
    words.save(folder)
    write_config(model.config, folder)


def save_weights(weights: Mapping[str, Any], path: Path) -> None:
    """Write a file of tensors, whole or not at all."""
    # Pieces of one tensor share its pages, which the format does not know: each is stored on its own.
    alone = {name: value.cpu().clone().contiguous() for name, value in weights.items()}
    with replacing(path) as temporary:
        save_file(alone, str(temporary), metadata={"format": "pt"})
        # The library lets nobody else read it.
        temporary.chmod(0o644)


def write_config(config: TerraScopeConfig, folder: Path) -> None:
    """Last of all: a folder without it is unfinished, and nothing takes it for a model."""
    write_json(folder / CONFIG, config.to_json())


def state(model: TerraScope) -> dict[str, Any]:
    """Weights by name; of a table that is used twice, the head's name is left out."""
    tied = model.config.internvl.get("tie_word_embeddings", False)
    return {name: value for name, value in model.state_dict().items() if not (tied and name == "vlm.lm_head.weight")}


def load(folder: Path, dtype: str | None = None, device: str = "cpu") -> tuple[TerraScope, Words]:
    """The model in `folder`, ready to answer.

    Args:
        dtype: float32, bfloat16, float16; None keeps that of the file (float32 where the file is half precision and
            the device a CPU, whose half-precision arithmetic is slow and partly absent).
        device: a torch device, or "auto": spread over what there is, by accelerate.

    Raises:
        DataError: files absent or damaged, keys missing or unexpected, a shape that does not fit.
    """
    config = read_config(folder)
    words = Words.load(folder)
    if words.size > config.vocabulary:
        raise DataError(
            "the tokenizer has more tokens than the model", file=folder, got=words.size, expected=config.vocabulary
        )
    model = empty(config)
    weights = {name: value for path in files(folder) for name, value in tensors(path)}
    kind = dtype_of(dtype) if dtype else _native(weights, device)
    check_keys(model, weights, folder)
    # `assign`: the mapped pages become the weights, nothing is copied where the type is the same.
    model.load_state_dict({name: value.to(kind) for name, value in weights.items()}, strict=False, assign=True)
    model.to(kind)
    model.vlm.tie_weights()
    return placed(model, device).eval(), words


def _native(weights: Mapping[str, Any], device: str) -> Any:
    kind = next(iter(weights.values())).dtype if weights else torch.float32
    return torch.float32 if device == "cpu" and kind == torch.float16 else kind


def empty(config: TerraScopeConfig) -> TerraScope:
    """A model whose weights take no memory yet; what is computed and not stored (rotary tables) is there."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        return TerraScope(config)


def placed(model: TerraScope, device: str) -> TerraScope:
    """The model on a device, or spread over several."""
    if device != "auto":
        model.to(device)
        return model
    from accelerate import dispatch_model, infer_auto_device_map

    whole = ["Qwen2DecoderLayer", "InternVLVisionLayer", "Sam2MultiScaleBlock", "Sam2MaskDecoder", "Sam2PromptEncoder"]
    spread: TerraScope = dispatch_model(model, infer_auto_device_map(model, no_split_module_classes=whole))
    return spread


def read_config(folder: Path) -> TerraScopeConfig:
    path = folder / CONFIG
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("no model in this folder", file=path) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    if not isinstance(values, dict):
        raise DataError("not a model configuration", file=path)
    if "internvl" not in values and "llm_config" in values:
        raise DataError(
            "a published checkpoint, not yet converted", file=path, fix="terrascope-bench convert brings it over"
        )
    try:
        return TerraScopeConfig.from_json(values)
    except ConfigError as error:
        raise DataError(str(error), file=path) from None


def files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: those its index names, else the one."""
    index = folder / INDEX
    if not index.is_file():
        paths = [folder / WEIGHTS]
    else:
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (json.JSONDecodeError, KeyError, AttributeError, TypeError):
            raise DataError("not an index of weights", file=index) from None
        # A name from a file must not lead out of the folder.
        paths = [folder / Path(str(name)).name for name in names]
    for path in paths:
        if not path.is_file():
            raise DataError("weights are missing", file=path)
    return paths


def tensors(path: Path) -> Iterator[tuple[str, Any]]:
    """(name, tensor) of a file, memory-mapped."""
    try:
        with safe_open(path, framework="pt") as handle:
            for name in handle.keys():  # noqa: SIM118  not a mapping: it has no iterator
                yield name, handle.get_tensor(name)
    except SafetensorError as error:
        raise DataError(f"damaged weights ({error})", file=path) from None


def check_keys(model: TerraScope, weights: Mapping[str, Any], where: object) -> None:
    """No weight missing, none left over, every shape right."""
    wanted = state(model)
    for problem, names in (("missing", wanted.keys() - weights.keys()), ("unexpected", weights.keys() - wanted.keys())):
        if names:
            listed = ", ".join(sorted(names)[:5]) + (" ..." if len(names) > 5 else "")
            raise DataError(f"{len(names)} weights {problem}: {listed}", file=where)
    for name, value in wanted.items():
        if tuple(value.shape) != tuple(weights[name].shape):
            got, expected = tuple(weights[name].shape), tuple(value.shape)
            raise DataError("a weight has another shape", file=where, field=name, got=got, expected=expected)


def dtype_of(name: str) -> Any:
    try:
        return DTYPES[name]
    except KeyError:
        raise ConfigError(f"no type {name!r} (known: {', '.join(DTYPES)})") from None
