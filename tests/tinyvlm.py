"""A Llava of a few thousand random weights with its own tokenizer, saved as a model author would: real, and quick."""

from __future__ import annotations

import importlib.util
from pathlib import Path

TEMPLATE = """{% for m in messages %}{{ m.role }}: {% for p in m.content %}{% if p.type == 'image' %}<image>{% else %}\
{{ p.text }}{% endif %}{% endfor %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"""


def missing() -> str | None:
    """What is not installed."""
    lacking = [name for name in ("torch", "transformers", "tokenizers") if importlib.util.find_spec(name) is None]
    return f"a local model: pip install {' '.join(lacking)} (extra [model])" if lacking else None


def write_tiny_llava(folder: Path, seed: int = 0, template: str | None = TEMPLATE) -> Path:
    """Two layers of sight, two of language, bytes as tokens; images of 32 px in patches of 8."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
        Qwen2Config,
    )

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    special = ["<pad>", "<eos>", "<image>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(
        ["<think></think><answer>A</answer>"],
        trainers.BpeTrainer(vocab_size=290, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    tokens = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        eos_token="<eos>",
        extra_special_tokens={"image_token": "<image>"},
    )
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    # Weights well above the usual start: the reply of a timid model would not depend on what it sees.
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**size, image_size=32, patch_size=8, initializer_factor=8.0),
        text_config=Qwen2Config(
            **size,
            vocab_size=len(tokens),
            num_key_value_heads=2,
            max_position_embeddings=4096,
            initializer_range=0.4,
            bos_token_id=None,
            eos_token_id=tokens.eos_token_id,
            pad_token_id=tokens.pad_token_id,
        ),
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
    )
    torch.manual_seed(seed)
    model = LlavaForConditionalGeneration(config)
    model.generation_config.eos_token_id = tokens.eos_token_id
    model.generation_config.pad_token_id = tokens.pad_token_id
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokens,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
