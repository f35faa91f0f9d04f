"""Every fact equals scipy's, bit for bit, on maps of every texture; the recipe is the paper's, class by class."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from kernels import kernel  # noqa: F401
from numpy.typing import NDArray
from scipy import ndimage

from terra_cot import facts
from terra_cot.facts import distance

Index = NDArray[np.uint8]
SQUARE = np.ones((3, 3), bool)
EDGE_SHAPES = [(1, 1), (2, 2), (1, 9), (9, 1), (3, 3), (2, 7), (4, 4), (1, 64), (64, 1), (5, 70)]


def salt(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    return rng.integers(0, k + 1, shape).astype(np.uint8)


def pepper(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    """A blob map with isolated pixels, which only the opening removes."""
    index = blobs(rng, shape, k)
    hit = rng.random(shape) < 0.03
    index[hit] = salt(rng, shape, k)[hit]
    return index


def blobs(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    """Many classes touch: each pixel takes the class whose smoothed noise is highest."""
    fields = [ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(1.5, 5)) for _ in range(k)]
    scaled = [f / (f.std() or 1.0) + rng.normal(0, 0.6) for f in fields]
    return (np.argmax(scaled, axis=0) + 1).astype(np.uint8)


def levels(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    """Contour levels of one field, void among them: few classes touch, most pairs have a distance."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), rng.uniform(2, 9))
    return np.digitize(field, np.quantile(field, np.linspace(0, 1, k + 2)[1:-1])).astype(np.uint8)


