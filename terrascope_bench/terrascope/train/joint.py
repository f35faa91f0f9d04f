"""Questions with their pictures, all parts at once: see, say [SEG], look at what its mask selects, say the number.

The loss is that of a chain (`loss`): cross-entropy of the words and 0.5 x (Dice + pixel cross-entropy). Two things make
it cheap enough for a processor: questions of a tile share its encoded pictures (`sittings`), and masks are compared in
one window of the tile, as large as the mask encoder sees at once. A model of windows asks the same prompt of each, so a
drawn one stands for all. While the mask encoder is frozen, no gradient is kept for it. Where a stage of masks has
learnt a prompt a class, the projected state at [SEG] is held to that of the class it names, as in the stage of text.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from terrascope_bench.terrascope.images import Shown, shrinkage, shrunk
from terrascope_bench.terrascope.loss import against, text_loss
from terrascope_bench.terrascope.mask_head import decode, mask_image, prompts
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.sequence import Row, lay_out, pad
from terrascope_bench.terrascope.tokens import Words
from terrascope_bench.terrascope.train.recipe import Stage
from terrascope_bench.terrascope.train.sittings import Sitting
from terrascope_bench.terrascope.vision import Encoded, encode, mask_features


class JointLearner(nn.Module):
    """Sittings in, losses out. `taught` (name -> C) are the prompts that the mask model learnt, or none."""

    def __init__(self, model: TerraScope, words: Words, stage: Stage, taught: dict[str, Any]) -> None:
        super().__init__()
        self.model, self.words, self.stage, self.taught = model, words, stage, taught

    def forward(self, batch: Sequence[Sitting]) -> tuple[Any, Any, Any, Any]:
        """(loss, text, Dice, pixels); a part is nan where there is none of it."""
        batch = [sitting for sitting in batch if sitting.lessons]
        # Visual tokens alone: masks see a window, not the whole.
        seen = encode(self.model, [sitting.images for sitting in batch], masks=False)
        rows = [
            lay_out(self.model, self.words, lesson, images)
            for sitting, images in zip(batch, seen, strict=True)
            for lesson in sitting.lessons
        ]
        if not rows:
            nothing = self.model.embedding.weight.sum() * 0.0
            return nothing, nothing, nothing, nothing
        padded = pad(self.model, self.words, rows)
        states = self.model.read(padded.embeds, mask=padded.mask, positions=padded.positions)  # (B, T, D)
        text = text_loss(self.model, states, padded.labels)
        loss = self.stage.text_weight * text
        sparse = [prompts(self.model, states[number, row.segs]) for number, row in enumerate(rows) if row.segs]
        if not sparse or self.stage.mask_weight == 0:
            nothing = text.new_full((), float("nan"))
            return loss, text, nothing, nothing
        dice, pixels = self._masks(batch, rows, torch.cat(sparse))
        apart = self._apart(batch, torch.cat(sparse))
        return loss + self.stage.mask_weight * (dice + pixels) + apart, text, dice, pixels

    def _masks(self, batch: Sequence[Sitting], rows: Sequence[Row], sparse: Any) -> tuple[Any, Any]:
        """(Dice, pixel cross-entropy), means over all masks, each in the window of its sitting."""
        frozen = not any(weight.requires_grad for weight in self.model.sam.vision_encoder.parameters())
        cut = [self._cut(image, sitting) for sitting in batch for image in sitting.images]
        with torch.no_grad() if frozen else nullcontext():
            maps = iter(mask_features(self.model, cut))
        of_row = iter(rows)
        features, truths = [], []
        for sitting in batch:
            images = [
                Encoded(image.frame, image.modality, image.size, None, None, next(maps)) for image in sitting.images
            ]
            by_date = {image.frame: mask_image(self.model, images, image.frame)[1] for image in images}
            for lesson in sitting.lessons:
                features += [by_date[date] for date in next(of_row).seg_dates]
                truths += [np.ascontiguousarray(mask[sitting.window]) for mask in lesson.masks]
        return against(decode(self.model, features, sparse), truths, self.model.config.mask_px)

    def _apart(self, batch: Sequence[Sitting], sparse: Any) -> Any:
        """Mean squared distance of prompts from those of the classes named, where such were learnt."""
        names = [name for sitting in batch for named in sitting.named for name in named]
        # A sample does not tell the classes of its masks.
        known = [number for number, name in enumerate(names) if name in self.taught and len(names) == len(sparse)]
        if not known:
            return sparse.new_zeros(())
        wanted = torch.stack([self.taught[names[number]] for number in known]).to(sparse.device)
        return functional.mse_loss(sparse[known], wanted)

    def _cut(self, image: Shown, sitting: Sitting) -> Shown:
        """An image in the window of its sitting, as the mask encoder sees it."""
        rows, columns = sitting.window
        part = Shown(image.frame, image.modality, image.pixels[:, rows, columns].contiguous())
        return shrunk(part, shrinkage(image.size, self.model.config.mask_px, self.model.config.mask_windows))
