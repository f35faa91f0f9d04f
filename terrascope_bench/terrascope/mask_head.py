"""The state at [SEG] becomes one sparse prompt of SAM-2's mask decoder, which gives the mask of the step (Sec. 4).

`Sam2Model.forward` has no argument for such a prompt, so its parts are called one by one: the prompt encoder with one
padding point, the projected state behind it, the decoder with the two finer feature levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.specks import cleaned
from terrascope_bench.terrascope.vision import Encoded, Features, joined, of_date, parted


def prompts(model: TerraScope, states: Any) -> Any:
    """States at [SEG] (R, D) -> sparse prompts (R, C)."""
    return model.text_hidden_fcs(states)


def decode(model: TerraScope, features: Sequence[Features], sparse: Any) -> list[Any]:
    """Mask logits (S / 4, S / 4), float32, of each prompt (R, C), each on its own image.

    An image of n x n windows gives logits n times as large: its prompt is asked of every window.
    """
    side = model.sam.backbone_feature_sizes[-1][0]
    cuts = [entry[2].shape[-1] // side for entry in features]
    windows = [
        torch.cat([parted(entry[level], n) for entry, n in zip(features, cuts, strict=True)]) for level in range(3)
    ]
    found = _decode(model, windows, sparse[[row for row, n in enumerate(cuts) for _ in range(n * n)]])
    return [joined(part[:, None])[0] for part in found.split([n * n for n in cuts])]


def _decode(model: TerraScope, features: Sequence[Any], sparse: Any) -> Any:
    """(R, S / 4, S / 4) of prompts (R, C) on single windows."""
    fine, middle, coarse = features
    rows = len(coarse)
    point = torch.zeros(rows, 1, 1, 2, dtype=coarse.dtype, device=coarse.device)
    none = torch.full((rows, 1, 1), -1, dtype=torch.int32, device=coarse.device)
    padding, dense = model.sam.prompt_encoder(
        input_points=point, input_labels=none, input_boxes=None, input_masks=None
    )  # (R, 1, 2, C), (R, C, s, s)
    # (R, C) -> (R, 1, 1, C): one set of prompts an image
    sparse = torch.cat((padding, sparse[:, None, None, :].to(padding.dtype)), dim=2)
    places = model.sam.get_image_wide_positional_embeddings().repeat(rows, 1, 1, 1)
    several = model.config.masks_per_prompt > 1
    logits, scores, _, _ = model.sam.mask_decoder(
        image_embeddings=coarse,
        image_positional_embeddings=places,
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=several,
        high_resolution_features=[fine, middle],
    )  # (R, 1, 1 or 3, s, s), (R, 1, 1 or 3)
    best = scores[:, 0].argmax(dim=-1)
    return logits[torch.arange(rows, device=best.device), 0, best].float()


def at_size(logits: Any, size: tuple[int, int]) -> Any:
    """(R, s, s) -> (R, H, W), bilinear: logits, not masks, are scaled."""
    return functional.interpolate(logits[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]


def mask_of(model: TerraScope, scores: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask HW bool that logits (s, s) stand for, without its specks."""
    mask: NDArray[np.bool_] = (at_size(scores[None], size)[0] > 0).cpu().numpy()
    return cleaned(mask, model.config.speck_px(mask.shape))


def mask_image(model: TerraScope, images: Sequence[Encoded], date: str) -> tuple[tuple[int, int], Features]:
    """(size, features) that a mask of a date is decoded on; `images` are those of all dates, in their order.

    With `mask_dates` "before" the date is seen beside the one before it: what burnt down is what stood there.
    """
    size, own = sensed(model, of_date(images, date))
    dates = list(dict.fromkeys(image.frame for image in images))
    number = dates.index(date)
    if model.config.mask_dates == "own" or number == 0:
        return size, own
    return size, changed(model, own, sensed(model, of_date(images, dates[number - 1]))[1])


def changed(model: TerraScope, own: Features, before: Features) -> Features:
    """The features of a date, and at each level what they say together with those of the date before."""
    out = []
    for now, then, join in zip(own, before, model.sam_before, strict=True):
        if then.shape != now.shape:  # pictures of two sizes are cut into windows of two numbers
            then = functional.interpolate(then[None], size=now.shape[-2:], mode="bilinear", align_corners=False)[0]
        out.append(now + join(torch.cat((now, then))[None])[0])  # (2C, h, w) -> (C, h, w)
    return out[0], out[1], out[2]


def sensed(model: TerraScope, images: Sequence[Encoded]) -> tuple[tuple[int, int], Features]:
    """(size, features) of one date by the sensors that show it; `images` are those of the date.

    The optical image where there is one (the paper); with `mask_from` "fused" both, weighed pixel by pixel.
    """
    optical = next((image for image in images if image.modality != "sar"), None)
    sar = next((image for image in images if image.modality == "sar"), None)
    if optical is None or sar is None:
        only = optical or sar
        assert only is not None
        return only.size, only.features
    if model.config.mask_from == "optical":
        return optical.size, optical.features
    return optical.size, _weighed(model, optical.features, sar.features)


def _weighed(model: TerraScope, optical: Features, sar: Features) -> Features:
    """Each place from the sensor that the gate trusts there (the coarse level decides for all), and what both say."""
    # (2C, s, s) -> (1, s, s), 1 = optical
    share = torch.sigmoid(model.sam_gate(torch.cat((optical[2], sar[2]))[None]))
    out = []
    for one, other, join in zip(optical, sar, model.sam_join, strict=True):
        local = functional.interpolate(share, size=one.shape[-2:], mode="bilinear", align_corners=False)[0]
        both = join(torch.cat((one, other))[None])[0]  # (2C, h, w) -> (C, h, w)
        out.append(local * one + (1 - local) * other + both)
    return out[0], out[1], out[2]
