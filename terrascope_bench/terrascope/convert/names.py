"""The tables of names: what a published key is called here, which keys are dropped, and which hold several of ours.

A rule is a regular expression on the whole key and what it becomes; the first that fits wins. `None` drops a key that
no single image needs: SAM-2's memory of earlier frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Rule = tuple[re.Pattern[str], str | None]


def _rules(*table: tuple[str, str | None]) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern), name) for pattern, name in table)


_TOWER = r"vision_model\."
_LAYER = r"vision_model\.encoder\.layers\.(\d+)\."
_OURS = r"vlm.model.vision_tower.encoder.layer.\1."

INTERNVL = _rules(
    (_TOWER + r"embeddings\.class_embedding", "vlm.model.vision_tower.embeddings.cls_token"),
    (_TOWER + r"embeddings\.position_embedding", "vlm.model.vision_tower.embeddings.position_embeddings"),
    (
        _TOWER + r"embeddings\.patch_embedding\.(weight|bias)",
        r"vlm.model.vision_tower.embeddings.patch_embeddings.projection.\1",
    ),
    (_LAYER + r"attn\.qkv\.(weight|bias)", _OURS + r"attention.qkv.\2"),  # split in three: see `split`
    (_LAYER + r"attn\.proj\.(weight|bias)", _OURS + r"attention.projection_layer.\2"),
    (_LAYER + r"attn\.(q_norm|k_norm)\.(weight|bias)", _OURS + r"attention.\2.\3"),
    (_LAYER + r"norm1\.(weight|bias)", _OURS + r"layernorm_before.\2"),
    (_LAYER + r"norm2\.(weight|bias)", _OURS + r"layernorm_after.\2"),
    (_LAYER + r"ls([12])", _OURS + r"lambda_\2"),
    (_LAYER + r"mlp\.(fc[12])\.(weight|bias)", _OURS + r"mlp.\2.\3"),
    (r"mlp1\.0\.(weight|bias)", r"vlm.model.multi_modal_projector.layer_norm.\1"),
    (r"mlp1\.1\.(weight|bias)", r"vlm.model.multi_modal_projector.linear_1.\1"),
    (r"mlp1\.3\.(weight|bias)", r"vlm.model.multi_modal_projector.linear_2.\1"),
    (r"language_model\.lm_head\.weight", "vlm.lm_head.weight"),
    (r"language_model\.model\.(.+)", r"vlm.model.language_model.\1"),
)
"""InternVL as its authors publish it."""

_FEED = {"0": "proj_in", "1": "layers.0", "2": "proj_out"}
_DECODER = r"sam_mask_decoder\."
_PROMPTS = r"sam_prompt_encoder\."

SAM2 = _rules(
    (r"image_encoder\.trunk\.(pos_embed|pos_embed_window)", r"sam.vision_encoder.backbone.\1"),
    (r"image_encoder\.trunk\.patch_embed\.proj\.(.+)", r"sam.vision_encoder.backbone.patch_embed.projection.\1"),
    (r"image_encoder\.trunk\.(blocks\.\d+\.)norm([12])\.(.+)", r"sam.vision_encoder.backbone.\1layer_norm\2.\3"),
    (r"image_encoder\.trunk\.(blocks\.\d+\.)mlp\.layers\.0\.(.+)", r"sam.vision_encoder.backbone.\1mlp.proj_in.\2"),
    (r"image_encoder\.trunk\.(blocks\.\d+\.)mlp\.layers\.1\.(.+)", r"sam.vision_encoder.backbone.\1mlp.proj_out.\2"),
    (r"image_encoder\.trunk\.(blocks\.\d+\.(?:attn\.|proj\.).+)", r"sam.vision_encoder.backbone.\1"),
    (r"image_encoder\.neck\.convs\.(\d+)\.conv\.(.+)", r"sam.vision_encoder.neck.convs.\1.\2"),
    (r"no_mem_embed", "sam.no_memory_embedding"),
    (_PROMPTS + r"pe_layer\.positional_encoding_gaussian_matrix", "sam.shared_image_embedding.positional_embedding"),
    (_PROMPTS + r"point_embeddings\.([0-3])\.weight", r"sam.prompt_encoder.point_embed.\1"),  # joined: see `join`
    (_PROMPTS + r"not_a_point_embed\.weight", "sam.prompt_encoder.not_a_point_embed.weight"),
    (_PROMPTS + r"no_mask_embed\.weight", "sam.prompt_encoder.no_mask_embed.weight"),
    (_PROMPTS + r"mask_downscaling\.0\.(.+)", r"sam.prompt_encoder.mask_embed.conv1.\1"),
    (_PROMPTS + r"mask_downscaling\.1\.(.+)", r"sam.prompt_encoder.mask_embed.layer_norm1.\1"),
    (_PROMPTS + r"mask_downscaling\.3\.(.+)", r"sam.prompt_encoder.mask_embed.conv2.\1"),
    (_PROMPTS + r"mask_downscaling\.4\.(.+)", r"sam.prompt_encoder.mask_embed.layer_norm2.\1"),
    (_PROMPTS + r"mask_downscaling\.6\.(.+)", r"sam.prompt_encoder.mask_embed.conv3.\1"),
    (_DECODER + r"(iou_token|mask_tokens|obj_score_token)\.weight", r"sam.mask_decoder.\1.weight"),
    (_DECODER + r"output_upscaling\.0\.(.+)", r"sam.mask_decoder.upscale_conv1.\1"),
    (_DECODER + r"output_upscaling\.1\.(.+)", r"sam.mask_decoder.upscale_layer_norm.\1"),
    (_DECODER + r"output_upscaling\.3\.(.+)", r"sam.mask_decoder.upscale_conv2.\1"),
    (_DECODER + r"(conv_s[01])\.(.+)", r"sam.mask_decoder.\1.\2"),
    *(
        rule
        for number, name in _FEED.items()
        for rule in (
            (
                _DECODER + rf"(output_hypernetworks_mlps\.\d+)\.layers\.{number}\.(.+)",
                rf"sam.mask_decoder.\1.{name}.\2",
            ),
            (
                _DECODER + rf"(iou_prediction_head|pred_obj_score_head)\.layers\.{number}\.(.+)",
                rf"sam.mask_decoder.\1.{name}.\2",
            ),
        )
    ),
    (_DECODER + r"transformer\.norm_final_attn\.(.+)", r"sam.mask_decoder.transformer.layer_norm_final_attn.\1"),
    (
        _DECODER + r"(transformer\.final_attn_token_to_image)\.([qkv])_proj\.(.+)",
        r"sam.mask_decoder.\1.\2_proj.\3",
    ),
    (_DECODER + r"(transformer\.final_attn_token_to_image)\.out_proj\.(.+)", r"sam.mask_decoder.\1.o_proj.\2"),
    (_DECODER + r"(transformer\.layers\.\d+)\.norm([1-4])\.(.+)", r"sam.mask_decoder.\1.layer_norm\2.\3"),
    (_DECODER + r"(transformer\.layers\.\d+\.mlp)\.layers\.0\.(.+)", r"sam.mask_decoder.\1.proj_in.\2"),
    (_DECODER + r"(transformer\.layers\.\d+\.mlp)\.layers\.1\.(.+)", r"sam.mask_decoder.\1.proj_out.\2"),
    (_DECODER + r"(transformer\.layers\.\d+\.\w*attn\w*)\.([qkv])_proj\.(.+)", r"sam.mask_decoder.\1.\2_proj.\3"),
    (_DECODER + r"(transformer\.layers\.\d+\.\w*attn\w*)\.out_proj\.(.+)", r"sam.mask_decoder.\1.o_proj.\2"),
    # Video only: what was seen in earlier frames.
    (r"(memory_attention|memory_encoder|mask_downsample|obj_ptr_proj|obj_ptr_tpos_proj)\..+", None),
    (r"maskmem_tpos_enc|no_mem_pos_enc|no_obj_ptr|no_obj_embed_spatial", None),
)
"""SAM-2 as its authors publish it."""

PREFIX = r"grounding_encoder\.sam2_model\."
PUBLISHED = (
    *INTERNVL,
    *((re.compile(f"{PREFIX}(?:{rule.pattern})"), name) for rule, name in SAM2),
    *_rules((r"text_hidden_fcs\.([02])\.(weight|bias)", r"text_hidden_fcs.\1.\2")),
)
"""The published checkpoint: InternVL, SAM-2 under `grounding_encoder.sam2_model`, the projection of [SEG]."""

TRANSFORMERS_INTERNVL = _rules(
    (r"(?:language_model\.)?lm_head\.weight", "vlm.lm_head.weight"),
    (r"language_model\.model\.(.+)", r"vlm.model.language_model.\1"),  # before release 4.52
    (r"model\.language_model\.(.+)", r"vlm.model.language_model.\1"),
    (r"(?:model\.)?((?:vision_tower|multi_modal_projector)\..+)", r"vlm.model.\1"),
)
"""InternVL as transformers writes it."""
TRANSFORMERS_SAM2 = _rules(
    (
        r"(?:memory_.+|mask_downsample\..+|object_pointer_proj\..+|temporal_positional_encoding_projection_layer\..+"
        r"|no_memory_positional_encoding|no_object_pointer|occlusion_spatial_embedding_parameter)",
        None,
    ),
    (r"((?:vision_encoder|prompt_encoder|mask_decoder|shared_image_embedding)\..+|no_memory_embedding)", r"sam.\1"),
)
"""SAM-2 as transformers writes it, the image model or the video model."""


def renamed(key: str, rules: Sequence[Rule]) -> tuple[bool, str | None]:
    """(whether a rule fits, our name or None where the key is dropped)."""
    for pattern, name in rules:
        found = pattern.fullmatch(key)
        if found:
            return True, None if name is None else found.expand(name)
    return False, None


def split(name: str, value: Any) -> list[tuple[str, Any]]:
    """The weights that one published weight holds: fused q, k, v apart, the positional matrix twice."""
    if ".attention.qkv." in name:
        return [
            (name.replace(".qkv.", f".{part}_proj."), piece)
            for part, piece in zip("qkv", value.chunk(3, dim=0), strict=True)
        ]
    if name == "sam.shared_image_embedding.positional_embedding":
        return [(name, value), ("sam.prompt_encoder.shared_embedding.positional_embedding", value)]
    return [(name, value)]


POINTS = tuple(f"sam.prompt_encoder.point_embed.{number}" for number in range(4))


def join(pieces: dict[str, Any]) -> tuple[str, Any] | None:
    """The table of point embeddings (4, C) once its four rows are there, taken out of `pieces`."""
    import torch

    if not all(name in pieces for name in POINTS):
        return None
    return "sam.prompt_encoder.point_embed.weight", torch.cat([pieces.pop(name) for name in POINTS])
