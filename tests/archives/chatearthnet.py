"""ChatEarthNet of the synthetic world: Sentinel-2 as RGB PNG, Sentinel-1 as 8-bit PNG, WorldCover codes, captions."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terra_cot.world import WorldConfig, WorldScene, make_scene

NAMES = ("patch_000.png", "patch_001.png", "patch_002.png")
SPLITS = ("train", "val", "test")
NO_SAR = "patch_001.png"


def chatearthnet(root: Path) -> Path:
    """Three images, one of each split; the second has no Sentinel-1, as 4,140 of the published ones."""
    folders = {key: root / key for key in ("s2_images", "s1_images/vv", "s1_images/vh", "worldcover", "json_files")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    scene = make_scene(WorldConfig(size_px=256, cloud_cover=0), 0, shifted=False)
    blue, green, red, _ = scene.optical_10m[0].astype(np.float32)
    optical = (np.clip(np.stack([red, green, blue], axis=-1) / 3000, 0, 1) * 255).astype(np.uint8)
    sar = dict(zip(("vv", "vh"), (_grey(scene, 0, -25), _grey(scene, 1, -32)), strict=True))
    for turns, (name, split) in enumerate(zip(NAMES, SPLITS, strict=True)):  # one landscape, turned: drawing it is slow
        _save(np.rot90(optical, turns), folders["s2_images"] / name)
        _save(np.rot90(scene.labels[0], turns), folders["worldcover"] / name)
        for band in ("vv", "vh") if name != NO_SAR else ():
            _save(np.rot90(sar[band], turns), folders[f"s1_images/{band}"] / name)
        record = {"image_id" if split == "test" else "image": name, "caption": "A place."}
        (folders["json_files"] / f"ChatEarthNet_caps_35_{split}.json").write_text(json.dumps([record]))
    return root


def _grey(scene: WorldScene, band: int, low_db: float) -> NDArray[np.uint8]:
    """One polarisation on the optical grid, 25 dB from `low_db` as 0 to 255."""
    row, column = scene.sar_offset_px
    move = np.array([[1, 0, column], [0, 1, row]], np.float32)
    placed = cv2.warpAffine(scene.sar[0, band], move, (256, 256), flags=cv2.INTER_LINEAR)
    return (np.clip((placed - low_db) / 25, 0, 1) * 255).astype(np.uint8)


def _save(pixels: NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
