"""What a row is trained on: the language model's cross-entropy, and half of Dice plus pixel cross-entropy (Sec. 4).

    loss = CE + 0.5 x (Dice + BCE)

Prompt, visual tokens and holes are not asked about. The published code departs from this: 2 x CE of masks, 0.5 x Dice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from terrascope_bench.terrascope.mask_head import at_size, decode, mask_image, prompts
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.sequence import IGNORED, Row, Told, lay_out, pad
from terrascope_bench.terrascope.tokens import Words
from terrascope_bench.terrascope.vision import encode

MASK_WEIGHT = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """`total` to train on; its parts, each a mean (text over tokens, masks over masks), 0 where there is none."""

    total: Any
    text: Any
    dice: Any
    pixels: Any


def batch_loss(model: TerraScope, words: Words, batch: Sequence[Told], mask_weight: float = MASK_WEIGHT) -> Loss:
    """The loss of several questions with their replies, teacher-forced."""
    images = encode(model, [told.asked.images for told in batch])
    rows = [lay_out(model, words, told, shown) for told, shown in zip(batch, images, strict=True)]
    padded = pad(model, words, rows)
    states = model.read(padded.embeds, mask=padded.mask, positions=padded.positions)  # (B, T, D)
    text = text_loss(model, states, padded.labels)
    dice, pixels = mask_losses(model, states, rows, batch, images)
    return Loss(text + mask_weight * (dice + pixels), text, dice, pixels)


def text_loss(model: TerraScope, states: Any, labels: Any) -> Any:
    """Mean cross-entropy of the tokens that are asked about; each is told by the state before it."""
    asked = labels[:, 1:] != IGNORED
    # Only states that tell something pass the head: (n, D) -> (n, V)
    return functional.cross_entropy(model.logits(states[:, :-1][asked]), labels[:, 1:][asked])


def mask_losses(
    model: TerraScope, states: Any, rows: Sequence[Row], batch: Sequence[Told], images: Sequence[Any]
) -> tuple[Any, Any]:
    """(Dice, pixel cross-entropy), means over all masks of the batch."""
    at = [(number, place) for number, row in enumerate(rows) for place in row.segs]
    if not at:
        return states.new_zeros((), dtype=torch.float32), states.new_zeros((), dtype=torch.float32)
    found = [mask_image(model, images[number], date) for number, row in enumerate(rows) for date in row.seg_dates]
    picked = torch.stack([states[number, place] for number, place in at])  # (R, D)
    logits = decode(model, [features for _, features in found], prompts(model, picked))
    return against(logits, [mask for told in batch for mask in told.masks], model.config.mask_px)


def against(logits: Any, truths: Sequence[NDArray[np.bool_]], side: int) -> tuple[Any, Any]:
    """(Dice, pixel cross-entropy), means over masks, of logits (R, s, s) and true masks HW.

    A mask is compared at its own size, but at no more than the `side` that the mask encoder saw: a larger one comes
    down to shares of pixels, for what was never seen cannot be learnt.
    """
    alike: dict[Any, list[int]] = {}
    for number, (scores, truth) in enumerate(zip(logits, truths, strict=True)):
        alike.setdefault((scores.shape, truth.shape), []).append(number)
    dice, pixels = [], []
    for (shape, (height, width)), numbers in alike.items():
        scores = torch.stack([logits[number] for number in numbers])
        target = torch.from_numpy(np.stack([truths[number] for number in numbers])).to(scores.device, torch.float32)
        # Logits are a quarter of what the encoder saw, of all its windows.
        seen = max(side, 4 * shape[-1])
        size = (min(height, seen), min(width, seen))
        if size != (height, width):
            target = functional.adaptive_avg_pool2d(target, size)
        scaled = at_size(scores, size)
        dice.append(dice_loss(scaled, target))
        pixels.append(functional.binary_cross_entropy_with_logits(scaled, target, reduction="none").mean((-2, -1)))
    return torch.cat(dice).mean(), torch.cat(pixels).mean()


def dice_loss(logits: Any, target: Any) -> Any:
    """1 - (2 |A and B| + 1) / (|A| + |B| + 1) of logits and 0/1 targets (..., H, W); the 1 makes empty ones agree."""
    share = torch.sigmoid(logits)
    both, each = (share * target).sum((-2, -1)), share.sum((-2, -1)) + target.sum((-2, -1))
    return 1 - (2 * both + 1) / (each + 1)
