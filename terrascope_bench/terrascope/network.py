"""Four parts from libraries and one small head: InternVL, SAM-2, and the projection of [SEG] between them (Sec. 4).

| name | what | paper |
|---|---|---|
| `vlm` | vision tower, projector (pixel shuffle, MLP), language model, `lm_head` | InternVL3 |
| `sam` | mask encoder, prompt encoder, mask decoder | SAM-2 |
| `text_hidden_fcs` | state at [SEG] (D) -> prompt of the mask decoder (C) | MLP |
| `sam_gate` | only where `mask_from` is "fused": optical or SAR, pixel by pixel | ablation |
| `sam_join` | likewise: what the two say together and neither alone, added at each level | ours |
| `sam_before` | only where `mask_dates` is "before": what a date and the one before it say together | ours |

Names are those that transformers and the published checkpoint use, so that weights of either load unchanged. The
visual tokens that a step appends are outputs of the projector: "projected" needs no weights of its own.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn
from transformers import InternVLConfig, InternVLForConditionalGeneration, Sam2Config, Sam2Model
from transformers.models.qwen2.modeling_qwen2 import Qwen2Model

from terrascope_bench.terrascope.config import TerraScopeConfig
from terrascope_bench.terrascope.hiera import lean

# The library is renaming this argument (5.24); both names are in use within the versions we accept.
_CACHE = "cache" if "cache" in inspect.signature(Qwen2Model.forward).parameters else "past_key_values"


class TerraScope(nn.Module):
    """The weights of one configuration. B rows, T positions, D width of the language model, V words."""

    def __init__(self, config: TerraScopeConfig) -> None:
        super().__init__()
        self.config = config
        self.vlm = InternVLForConditionalGeneration(InternVLConfig(**config.internvl))
        self.sam = Sam2Model(Sam2Config(**config.sam2))
        # One matrix places points and pixels; the library draws it twice.
        self.sam.prompt_encoder.shared_embedding.positional_embedding.copy_(
            self.sam.shared_image_embedding.positional_embedding
        )
        # The neck works out where its maps lie at every call; the decoder is told by the image-wide embedding alone.
        self.sam.vision_encoder.neck.position_encoding = _Unplaced()
        lean(self.sam.vision_encoder.backbone)
        width, prompt = config.hidden, config.prompt_width
        self.text_hidden_fcs = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, prompt))
        if config.mask_from == "fused":
            self.sam_gate = nn.Conv2d(2 * prompt, 1, kernel_size=1)
            self.sam_join = nn.ModuleList(_join(prompt // part) for part in (8, 4, 1))
        if config.mask_dates == "before":
            self.sam_before = nn.ModuleList(_join(prompt // part) for part in (8, 4, 1))

    @property
    def device(self) -> Any:
        return self.embedding.weight.device

    @property
    def dtype(self) -> Any:
        return self.embedding.weight.dtype

    @property
    def embedding(self) -> Any:
        """The table of words, V x D."""
        return self.vlm.model.language_model.get_input_embeddings()

    def visual_tokens(self, pixels: Any) -> Any:
        """(N, 3, P, P) -> (N, g * g, D): tower, pixel shuffle, projector."""
        return self.vlm.model.get_image_features(pixel_values=pixels.to(self.device, self.dtype)).pooler_output

    def read(self, embeds: Any, *, mask: Any, positions: Any, cache: Any = None) -> Any:
        """Hidden states (B, T, D), after the last norm, of embeddings (B, T, D).

        `mask` (B, everything in the cache + T), False where nothing stands: always whole, for a mask of the new part
        alone is taken for the old part. `positions` (B, T): holes do not count.
        """
        rest = {_CACHE: cache, "use_cache": True} if cache is not None else {"use_cache": False}
        return self.vlm.model.language_model(
            inputs_embeds=embeds, attention_mask=mask.long(), position_ids=positions, **rest
        ).last_hidden_state

    def logits(self, states: Any) -> Any:
        """(..., D) -> (..., V) in float32."""
        return self.vlm.lm_head(states).float()

    def parameters_count(self) -> int:
        """Numbers at rest; tied tables count once."""
        return sum(entry.numel() for entry in self.parameters())


class _Unplaced(nn.Module):
    """Stands for the positions of a feature map that nobody asks for."""

    def forward(self, shape: Any, device: Any, dtype: Any, mask: Any = None) -> Any:
        return torch.zeros(1, 1, 1, 1, device=device, dtype=dtype)


def _join(channels: int) -> nn.Sequential:
    """(2C, h, w) -> (C, h, w); zero at the start, so that it adds nothing until it learns."""
    join = nn.Sequential(nn.Conv2d(2 * channels, 2 * channels, 1), nn.GELU(), nn.Conv2d(2 * channels, channels, 1))
    last = join[-1]
    assert isinstance(last, nn.Conv2d)
    nn.init.zeros_(last.weight)
    assert last.bias is not None
    nn.init.zeros_(last.bias)
    return join


def default_initialisation(model: nn.Module) -> None:
    """torch's own start for every layer that has one: masks do not train from the library's std of 0.02.

    Draws from torch's global generator: seed it first.
    """
    for module in model.modules():
        if hasattr(module, "reset_parameters") and not isinstance(module, nn.Embedding):
            module.reset_parameters()
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.5)


def seeded(seed: int) -> None:
    """Seed torch's global generator, which initialisation draws from."""
    torch.manual_seed(seed)
