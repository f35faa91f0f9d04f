"""Facts worked out by hand: what each field means, its empty cases, and what a caller may not hand over."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from math import inf, nan, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from terra_cot import facts

HAND = np.array(
    [
        [1, 1, 1, 0, 0, 2, 2, 2],
        [1, 1, 1, 0, 0, 2, 2, 2],
        [1, 1, 1, 0, 0, 2, 2, 2],
        [0, 0, 0, 2, 0, 0, 0, 3],
        [3, 0, 0, 0, 0, 0, 0, 0],
    ],
    np.uint8,
)


def test_a_map_worked_out_by_hand() -> None:
    got = facts.measure(HAND, 4)
    assert got.shape == (5, 8)
    assert got.valid_px == 21
    assert got.pixels.tolist() == [0, 9, 10, 2, 0]
    assert got.components.tolist() == [0, 1, 2, 2, 0]
    assert got.opened_px.tolist() == [0, 9, 9, 0, 0]
    # The lone pixel of class 2 touches class 1 at a corner: adjacent as seen, three pixels apart once opened.
    expected = np.zeros((5, 5), bool)
    for i, j in [(1, 1), (2, 2), (3, 3), (1, 2), (2, 3)]:
        expected[i, j] = expected[j, i] = True
    np.testing.assert_array_equal(got.adjacent, expected)
    assert got.distance_px[1, 2] == got.distance_px[2, 1] == 3.0
    assert np.isnan(got.distance_px).sum() == 23
    assert got.centroid[1].tolist() == [1.5 / 5, 1.5 / 8]
    assert got.centroid[3].tolist() == [4 / 5, 4 / 8]
    assert np.isnan(got.centroid[[0, 4]]).all()


@pytest.mark.parametrize("row", range(7))
@pytest.mark.parametrize("column", range(11))
def test_one_pixel_says_where_it_is(row: int, column: int) -> None:
    """Height and width differ, so no swap of the axes can hide."""
    index = np.zeros((7, 11), np.uint8)
    index[row, column] = 1
    assert facts.measure(index, 1).centroid[1].tolist() == [(row + 0.5) / 7, (column + 0.5) / 11]
    assert facts.centroid(index == 1) == ((row + 0.5) / 7, (column + 0.5) / 11)


@pytest.mark.parametrize(
    ("offset", "adjacent"), [((0, 1), True), ((1, 0), True), ((1, 1), True), ((1, -1), True), ((0, 2), False)]
)
def test_adjacency_reaches_eight_neighbours(offset: tuple[int, int], adjacent: bool) -> None:
    index = np.zeros((5, 5), np.uint8)
    index[2, 2], index[2 + offset[0], 2 + offset[1]] = 1, 2
    assert bool(facts.measure(index, 2).adjacent[1, 2]) is adjacent
    assert facts.adjacent(index == 1, index == 2) is adjacent


def test_nothing_wraps_around_the_border() -> None:
    """The last pixel of a row is next to the first of the following one in memory, never on the ground."""
    index = np.zeros((6, 9), np.uint8)
    index[:, 0], index[:, -1] = 1, 2
    got = facts.measure(index, 2)
    assert not got.adjacent[1, 2]
    assert facts.distance_px(index == 1, index == 2) == 8.0
    index = np.zeros((6, 9), np.uint8)
    index[0], index[-1] = 1, 1
    assert facts.measure(index, 2).components[1] == 2


def test_opening_drops_what_is_thinner_than_three_pixels() -> None:
    index = np.ones((9, 9), np.uint8)
    index[4] = 2  # one row: no 3x3 window fits
    index[0, 8] = 3
    opened = facts.open_classes(index, 3)
    expected = np.where(index == 1, 1, 0)
    np.testing.assert_array_equal(opened, expected)
    assert facts.measure(index, 3).opened_px.tolist() == [0, 71, 0, 0]


def test_opening_takes_outside_as_not_the_class() -> None:
    index = np.ones((4, 2), np.uint8)
    assert not facts.open_classes(index, 1).any()
    assert facts.measure(index, 1).opened_px[1] == 0
    assert (facts.open_classes(np.ones((3, 3), np.uint8), 1) == 1).all()


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (3, 0, 1.0),
        (3, 3, sqrt(2)),
        (3, 4, sqrt(5)),
        (5, 0, 3.0),
        (5, 5, sqrt(18)),
        (4, 8, sqrt(40)),
        (90, 40, sqrt(88**2 + 38**2)),
    ],
)
def test_distance_between_squares(down: int, right: int, expected: float) -> None:
    """3x3 squares survive the opening whole; the second's corner is `down` and `right` of the first's."""
    index = np.zeros((120, 60), np.uint8)
    index[:3, :3] = 1
    index[down : down + 3, right : right + 3] = 2
    assert facts.measure(index, 2).distance_px[1, 2] == expected
    assert facts.distance_px(index == 1, index == 2) == expected


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (1, 7), (7, 1), (2, 2), (30, 40)])
def test_all_void_has_facts_too(shape: tuple[int, int]) -> None:
    got = facts.measure(np.zeros(shape, np.uint8), 3)
    assert got.shape == shape
    assert got.valid_px == 0
    for name in ("pixels", "components", "opened_px", "adjacent"):
        assert not getattr(got, name).any()
    assert np.isnan(got.centroid).all()
    assert np.isnan(got.distance_px).all()
    assert facts.open_classes(np.zeros(shape, np.uint8), 3).shape == shape


@pytest.mark.parametrize("shape", [(0, 0), (3, 4)])
def test_empty_masks_have_no_place_and_no_distance(shape: tuple[int, int]) -> None:
    empty = np.zeros(shape, bool)
    full = np.ones(shape, bool)
    assert facts.pixels(empty) == facts.components(empty) == 0
    assert facts.centroid(empty) is None
    assert facts.distance_px(empty, full) is None
    assert facts.distance_px(full, empty) is None
    assert facts.adjacent(empty, full) is False
    assert not facts.opened(empty).any()


def test_masks_that_overlap_are_adjacent_and_zero_apart() -> None:
    a, b = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    a[:4], b[3:] = True, True
    assert facts.adjacent(a, b) is True
    assert facts.distance_px(a, b) == 0.0


def test_every_field_is_read_only_and_frozen() -> None:
    got = facts.measure(HAND, 3)
    arrays = [f.name for f in fields(got) if isinstance(getattr(got, f.name), np.ndarray)]
    assert len(arrays) == 6
    for name in arrays:
        with pytest.raises(ValueError, match="read-only"):
            getattr(got, name)[...] = 0
    with pytest.raises(FrozenInstanceError):
        got.valid_px = 1  # type: ignore[misc]


def test_dtypes_and_shapes() -> None:
    got = facts.measure(HAND, 5)
    assert {(f.name, getattr(got, f.name).dtype.name, getattr(got, f.name).shape) for f in fields(got)[2:]} == {
        ("pixels", "int64", (6,)),
        ("centroid", "float64", (6, 2)),
        ("components", "int64", (6,)),
        ("adjacent", "bool", (6, 6)),
        ("distance_px", "float64", (6, 6)),
        ("opened_px", "int64", (6,)),
    }


def test_the_map_is_left_as_it_was() -> None:
    """A read-only, strided map is as good as any, and nothing writes to it."""
    wide = np.repeat(HAND, 2, axis=1)
    wide.setflags(write=False)
    before = wide.copy()
    np.testing.assert_array_equal(facts.measure(wide[:, ::2], 3).pixels, facts.measure(HAND, 3).pixels)
    opened = facts.open_classes(wide, 3)
    assert opened.flags.writeable
    np.testing.assert_array_equal(wide, before)
    mask = HAND == 1
    mask.setflags(write=False)
    assert facts.pixels(facts.opened(mask)) == 9


@pytest.mark.parametrize(
    ("index", "k", "error", "says"),
    [
        (HAND.astype(np.int64), 3, TypeError, "uint8 array, got int64"),
        (HAND > 0, 3, TypeError, "got bool"),
        (HAND.tolist(), 3, TypeError, "got list"),
        (HAND[None], 3, ValueError, "HW, got shape"),
        (HAND[0], 3, ValueError, "HW, got shape"),
        (HAND, 2, ValueError, "holds 3, above n_classes = 2"),
        (HAND, 0, ValueError, "1..64, got 0"),
        (HAND, 65, ValueError, "1..64, got 65"),
    ],
)
def test_a_wrong_map_is_refused(index: NDArray[np.uint8], k: int, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        facts.measure(index, k)
    with pytest.raises(error, match=says):
        facts.open_classes(index, k)


def test_wrong_masks_are_refused() -> None:
    mask = np.ones((3, 3), bool)
    with pytest.raises(TypeError, match="bool array, got uint8"):
        facts.pixels(mask.astype(np.uint8))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="HW, got shape"):
        facts.components(mask[0])
    with pytest.raises(ValueError, match=r"one shape, got \(3, 3\) and \(3, 2\)"):
        facts.adjacent(mask, mask[:, :2])
    with pytest.raises(ValueError, match="one shape"):
        facts.distance_px(mask, mask[:2])


def test_share_area_and_distance() -> None:
    assert facts.share_pct(1, 3) == 100 / 3
    assert facts.share_pct(0, 3) == 0.0
    assert facts.share_pct(0, 0) is None
    assert facts.area_m2(28412, 10.0) == 2841200.0
    assert facts.area_m2(0, 10.0) == 0.0
    assert facts.distance_m(5.0, 10.0) == 50.0
    assert np.isnan(facts.distance_m(nan, 10.0))


def test_numpy_integers_do_not_overflow() -> None:
    assert facts.area_m2(np.int16(30000), 10) == 3e6  # type: ignore[arg-type]
    assert facts.share_pct(np.uint8(200), np.uint8(250)) == 80.0  # type: ignore[arg-type]


@pytest.mark.parametrize("gsd_m", [0.0, -10.0, nan, inf])
def test_a_pixel_size_that_cannot_be_is_refused(gsd_m: float) -> None:
    with pytest.raises(ValueError, match="gsd_m"):
        facts.area_m2(1, gsd_m)
    with pytest.raises(ValueError, match="gsd_m"):
        facts.distance_m(1.0, gsd_m)


@pytest.mark.parametrize(
    ("place", "cell"),
    [
        ((0.0, 0.0), (0, 0)),
        ((1.0, 1.0), (2, 2)),
        ((0.1, 0.9), (0, 2)),
        ((0.5, 0.1), (1, 0)),
        ((1 / 3, 2 / 3), (1, 2)),
        ((0.333, 0.666), (0, 1)),
    ],
)
def test_location_in_thirds(place: tuple[float, float], cell: tuple[int, int]) -> None:
    assert facts.location(*place) == cell


@pytest.mark.parametrize("place", [(nan, 0.5), (0.5, nan), (-0.01, 0.5), (0.5, 1.01)])
def test_no_location_without_a_place(place: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        facts.location(*place)


def test_importing_facts_is_cheap() -> None:
    """The kernel's law: no scipy until a tree is needed, and never rasterio, torch, cv2, typer or numba."""
    code = "import sys, terra_cot.facts; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "cc3d" in loaded
    assert not loaded & {"scipy", "rasterio", "torch", "cv2", "typer", "numba", "pyarrow", "pandas"}
