"""A TerraScope small enough to train in a test: 4 x 4 visual tokens, two layers, and worlds of two colours."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the reference model needs torch: pip install torch==2.13.0")
pytest.importorskip("transformers", reason="the reference model needs the extra [model]")

from terrascope_bench.terrascope import sizes  # noqa: E402
from terrascope_bench.terrascope.config import TerraScopeConfig  # noqa: E402
from terrascope_bench.terrascope.images import Shown  # noqa: E402
from terrascope_bench.terrascope.loss import batch_loss  # noqa: E402
from terrascope_bench.terrascope.network import TerraScope, default_initialisation  # noqa: E402
from terrascope_bench.terrascope.sequence import Asked, Told  # noqa: E402
from terrascope_bench.terrascope.tokens import Words, trained  # noqa: E402

# Threads that wait for each other on a busy machine make these small sums a hundred times slower.
torch.set_num_threads(1)

SIDE = 32
QUESTION = "How much of the image is water?"
CHAINS = (
    ("Water lies here [SEG] and covers 512 pixels.", "A"),
    ("I look first, then water lies here [SEG], 256 pixels, and land here [SEG], 768 pixels.", "B"),
    ("Image: t1 [SEG] then Image: t0 [SEG] so it grew.", "B"),
)


def words() -> Words:
    texts = [QUESTION, *(chain for chain, _ in CHAINS), "Image: t0, optical sar A. 50 % B. 25 %"] * 3
    return trained(texts, 1100)


def config(vocabulary: int, image_token: int, **rules: object) -> TerraScopeConfig:
    vlm = sizes.internvl(
        vocabulary=vocabulary,
        image_token=image_token,
        hidden=32,
        layers=2,
        heads=2,
        kv_heads=2,
        feed_forward=64,
        tied=True,
        tile_px=32,
        patch_px=4,
        vision_hidden=16,
        vision_layers=1,
        vision_heads=2,
        layer_scale=1.0,
        rope_theta=10_000.0,
        std=0.05,
        positions=1024,
    )
    masks = sizes.sam2(
        image_px=64,
        embed=8,
        heads=1,
        blocks=(1, 1, 2, 1),
        windows=(4, 2, 4, 2),
        global_blocks=(3,),
        background=4,
        width=32,
        decoder_heads=2,
        decoder_mlp=32,
    )
    return TerraScopeConfig("tiny", vlm, masks, tiles_max=4, tokens_max=4, **rules)  # type: ignore[arg-type]


def make(seed: int = 0, **rules: object) -> tuple[TerraScope, Words]:
    """An untrained model and its tokenizer."""
    torch.manual_seed(seed)
    tokenizer = words()
    model = TerraScope(config(tokenizer.size, tokenizer.image, **rules))
    default_initialisation(model.sam)
    return model.eval(), tokenizer


def picture(mask: np.ndarray, frame: str = "t0", modality: str = "optical") -> Shown:
    """Blue where the mask is, green elsewhere."""
    colours = np.where(mask, np.array([30, 60, 200])[:, None, None], np.array([40, 160, 50])[:, None, None])
    return Shown(frame, modality, torch.from_numpy(colours.astype(np.uint8)))


def half(side: int = SIDE) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[:, : side // 2] = True
    return mask


def quarter(side: int = SIDE) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[: side // 2, side // 2 :] = True
    return mask


def lessons() -> list[Told]:
    """Three replies whose [SEG]s stand at different steps: one mask, two masks, two dates."""
    options = ("50 %", "25 %")
    one, two = half(), quarter()
    pair = [picture(one, "t0"), picture(two, "t1")]
    return [
        Told(Asked([picture(one)], QUESTION, options, 10.0, "one"), *CHAINS[0], [one]),
        Told(Asked([picture(two)], QUESTION, options, 10.0, "two"), *CHAINS[1], [two, ~two]),
        Told(Asked(pair, QUESTION, options, 10.0, "pair"), *CHAINS[2], [two, one]),
    ]


def taught(steps: int = 120, **rules: object) -> tuple[TerraScope, Words]:
    """A model that has learnt its three lessons by heart: at a rate that falls, so that rounding does not decide."""
    model, tokenizer = make(**rules)
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=6e-3)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = 6e-3 * (1 - step / steps)
        optimiser.zero_grad()
        batch_loss(model, tokenizer, lessons(), mask_weight=1.0).total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model.eval(), tokenizer
