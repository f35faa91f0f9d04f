"""SAM-2's windowed attention without a product that the library computes and drops.

`Sam2MultiScaleAttention.forward` also multiplies queries and keys across heads and takes their softmax, which nothing
reads: a sixth of the mask encoder's time where its windows are small. Same weights, same names, same bits out.
"""

from __future__ import annotations

from typing import Any

from torch.nn import functional
from transformers.models.sam2.modeling_sam2 import Sam2HieraDetModel, Sam2MultiScaleAttention, do_pool


class _Attention(Sam2MultiScaleAttention):
    def forward(self, hidden_states: Any, **_: Any) -> Any:
        """(B, h, w, dim) -> (B, h, w, dim_out), h and w pooled where the block opens a stage."""
        rows, high, wide, _ = hidden_states.shape
        # (B, h, w, 3 * dim_out) -> (B, h * w, 3, heads, dim_out / heads) -> three of (B, h * w, heads, dim_out / heads)
        joint = self.qkv(hidden_states).reshape(rows, high * wide, 3, self.num_attention_heads, -1)
        query, key, value = joint.unbind(2)
        if self.query_stride:
            query = do_pool(query.reshape(rows, high, wide, -1), self.query_stride)
            high, wide = query.shape[1:3]
            query = query.reshape(rows, high * wide, self.num_attention_heads, -1)
        # (B, h * w, heads, .) -> (B, heads, h * w, .) and back
        heads = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), scale=self.scale
        )
        return self.proj(heads.transpose(1, 2).reshape(rows, high, wide, -1))


def lean(backbone: Sam2HieraDetModel) -> None:
    """Let the blocks of a Hiera attend so."""
    for block in backbone.blocks:
        assert type(block.attn) is Sam2MultiScaleAttention
        block.attn.__class__ = _Attention