def stripes(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    along = rows * rng.integers(0, 3) + columns * rng.integers(0, 3)
    return ((along // rng.integers(1, 9)) % (k + 1)).astype(np.uint8)


def rectangles(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    """Few rectangles on void, far apart: the distances are long."""
    index = np.zeros(shape, np.uint8)
    for _ in range(int(rng.integers(1, 8))):
        top, left = (int(rng.integers(0, n)) for n in shape)
        height, width = (int(rng.integers(1, max(2, n // 5))) for n in shape)
        index[top : top + height, left : left + width] = rng.integers(1, k + 1)
    return index


def fields(rng: np.random.Generator, shape: tuple[int, int], k: int) -> Index:
    """Real-looking: parcels of one class, roads, water that winds, a void corner, some classes missing."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    size = int(rng.integers(4, 15))
    parcels = rng.integers(1, k + 1, (shape[0] // size + 1, shape[1] // size + 1))
    index = parcels[rows // size, columns // size].astype(np.uint8)
    index[np.abs(rows - shape[0] / 2 - 6 * np.sin(columns / 7)) < rng.uniform(0.5, 4)] = 1
    index[(rows + 2 * columns) % int(rng.integers(15, 40)) == 0] = k
    index[rows + columns < rng.integers(0, 20)] = 0
    return index


TEXTURES: list[Callable[[np.random.Generator, tuple[int, int], int], Index]] = [
    salt,
    pepper,
    blobs,
    levels,
    stripes,
    rectangles,
    fields,
]


def check(index: Index, k: int) -> None:
    """Compare every field of `measure`, and the map of `open_classes`, with scipy."""
    got = facts.measure(index, k)
    masks = {c: index == c for c in range(1, k + 1) if (index == c).any()}
    openings = {c: ndimage.binary_opening(mask, SQUARE) for c, mask in masks.items()}
    n = k + 1
    count, opened_px, components = (np.zeros(n, np.int64) for _ in range(3))
    centroid, adjacent, apart = np.full((n, 2), np.nan), np.zeros((n, n), bool), np.full((n, n), np.nan)
    opened_map = np.zeros_like(index)
    for c, mask in masks.items():
        rows, columns = np.nonzero(mask)
        count[c], opened_px[c] = rows.size, openings[c].sum()
        components[c] = ndimage.label(mask, SQUARE)[1]
        for axis, places in enumerate((rows, columns)):
            centroid[c, axis] = Fraction(2 * int(places.sum()) + rows.size, 2 * rows.size * index.shape[axis])
        opened_map[openings[c]] = c
        grown = ndimage.binary_dilation(mask, SQUARE)
        adjacent[c, [j for j, other in masks.items() if (grown & other).any()]] = True
    left = [c for c in masks if opened_px[c]]
    for i, j in combinations(left, 2):
        apart[i, j] = apart[j, i] = ndimage.distance_transform_edt(~openings[i])[openings[j]].min()
    assert got.shape == index.shape
    assert got.valid_px == np.count_nonzero(index)
    np.testing.assert_array_equal(got.pixels, count)
    np.testing.assert_array_equal(got.centroid, centroid)
    np.testing.assert_array_equal(got.components, components)
    np.testing.assert_array_equal(got.adjacent, adjacent)
    np.testing.assert_array_equal(got.opened_px, opened_px)
    np.testing.assert_array_equal(got.distance_px, apart)
    np.testing.assert_array_equal(facts.open_classes(index, k), opened_map)


@pytest.mark.parametrize("texture", TEXTURES)
@pytest.mark.parametrize("seed", range(35))
def test_measure_equals_scipy(texture: Callable[..., Index], seed: int) -> None:
    rng = np.random.default_rng([seed, TEXTURES.index(texture)])
    shape = (int(rng.integers(3, 90)), int(rng.integers(3, 90)))
    k = int(rng.choice([1, 2, 4, 7, 8, 9]))
    check(texture(rng, shape, k), k)


@pytest.mark.parametrize("shape", EDGE_SHAPES)
@pytest.mark.parametrize("seed", range(6))
def test_small_and_thin_maps_equal_scipy(shape: tuple[int, int], seed: int) -> None:
    rng = np.random.default_rng([seed, *shape])
    for k in (1, 2, 3, 44):
        check(salt(rng, shape, k), k)
        check(np.full(shape, k, np.uint8), k)


@pytest.mark.parametrize("k", [16, 17, 32, 33, 44, 64])
def test_many_classes_equal_scipy(k: int) -> None:
    """One map on each side of every width of the bit sets."""
    rng = np.random.default_rng(k)
    coarse = rng.integers(0, k + 1, (14, 14))
    check(np.kron(coarse, np.ones((5, 5))).astype(np.uint8), k)
    check(levels(rng, (80, 80), k), k)


@pytest.mark.parametrize("texture", [blobs, levels, fields])
def test_full_tile_equals_scipy(texture: Callable[..., Index]) -> None:
    check(texture(np.random.default_rng(5), (256, 256), 7), 7)


def test_big_sparse_map_equals_scipy() -> None:
    """Distances of hundreds of pixels, in every direction."""
    check(rectangles(np.random.default_rng(8), (1024, 1024), 5), 5)


@pytest.mark.parametrize("texture", [levels, rectangles, fields])
@pytest.mark.parametrize("seed", range(6))
def test_tree_and_table_of_pairs_agree(
    texture: Callable[..., Index], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no pair of pixels tried by hand, every distance comes from the k-d tree."""
    monkeypatch.setattr(distance, "_PAIRS_BY_HAND", 0)
    check(texture(np.random.default_rng(seed), (70, 60), 5), 5)


def test_long_parallel_borders_reach_the_tree() -> None:
    index = np.zeros((900, 60), np.uint8)
    index[:, :3], index[:, 40:43] = 1, 2
    check(index, 2)


@pytest.mark.parametrize("seed", range(40))
def test_masks_that_overlap_equal_scipy(seed: int) -> None:
    """Single masks need not be classes of one map: they may overlap, touch or be empty."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 50)), int(rng.integers(1, 50)))
    a, b = (ndimage.binary_dilation(rng.random(shape) < rng.choice([0, 0.002, 0.05, 0.5])) for _ in range(2))
    expected = ndimage.distance_transform_edt(~a)[b].min() if a.any() and b.any() else None
    assert facts.distance_px(a, b) == expected
    assert facts.adjacent(a, b) == bool((ndimage.binary_dilation(a, SQUARE) & b).any())
    assert facts.components(a) == ndimage.label(a, SQUARE)[1]
    assert facts.pixels(a) == a.sum()
    np.testing.assert_array_equal(facts.opened(a), ndimage.binary_opening(a, SQUARE))
