"""DeepGlobe roads of the synthetic world: a neighbourhood as JPEG, its streets as an RGB mask with soft edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terra_cot.world import WorldConfig, make_pair
from terra_cot.world.config import generator
from terra_cot.world.disaster.layout import make_layout
from terra_cot.world.disaster.paint import stroke

SIDE = 256
PLACES = (("train", "104"), ("train", "7391"), ("valid", "20"), ("test", "31"))


def road_mask(index: int) -> NDArray[np.uint8]:
    """HW uint8, the streets of pair `index` in white, with the soft edge that a publisher's scaling leaves."""
    layout = make_layout(generator(WorldConfig().seed, "pair", index, "layout"), SIDE)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for line, width in layout.streets:
        stroke(mask, line, width)
    return mask


def deepglobe_road(root: Path) -> Path:
    """Two images with masks in train, one without in valid and in test."""
    config = WorldConfig(pair_size_px=SIDE)
    for index, (folder, name) in enumerate(PLACES):
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(make_pair(config, index).pre).save(root / folder / f"{name}_sat.jpg", quality=92)
        if folder == "train":
            Image.fromarray(road_mask(index)).convert("RGB").save(root / folder / f"{name}_mask.png")
    return root
