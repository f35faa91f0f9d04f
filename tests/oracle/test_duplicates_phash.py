"""The perceptual hash is that of the library ImageHash, bit for bit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from imagehash import phash
from PIL import Image

from terra_cot.balance.duplicates import SIDE, perceptual_hash


@pytest.mark.parametrize("seed", range(40))
def test_the_bits_are_the_library_s(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (rng.integers(2, 90), rng.integers(2, 90), 3)).astype(np.uint8)
    height, width = rng.integers(64, 400, 2).tolist()
    picture = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    # The library's own way to this size is another one, and slower.
    small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (4 * SIDE, 4 * SIDE), interpolation=cv2.INTER_AREA)
    bits = phash(Image.fromarray(small), hash_size=SIDE).hash
    assert perceptual_hash(picture) == np.packbits(bits).tobytes().hex()
