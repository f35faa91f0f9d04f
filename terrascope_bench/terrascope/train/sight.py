"""Sight from nothing: each visual token learns to tell which share of its cell each class has.

A vision tower that starts from random numbers has to see something before a language model can read it: this stands
where the published model starts from a trained InternViT. A linear head on the projected tokens says the shares; it is
thrown away when the stage ends. Tiles are those of the masks' stage, whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from terra_cot.legend import class_names
from terrascope_bench.terrascope.images import tower_input
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.tiling import WHOLE
from terrascope_bench.terrascope.train.masks import MaskLesson


class SightLearner(nn.Module):
    """Tower, projector and the head that asks their tokens, as one module."""

    def __init__(self, model: TerraScope) -> None:
        super().__init__()
        self.model = model
        self.names = class_names()
        self.head = nn.Linear(model.config.hidden, len(self.names))

    def extra(self) -> dict[str, Any]:
        """The weights that the model itself does not have."""
        return {name: value for name, value in self.state_dict().items() if not name.startswith("model.")}

    def forward(self, batch: Sequence[MaskLesson]) -> tuple[Any, Any, Any, Any]:
        """(loss, nan, nan, cross-entropy of shares), a mean over images."""
        side, px = self.model.config.grid_side, self.model.config.tile_px
        shown = [(image, lesson) for lesson in batch for image in lesson.images if image.frame == lesson.date]
        tokens = self.model.visual_tokens(torch.cat([tower_input(image, WHOLE, px) for image, _ in shown]))
        scores = self.head(tokens.float())  # (N, g * g, K)
        losses = []
        for row, (_, lesson) in zip(scores, shown, strict=True):
            numbers = [self.names.index(name) for name in lesson.masks]
            masks = torch.from_numpy(np.stack(list(lesson.masks.values()))).to(scores.device, torch.float32)
            # (K', H, W) -> (K', g, g) -> (g * g, K')
            share = functional.adaptive_avg_pool2d(masks, (side, side)).flatten(1).T
            losses.append(functional.binary_cross_entropy_with_logits(row[:, numbers], share))
        loss = torch.stack(losses).mean()
        nothing = loss.new_full((), float("nan"))
        return loss, nothing, nothing, loss
