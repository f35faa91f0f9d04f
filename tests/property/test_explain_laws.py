"""Laws of explained scenes: tiles lose nothing and add nothing, outlines hold the area of their mask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry import shape

from terra_cot.geo.grid import Grid
from terrascope_bench.explain.tiles import Layout, merged
from terrascope_bench.explain.vectors import features
from terrascope_bench.terrascope.select import _overlap, covered

GEOD = Geod(ellps="WGS84")


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 260), st.integers(1, 260), st.integers(16, 90), st.integers(0, 2**31))
def test_any_scene_in_any_tiles_is_the_scene(height: int, width: int, side: int, seed: int) -> None:
    field = np.random.default_rng(seed).choice([-1.0, 1.0], (height, width)).astype(np.float32)
    layout, seen = Layout((height, width), side), np.zeros((height, width), int)

    def look(places: Sequence[tuple[int, int]]) -> Iterator[NDArray[np.float32]]:
        for row, column in places:
            part = field[row : row + layout.shape[0], column : column + layout.shape[1]]
            seen[row : row + layout.shape[0], column : column + layout.shape[1]] += 1
            rest = [(0, whole - own) for whole, own in zip(layout.shape, part.shape, strict=True)]
            yield np.pad(part, rest, constant_values=99)

    assert (merged(layout, look) == (field > 0)).all()
    assert seen.min() >= 1
    assert (seen.max() <= 9) or side < 20


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 0.95), st.sampled_from([10.0, 0.5, 30.0]))
def test_outlines_hold_the_area_of_the_mask(seed: int, share: float, gsd_m: float) -> None:
    """In pixels exactly, along the ellipsoid to 0.5 %; every polygon is valid, however ragged."""
    mask = np.random.default_rng(seed).random((24, 31)) < share
    grid = Grid("EPSG:32633", Affine(gsd_m, 0, 420000, 0, -gsd_m, 5400000), 24, 31, gsd_m)
    found = features(mask, grid, {})
    assert sum(entry["properties"]["pixels"] for entry in found) == mask.sum()
    shapes = [shape(entry["geometry"]) for entry in found]
    assert all(polygon.is_valid and polygon.exterior.is_ccw for polygon in shapes)
    total = sum(abs(GEOD.geometry_area_perimeter(polygon)[0]) for polygon in shapes)
    assert abs(total - mask.sum() * gsd_m**2) <= 5e-3 * mask.sum() * gsd_m**2


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31), st.integers(1000, 3100), st.integers(3, 40))
def test_the_share_of_a_cell_does_not_depend_on_the_rows_read_at_once(seed: int, rows: int, cells: int) -> None:
    mask = np.random.default_rng(seed).random((rows, 37)) < 0.5
    at_once = _overlap(rows, cells) @ mask.astype(float) @ _overlap(37, 5).T
    assert np.abs(covered(mask, (cells, 5)) - at_once).max() < 2e-9
