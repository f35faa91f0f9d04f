"""The configuration of a published checkpoint, in our words: what its config.json says, and what only its weights tell.

Its config.json holds InternVL's sections (`vision_config`, `llm_config`). Of SAM-2 it says nothing, for the published
code builds Hiera-L by hand: widths and depths are read from the weights' shapes, and heads, windows and global blocks,
which leave no trace in shapes, from the four published sizes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terra_cot.errors import DataError
from terrascope_bench.terrascope import sizes
from terrascope_bench.terrascope.config import TerraScopeConfig

_HIERA = {
    # stem width and blocks: heads, windows, global blocks, background (SAM-2's own configuration files)
    (96, (1, 2, 7, 2)): (1, (8, 4, 14, 7), (5, 7, 9), 7),
    (96, (1, 2, 11, 2)): (1, (8, 4, 14, 7), (7, 10, 13), 7),
    (112, (2, 3, 16, 3)): (2, (8, 4, 14, 7), (12, 16, 20), 14),
    (144, (2, 6, 36, 4)): (2, (8, 4, 16, 8), (23, 33, 43), 7),
}
_TOKENS_AT_INFERENCE = 8
Shapes = Mapping[str, tuple[int, ...]]


def read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError("no such file", file=path) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    if not isinstance(values, dict):
        raise DataError("not a JSON object", file=path)
    return values


def configuration(
    values: dict[str, Any], shapes: Shapes, image_token: int, sam2: dict[str, Any] | None, where: object
) -> TerraScopeConfig:
    """Our configuration of a published one.

    Args:
        shapes: of every weight, under our names.
        sam2: the mask model's configuration where it is none of the published sizes.
    """
    llm = _section(values, "llm_config", where)
    kind = llm.get("model_type") or str(llm.get("architectures"))
    if "qwen2" not in kind.lower():
        raise DataError("another language model", file=where, field="llm_config", got=kind, expected="qwen2")
    if values.get("ps_version", "v2") != "v2":
        raise DataError(
            "another pixel shuffle", file=where, field="ps_version", got=values["ps_version"], expected="v2"
        )
    vlm: dict[str, Any] = {
        "vision_config": vision(_section(values, "vision_config", where)),
        "text_config": text(llm, shapes),
        "image_token_id": image_token,
        "downsample_ratio": float(values.get("downsample_ratio", 0.5)),
        "vision_feature_layer": int(values.get("select_layer", -1)),
        "tie_word_embeddings": "vlm.lm_head.weight" not in shapes,
    }
    side = vlm["vision_config"]["image_size"][0] // vlm["vision_config"]["patch_size"][0]
    vlm["image_seq_length"] = int(side * vlm["downsample_ratio"]) ** 2
    return TerraScopeConfig(
        "terrascope",
        vlm,
        sam2 or mask_model(shapes, where),
        tiles_max=int(values.get("max_dynamic_patch", 12)) if values.get("dynamic_image_size", True) else 1,
        # What the weights were made with: the best of three masks, and so many tokens in the published scripts.
        masks_per_prompt=3,
        tokens_max=int(values.get("mask_tokens_max", _TOKENS_AT_INFERENCE)),
    )


def _section(values: dict[str, Any], name: str, where: object) -> dict[str, Any]:
    section = values.get(name)
    if not isinstance(section, dict):
        raise DataError("not a published checkpoint's configuration", file=where, field=name)
    return section


def vision(values: dict[str, Any]) -> dict[str, Any]:
    """InternVL's own vision section in transformers' words."""
    image, patch = int(values["image_size"]), int(values["patch_size"])
    return {
        "hidden_size": values["hidden_size"],
        "num_hidden_layers": values["num_hidden_layers"],
        "num_attention_heads": values["num_attention_heads"],
        "intermediate_size": values["intermediate_size"],
        "attention_bias": values.get("qkv_bias", True),
        "use_qk_norm": values.get("qk_normalization", False),
        "norm_type": values.get("norm_type", "layer_norm"),
        "hidden_act": values.get("hidden_act", "gelu"),
        "layer_norm_eps": values.get("layer_norm_eps", 1e-6),
        "image_size": [image, image],
        "patch_size": [patch, patch],
    }


_TEXT = (
    *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"),
    *("hidden_act", "max_position_embeddings", "rms_norm_eps"),
)


def text(values: dict[str, Any], shapes: Shapes) -> dict[str, Any]:
    """The language model's section; its vocabulary is what the table of words holds (tokens were added to it)."""
    if values.get("use_sliding_window"):
        raise DataError("sliding-window attention is not supported", field="llm_config.use_sliding_window")
    out = {name: values[name] for name in _TEXT if name in values}
    rope = values.get("rope_parameters") or {"rope_type": "default", "rope_theta": values.get("rope_theta", 10_000.0)}
    scaling = values.get("rope_scaling")
    if scaling:
        rest = {name: value for name, value in scaling.items() if name not in ("type", "rope_type")}
        rope = {**rest, "rope_type": scaling.get("rope_type") or scaling.get("type"), "rope_theta": rope["rope_theta"]}
    return {
        "model_type": "qwen2",
        **out,
        "vocab_size": shapes["vlm.model.language_model.embed_tokens.weight"][0],
        "rope_parameters": rope,
        "tie_word_embeddings": "vlm.lm_head.weight" not in shapes,
    }


def mask_model(shapes: Shapes, where: object) -> dict[str, Any]:
    """SAM-2's configuration from its weights."""
    width = shapes["sam.vision_encoder.backbone.patch_embed.projection.weight"][0]
    block = re.compile(r"sam\.vision_encoder\.backbone\.blocks\.(\d+)\.layer_norm2\.weight")
    found = sorted((int(at[1]), shape[0]) for name, shape in shapes.items() if (at := block.fullmatch(name)))
    depth = tuple(sum(1 for _, size in found if size == width * 2**stage) for stage in range(4))
    known = _HIERA.get((width, depth))  # type: ignore[arg-type]
    if known is None:
        raise DataError(
            "none of SAM-2's four published sizes",
            file=where,
            got=f"stem {width}, blocks {depth}",
            fix="give its configuration as transformers writes it",
        )
    heads, windows, global_blocks, background = known
    return sizes.sam2(
        image_px=1024,
        embed=width,
        heads=heads,
        blocks=depth,  # type: ignore[arg-type]
        windows=windows,
        global_blocks=global_blocks,
        background=background,
        multimask_by_stability=True,
    )
