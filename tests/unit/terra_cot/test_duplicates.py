"""Copies are found by what they show, whatever their number, and other places are not called copies."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from terra_cot.balance.duplicates import near_duplicates, perceptual_hash


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    fields = cv2.GaussianBlur(rng.standard_normal((256, 256, 3)).astype(np.float32), (0, 0), 8)
    return np.clip(127 + 60 * fields / fields.std(), 0, 255).astype(np.uint8)


def packed(names: list[str]) -> np.ndarray:
    return np.array([list(bytes.fromhex(name)) for name in names], np.uint8)


def test_a_brighter_noisier_smaller_copy_is_found_and_another_place_is_not() -> None:
    rng = np.random.default_rng(1)
    one = picture(0)
    copies = [
        np.clip(one.astype(np.int16) + 12, 0, 255).astype(np.uint8),
        np.clip(one + rng.normal(0, 4, one.shape), 0, 255).astype(np.uint8),
        cv2.resize(one, (224, 224), interpolation=cv2.INTER_AREA),
    ]
    hashes = [perceptual_hash(shown) for shown in (one, *copies, *(picture(seed) for seed in range(1, 40)))]
    assert all(name is not None and len(name) == 64 for name in hashes)
    original = near_duplicates(packed([name for name in hashes if name]), 10)
    assert original[:4].tolist() == [-1, 0, 0, 0]
    assert (original[4:] == -1).all()


def test_a_picture_without_contrast_has_no_hash() -> None:
    assert perceptual_hash(np.full((64, 64, 3), 40, np.uint8)) is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 24))
def test_pairs_are_those_of_comparing_all_with_all(seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 256, (6, 32), np.uint8)
    rows = base[rng.integers(0, 6, 60)]
    flips = np.packbits(rng.random((60, 256)) < rng.choice([0, 0.02, 0.05], 60)[:, None], axis=1)
    rows = rows ^ flips
    expected = np.full(len(rows), -1)
    for late in range(len(rows)):
        for early in range(late):
            if expected[early] < 0 and np.unpackbits(rows[late] ^ rows[early]).sum() <= bits:
                expected[late] = early
                break
    assert near_duplicates(rows, bits).tolist() == expected.tolist()


def test_a_thousand_equal_rows_are_one() -> None:
    rows = np.repeat(np.arange(32, dtype=np.uint8)[None], 1500, axis=0)
    assert near_duplicates(rows, 10).tolist() == [-1, *[0] * 1499]
    assert near_duplicates(np.empty((0, 32), np.uint8), 10).tolist() == []
