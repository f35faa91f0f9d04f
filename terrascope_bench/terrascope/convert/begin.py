"""A start for training: InternVL3 and SAM-2 as others trained them; only the projection of [SEG] is drawn by the seed.

Either may stand in its authors' layout or in that of transformers; SAM-2 also as the one .pt file of its authors, read
as tensors and nothing else. A tokenizer without [SEG] gets it, and the table of words a row that is the mean of all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from terra_cot.errors import DataError
from terrascope_bench.terrascope import prompt, store
from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.convert import names
from terrascope_bench.terrascope.convert.folder import Reader, Report, claim, read_tokenizer
from terrascope_bench.terrascope.convert.published import mask_model, read_json, text, vision
from terrascope_bench.terrascope.tokens import Words

_TABLES = ("vlm.model.language_model.embed_tokens.weight", "vlm.lm_head.weight")
_OURS = ("text_hidden_fcs.", "sam_gate.", "sam_join.", "sam_before.")


def start(
    internvl: Path, sam2: Path, out: Path, *, name: str = "terrascope-8b", seed: int = 0, force: bool = False
) -> TerraScopeConfig:
    """Write an untrained TerraScope into `out` from the weights in two folders.

    Raises:
        DataError: a weight missing, unexpected or of another shape. ConflictError: `out` is in use.
    """
    words = Words.of(_with_seg(read_tokenizer(internvl)), internvl)
    vlm, weights = _internvl(internvl, words)
    masks, mask_weights = _sam2(sam2)
    weights |= mask_weights
    config = TerraScopeConfig(name, vlm, masks)
    torch.manual_seed(seed)
    model = store.empty(config)
    for part, value in store.state(model).items():
        if part.startswith(_OURS):
            # torch's own start of a linear layer: uniform within 1 / sqrt(inputs).
            bound = config.hidden**-0.5
            weights[part] = torch.empty(value.shape).uniform_(-bound, bound)
    store.check_keys(model, weights, internvl)
    claim(out, force)
    store.save_weights(weights, out / store.WEIGHTS)
    words.save(out)
    store.write_config(config, out)
    return config


def _with_seg(tokenizer: Any) -> Any:
    from tokenizers import AddedToken

    if tokenizer.token_to_id(prompt.SEG) is None:
        tokenizer.add_special_tokens([AddedToken(prompt.SEG, special=True, normalized=False)])
    return tokenizer


def _internvl(folder: Path, words: Words) -> tuple[dict[str, Any], dict[str, Any]]:
    """(configuration, weights) of InternVL."""
    path = folder / store.CONFIG
    values = read_json(path)
    own = "llm_config" in values
    if not own and "text_config" not in values:
        raise DataError("not InternVL", file=path, expected="llm_config or text_config")
    weights = _renamed(folder, names.INTERNVL if own else names.TRANSFORMERS_INTERNVL)
    if _TABLES[0] not in weights:
        raise DataError(f"1 weights missing: {_TABLES[0]}", file=folder)
    for table in _TABLES:
        if table in weights:
            weights[table] = _grown(weights[table], words.size)
    rows = weights[_TABLES[0]].shape[0]
    tied = _TABLES[1] not in weights
    if own:
        shapes = {name: tuple(value.shape) for name, value in weights.items()}
        sections = {
            "vision_config": vision(values["vision_config"]),
            "text_config": text(values["llm_config"], shapes),
            "downsample_ratio": float(values.get("downsample_ratio", 0.5)),
        }
    else:
        sections = {
            "vision_config": values["vision_config"],
            "text_config": {**values["text_config"], "vocab_size": rows, "tie_word_embeddings": tied},
            "downsample_ratio": values.get("downsample_ratio", 0.5),
        }
    return {**sections, "image_token_id": words.image, "tie_word_embeddings": tied}, weights


def _grown(table: Any, rows: int) -> Any:
    """A table (V, D) with at least `rows` rows."""
    more = rows - table.shape[0]
    if more <= 0:
        return table
    mean = table.float().mean(dim=0, keepdim=True).to(table.dtype)
    return torch.cat((table, mean.expand(more, -1)))


def _sam2(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(configuration, weights) of SAM-2: a folder of transformers, else a file of its authors."""
    path = folder / store.CONFIG
    if path.is_file():
        values = read_json(path)
        sections = ("vision_config", "prompt_encoder_config", "mask_decoder_config")
        if not all(isinstance(values.get(name), dict) for name in sections):
            raise DataError("not SAM-2", file=path, expected=", ".join(sections))
        return {name: values[name] for name in sections}, _renamed(folder, names.TRANSFORMERS_SAM2)
    file = folder if folder.is_file() else next(iter(sorted(folder.glob("*.pt"))), None)
    if file is None:
        raise DataError("neither config.json nor a .pt file", file=folder)
    reader = Reader(file, names.SAM2, Report())
    weights = dict(reader.named(_pickled(file).items(), file))
    shapes = {name: tuple(value.shape) for name, value in weights.items()}
    return mask_model(shapes, file), weights


def _pickled(file: Path) -> dict[str, Any]:
    from pickle import UnpicklingError

    try:
        held = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (UnpicklingError, RuntimeError) as error:
        raise DataError(f"not a file of tensors ({error})", file=file) from None
    return dict(held.get("model", held))


def _renamed(folder: Path, rules: Any) -> dict[str, Any]:
    reader = Reader(folder, rules, Report())
    return {name: value for path in store.files(folder) for name, value in reader.shard(path)}
