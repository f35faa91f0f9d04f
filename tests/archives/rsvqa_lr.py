"""RSVQA-LR of the synthetic world: RGB TIFF by number, and the three JSON files that tell which split each is in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from terra_cot.world import WorldConfig, make_scene

SPLITS = ("train", "val", "test")


def rsvqa_lr(root: Path) -> Path:
    """Images 0, 1 and 10, one of each split; as published every JSON names all of them, active or not."""
    (root / "Images_LR").mkdir(parents=True)
    scene = make_scene(WorldConfig(size_px=256, cloud_cover=0), 0, shifted=False)
    blue, green, red, _ = scene.optical_10m[0].astype(np.float32)
    optical = (np.clip(np.stack([red, green, blue], axis=-1) / 3000, 0, 1) * 255).astype(np.uint8)
    for turns, number in enumerate((0, 1, 10)):
        Image.fromarray(np.ascontiguousarray(np.rot90(optical, turns))).save(root / "Images_LR" / f"{number}.tif")
    for place, split in enumerate(SPLITS):
        images = [{"id": number, "active": place == turns} for turns, number in enumerate((0, 1, 10))]
        (root / f"LR_split_{split}_images.json").write_text(json.dumps({"images": images}))
    return root
