"""The sizes that have a name: one function a part, so that nano and 8B are written in the same words."""

from __future__ import annotations

from typing import Any

from terra_cot.errors import ConfigError, did_you_mean
from terrascope_bench.terrascope.config import TerraScopeConfig


def internvl(
    *,
    vocabulary: int,
    image_token: int,
    hidden: int,
    layers: int,
    heads: int,
    kv_heads: int,
    feed_forward: int,
    tied: bool,
    tile_px: int,
    patch_px: int,
    vision_hidden: int,
    vision_layers: int,
    vision_heads: int,
    layer_scale: float = 0.1,
    rope_theta: float = 1_000_000.0,
    std: float = 0.02,
    positions: int = 32_768,
) -> dict[str, Any]:
    """An `InternVLConfig`: ViT (feed-forward four times its width), 2 x 2 pixel shuffle, MLP, Qwen2."""
    return {
        "vision_config": {
            "hidden_size": vision_hidden,
            "num_hidden_layers": vision_layers,
            "num_attention_heads": vision_heads,
            "intermediate_size": 4 * vision_hidden,
            "attention_bias": True,
            "image_size": [tile_px, tile_px],
            "patch_size": [patch_px, patch_px],
            "layer_scale_init_value": layer_scale,
        },
        "text_config": {
            "model_type": "qwen2",
            "vocab_size": vocabulary,
            "hidden_size": hidden,
            "intermediate_size": feed_forward,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "max_position_embeddings": positions,
            "initializer_range": std,
            "rope_parameters": {"rope_type": "default", "rope_theta": rope_theta},
            "tie_word_embeddings": tied,
        },
        "image_token_id": image_token,
        "image_seq_length": (tile_px // patch_px // 2) ** 2,
        "downsample_ratio": 0.5,
        "tie_word_embeddings": tied,
    }


def sam2(
    *,
    image_px: int,
    embed: int,
    heads: int,
    blocks: tuple[int, int, int, int],
    windows: tuple[int, int, int, int],
    global_blocks: tuple[int, ...],
    background: int = 7,
    width: int = 256,
    decoder_heads: int = 8,
    decoder_mlp: int = 2048,
    multimask_by_stability: bool = False,
) -> dict[str, Any]:
    """A `Sam2Config`: Hiera with four stages, each twice as wide as the one before; features at 1/4, 1/8 and 1/16.

    A global-attention block must not open a stage: the library pools its queries there and the shapes part.
    """
    opens = {sum(blocks[:stage]) for stage in range(4)}
    if opens & set(global_blocks):
        raise ConfigError(f"global attention in blocks {sorted(opens & set(global_blocks))}, which open a stage")
    widths = [embed * 2**stage for stage in range(4)]
    return {
        "vision_config": {
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": embed,
                "num_attention_heads": heads,
                "image_size": [image_px, image_px],
                "blocks_per_stage": list(blocks),
                "embed_dim_per_stage": widths,
                "num_attention_heads_per_stage": [heads * 2**stage for stage in range(4)],
                "window_size_per_stage": list(windows),
                "global_attention_blocks": list(global_blocks),
                "window_positional_embedding_background_size": [background, background],
            },
            "backbone_channel_list": widths[::-1],
            "backbone_feature_sizes": [[image_px // step, image_px // step] for step in (4, 8, 16)],
            "fpn_hidden_size": width,
        },
        "prompt_encoder_config": {"hidden_size": width, "image_size": image_px, "patch_size": 16},
        "mask_decoder_config": {
            "hidden_size": width,
            "mlp_dim": decoder_mlp,
            "num_attention_heads": decoder_heads,
            "iou_head_hidden_dim": width,
            # On by default in the library: it would swap masks at inference that training never swapped.
            "dynamic_multimask_via_stability": multimask_by_stability,
        },
    }


def hiera_large(image_px: int = 1024) -> dict[str, Any]:
    """SAM-2 Hiera-L, the mask model of the paper (Sec. 4)."""
    return sam2(
        image_px=image_px,
        embed=144,
        heads=2,
        blocks=(2, 6, 36, 4),
        windows=(8, 4, 16, 8),
        global_blocks=(23, 33, 43),
        multimask_by_stability=True,
    )


def terrascope_8b(vocabulary: int = 151_680, image_token: int = 151_667) -> TerraScopeConfig:
    """InternVL3-8B (InternViT-300M, Qwen2.5-7B) with SAM-2 Hiera-L: the paper's model."""
    vlm = internvl(
        vocabulary=vocabulary,
        image_token=image_token,
        hidden=3584,
        layers=28,
        heads=28,
        kv_heads=4,
        feed_forward=18_944,
        tied=False,
        tile_px=448,
        patch_px=14,
        vision_hidden=1024,
        vision_layers=24,
        vision_heads=16,
    )
    return TerraScopeConfig("terrascope-8b", vlm, hiera_large())


def terrascope_nano(vocabulary: int, image_token: int) -> TerraScopeConfig:
    """Two million parameters, for two cores. Tiles of 128 px make 8 x 8 visual tokens; masks see such windows."""
    vlm = internvl(
        vocabulary=vocabulary,
        image_token=image_token,
        hidden=128,
        layers=3,
        heads=4,
        kv_heads=4,
        feed_forward=384,
        tied=True,
        tile_px=128,
        patch_px=8,
        vision_hidden=96,
        vision_layers=3,
        vision_heads=4,
        layer_scale=1.0,
        rope_theta=10_000.0,
        std=0.05,
        positions=2048,
    )
    masks = sam2(
        image_px=128,
        embed=24,
        heads=1,
        blocks=(1, 1, 2, 1),
        windows=(8, 4, 8, 4),
        global_blocks=(3,),
        width=64,
        decoder_heads=4,
        decoder_mlp=128,
    )
    return TerraScopeConfig(
        "terrascope-nano",
        vlm,
        masks,
        tiles_max=1,
        # Half of the 64 tokens of an image, as the paper's 128 is of its 256.
        tokens_max=32,
        mask_from="fused",
        mask_dates="before",
        mask_windows=8,
        mask_min_share=0.001,
    )


SIZES = {"terrascope-nano": terrascope_nano, "terrascope-8b": terrascope_8b}


def size(name: str, vocabulary: int, image_token: int) -> TerraScopeConfig:
    """The configuration called `name` for a tokenizer; ConfigError names the nearest where there is none."""
    try:
        return SIZES[name](vocabulary, image_token)
    except KeyError:
        raise ConfigError(f'no size "{name}"{did_you_mean(name, tuple(SIZES))} (known: {", ".join(SIZES)})') from None
