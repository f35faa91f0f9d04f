"""Run by hand: `python tests/speed/facts.py`. Times the paper's recipe, `measure` and a floor on the same tiles.

Two sets of 40 tiles of 256x256 with 7 classes: patches (every class may touch every other: land cover) and contours
(levels of one field: most pairs of classes are apart, the hardest case for distances). The three are timed tile by
tile in turn, so that a busy machine is busy for all; the ratio is the median over rounds of the ratio within a round.
No time is asserted, but the results are: every field must be equal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from terra_cot import facts

Index = NDArray[np.uint8]
SIDE, CLASSES, TILES, ROUNDS = 256, 7, 40, 5
SQUARE = np.ones((3, 3), bool)


def patches(seed: int) -> Index:
    """Each pixel takes the class whose smoothed noise is highest; some classes are rarer than others."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), 8.0) for _ in range(CLASSES)]
    scaled = [field / field.std() + rng.normal(0, 0.4) for field in fields]
    return (np.argmax(scaled, axis=0) + 1).astype(np.uint8)


def contours(seed: int) -> Index:
    """Levels of one field with fine structure."""
    rng = np.random.default_rng(seed)
    coarse, fine = (ndimage.gaussian_filter(rng.standard_normal((SIDE, SIDE)), sigma) for sigma in (12.0, 4.0))
    field = coarse / coarse.std() + 0.25 * fine / fine.std()
    return (np.digitize(field, np.quantile(field, np.linspace(0, 1, CLASSES + 1)[1:-1])) + 1).astype(np.uint8)


def paper(index: Index, k: int) -> dict[str, NDArray[np.generic]]:
    """The recipe as the paper describes it: per class a count, a label and an opening; per pair the rest."""
    n = k + 1
    pixels, components, opened_px = (np.zeros(n, np.int64) for _ in range(3))
    adjacent, distance_px = np.zeros((n, n), bool), np.full((n, n), np.nan)
    masks = {c: index == c for c in range(1, n)}
    opened = {c: ndimage.binary_opening(mask, SQUARE) for c, mask in masks.items()}
    for c, mask in masks.items():
        pixels[c], components[c], opened_px[c] = mask.sum(), ndimage.label(mask, SQUARE)[1], opened[c].sum()
        adjacent[c, c] = mask.any()
    for i, j in combinations(masks, 2):
        adjacent[i, j] = adjacent[j, i] = (ndimage.binary_dilation(masks[i], SQUARE) & masks[j]).any()
        if opened_px[i] and opened_px[j]:
            distance = ndimage.distance_transform_edt(~opened[i])[opened[j]].min()
            distance_px[i, j] = distance_px[j, i] = distance
    return {
        "pixels": pixels,
        "components": components,
        "opened_px": opened_px,
        "adjacent": adjacent,
        "distance_px": distance_px,
    }


def cached(index: Index, k: int) -> NDArray[np.float64]:
    """A kinder rival: one dilation, label, opening and distance transform per class instead of per pair."""
    out = np.full((k + 1, k + 1), np.nan)
    masks = {c: index == c for c in range(1, k + 1)}
    opened = {c: ndimage.binary_opening(mask, SQUARE) for c, mask in masks.items()}
    for i, mask in masks.items():
        grown, far = ndimage.binary_dilation(mask, SQUARE), ndimage.distance_transform_edt(~opened[i])
        mask.sum(), ndimage.label(mask, SQUARE)[1], opened[i].sum()
        for j in range(i + 1, k + 1):
            (grown & masks[j]).any()
            if opened[i].any() and opened[j].any():
                out[i, j] = out[j, i] = far[opened[j]].min()
    return out


def floor(index: Index, k: int) -> NDArray[np.intp]:
    """No tool can do less than count the pixels once."""
    return np.bincount(index.ravel(), minlength=k + 1)


def timed(run: Callable[[Index, int], object], tile: Index) -> float:
    start = time.perf_counter()
    run(tile, CLASSES)
    return 1e3 * (time.perf_counter() - start)


def main() -> None:
    rivals = {"paper's recipe": paper, "cached per class": cached, "measure": facts.measure, "floor": floor}
    for texture in (patches, contours):
        tiles = [texture(seed) for seed in range(TILES)]
        results = [facts.measure(tile, CLASSES) for tile in tiles]
        for tile, got in zip(tiles, results, strict=True):
            for name, expected in paper(tile, CLASSES).items():
                np.testing.assert_array_equal(getattr(got, name), expected, err_msg=name)
        n_components = np.median([got.components.sum() for got in results])
        apart = np.median([np.nansum(got.distance_px > 2) / 2 for got in results])
        print(
            f"{texture.__name__}: {TILES} tiles, {n_components:.0f} components, {apart:.0f} of 21 pairs over 2 px apart"
        )
        ms = np.empty((ROUNDS, len(rivals), TILES))
        for r in range(ROUNDS):
            for t, tile in enumerate(tiles):
                for i, run in enumerate(rivals.values()):
                    ms[r, i, t] = timed(run, tile)
        medians = np.median(ms, axis=2)
        ours = medians[:, list(rivals).index("measure")]
        for i, name in enumerate(rivals):
            ratio = np.median(medians[:, i] / ours)
            print(f"  {name:17s} {np.median(ms[:, i]):9.3f} ms   {ratio:7.2f} x measure")
        print("  results: equal on all tiles, every field")


if __name__ == "__main__":
    main()
