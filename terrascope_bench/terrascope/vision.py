"""Each image passes the two encoders once, whatever number of [SEG]s, and questions of a batch, look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import isqrt
from typing import Any

import torch

from terrascope_bench.terrascope.images import Shown, cut, mask_input, tower_input
from terrascope_bench.terrascope.network import TerraScope
from terrascope_bench.terrascope.tiling import Tiling

TOWER_BATCH = 64
MASK_BATCH = 8
"""Images that pass an encoder together at most: what bounds memory, not what is computed."""

Features = tuple[Any, Any, Any]
"""(C / 8, S / 4, S / 4), (C / 4, S / 8, S / 8), (C, S / 16, S / 16) of one image of S px, for the mask decoder."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What is kept of one image.

    `prompt` (T, D) are its visual tokens as the prompt shows them, tile by tile; `grid` (gh, gw, D) are those of the
    tiles (not of the thumbnail) laid out as on the ground, of which a mask selects; `features` are SAM-2's.
    """

    frame: str
    modality: str
    size: tuple[int, int]
    prompt: Any
    grid: Any
    features: Features


def of_date(images: Sequence[Encoded], date: str) -> list[Encoded]:
    """The images of one date: optical, SAR, or both."""
    return [image for image in images if image.frame == date]


def token_counts(model: TerraScope, images: list[Shown]) -> list[int]:
    """Visual tokens of each image of one question in the prompt."""
    config = model.config
    return [tiles.images * config.grid_side**2 for tiles in cut(images, config.tile_px, config.tiles_max)]


def encode(model: TerraScope, questions: Sequence[list[Shown]], masks: bool = True) -> list[list[Encoded]]:
    """Encode the images of several questions together; gradients flow if they are on.

    Without `masks` the mask encoder sees nothing, and `features` are None three times. Equal pictures pass once, but
    for training, where sittings (`train.sittings`) share theirs already and samples do not repeat.
    """
    config = model.config
    flat: list[tuple[Shown, Tiling]] = []
    place: dict[tuple[bytes, str, Tiling], int] = {}
    of: list[list[int]] = []
    for images in questions:
        numbers = []
        for image, tiles in zip(images, cut(images, config.tile_px, config.tiles_max), strict=True):
            key = (_digest(image), image.modality, tiles)
            if key not in place or torch.is_grad_enabled():
                place[key] = len(flat)
                flat.append((image, tiles))
            numbers.append(place[key])
        of.append(numbers)
    if not flat:
        return [[] for _ in questions]
    towers = torch.cat([tower_input(image, tiles, config.tile_px) for image, tiles in flat])
    tokens = torch.cat([model.visual_tokens(part) for part in towers.split(TOWER_BATCH)])
    unseen: Features = (None, None, None)
    maps = mask_features(model, [image for image, _ in flat]) if masks else [unseen] * len(flat)
    out: list[Encoded] = []
    start = 0
    for (image, tiles), features in zip(flat, maps, strict=True):
        own = tokens[start : start + tiles.images]
        start += tiles.images
        # (tiles, g * g, D) -> (T, D)
        prompt = own.reshape(-1, config.hidden)
        out.append(
            Encoded(image.frame, image.modality, image.size, prompt, _laid_out(own, tiles, config.grid_side), features)
        )
    # One picture may stand for several dates.
    return [
        [replace(out[number], frame=image.frame) for number, image in zip(numbers, images, strict=True)]
        for numbers, images in zip(of, questions, strict=True)
    ]


def _digest(image: Shown) -> bytes:
    """What tells pictures apart: size and pixels."""
    pixels = image.pixels.contiguous()
    return blake2b(repr(tuple(pixels.shape)).encode() + pixels.numpy().tobytes(), digest_size=16).digest()


def _laid_out(tokens: Any, tiles: Tiling, side: int) -> Any:
    """(tiles + thumbnail, g * g, D) -> (rows * g, columns * g, D)."""
    whole = tokens[: tiles.rows * tiles.columns]
    # (rows, columns, g, g, D) -> (rows, g, columns, g, D) -> (rows * g, columns * g, D)
    grid = whole.reshape(tiles.rows, tiles.columns, side, side, -1).permute(0, 2, 1, 3, 4)
    return grid.reshape(tiles.rows * side, tiles.columns * side, -1)


def mask_features(model: TerraScope, images: Sequence[Shown]) -> list[Features]:
    """SAM-2's feature pyramid of each image, finest first, the two finer levels already narrowed for the decoder.

    Of an image that is cut to n x n windows the maps are those of its windows side by side, n times as large.
    """
    config = model.config
    cuts = [mask_input(image, config.mask_px, config.mask_windows) for image in images]
    pixels = torch.cat(cuts).to(model.device, model.dtype)
    parts: list[list[Any]] = [[], [], []]
    for part in pixels.split(MASK_BATCH):
        # Not `get_image_embeddings`, which turns gradients off.
        levels = model.sam.get_image_features(part, return_dict=True).fpn_hidden_states
        sizes = model.sam.backbone_feature_sizes
        for out, level, size in zip(parts, levels, sizes, strict=True):
            # (h * w, B, C) -> (B, C, h, w)
            out.append(level.permute(1, 2, 0).reshape(len(part), -1, *size))
    maps = [torch.cat(level) for level in parts]
    # No earlier frames are remembered: SAM-2 marks that on the coarsest level.
    maps[2] = maps[2] + model.sam.no_memory_embedding.reshape(1, -1, 1, 1)
    counts = [len(windows) for windows in cuts]
    split = [level.split(counts) for level in maps]
    return [(joined(fine), joined(middle), joined(coarse)) for fine, middle, coarse in zip(*split, strict=True)]


def joined(windows: Any) -> Any:
    """(n * n, C, h, w) of windows in reading order -> (C, n * h, n * w)."""
    if len(windows) == 1:
        return windows[0]
    n = isqrt(len(windows))
    _, width, high, wide = windows.shape
    # (n, n, C, h, w) -> (C, n, h, n, w)
    return windows.reshape(n, n, width, high, wide).permute(2, 0, 3, 1, 4).reshape(width, n * high, n * wide)


def parted(whole: Any, n: int) -> Any:
    """(C, n * h, n * w) -> (n * n, C, h, w): what `joined` put together."""
    width, high, wide = whole.shape
    # (C, n, h, n, w) -> (n, n, C, h, w)
    pieces = whole.reshape(width, n, high // n, n, wide // n).permute(1, 3, 0, 2, 4)
    return pieces.reshape(n * n, width, high // n, wide // n)
