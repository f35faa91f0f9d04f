"""Cells are dealt out whole, shares come out as stated, and tiles of two splits never lie nearer than the gap."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pyproj import Geod

from terra_cot.balance.splits import SplitOptions, cell_of, cells_around, deal, split_of

GEOD = Geod(ellps="sphere")
PLACES = st.tuples(st.floats(-180, 179.999), st.floats(-84, 84))


@given(PLACES, st.sampled_from([5.0, 20.0, 100.0]))
def test_a_cell_is_about_as_wide_and_high_as_asked(place: tuple[float, float], side: float) -> None:
    lon, lat = place
    cell = cell_of(lon, lat, side)
    step = side / 20
    spans = []
    for azimuth in (90, 0):
        reach = 0.0
        for way in (azimuth, azimuth + 180):
            for number in range(1, 41):
                there = GEOD.fwd(lon, lat, way, 1000 * step * number)[:2]
                if abs(there[1]) >= 90 or cell_of(*there, side) != cell:
                    break
                reach += step
        spans.append(reach)
    assert spans[1] == pytest.approx(side, rel=0.15)
    assert spans[0] == pytest.approx(side, rel=0.25 if abs(lat) < 80 else 0.6)


def test_the_antimeridian_and_the_poles_are_places_like_others() -> None:
    assert cell_of(180, 10, 20) == cell_of(-180, 10, 20)
    assert len(cells_around(180, 10.1, 2, 20)) >= 2
    assert cell_of(0, 90, 20) != cell_of(0, -90, 20)
    assert cells_around(0, 90, 5, 20)


@given(PLACES, st.floats(0.1, 9.9))
def test_whatever_lies_within_reach_is_in_a_cell_around(place: tuple[float, float], reach: float) -> None:
    lon, lat = place
    around = cells_around(lon, lat, reach, 20.0)
    for azimuth in range(0, 360, 15):
        there = GEOD.fwd(lon, lat, azimuth, 999 * reach)[:2]
        assert cell_of(*there, 20.0) in around


def test_shares_are_met_by_whole_cells() -> None:
    rng = np.random.default_rng(0)
    tiles = {f"{row}.{column}": int(rng.integers(1, 60)) for row in range(20) for column in range(20)}
    options = SplitOptions()
    dealt = deal(tiles, options, 0)
    counts: Counter[str] = Counter()
    for cell, number in tiles.items():
        counts[dealt[cell]] += number
    total = sum(tiles.values())
    for split, share in options.shares.items():
        assert counts[split] / total == pytest.approx(share, abs=0.01)
    assert deal(dict(reversed(tiles.items())), options, 0) == dealt
    assert deal(tiles, options, 1) != dealt


@settings(max_examples=25)
@given(st.integers(0, 1000), st.floats(-80, 80), st.sampled_from([0.0, 0.5, 3.0]))
def test_no_two_tiles_of_different_splits_are_nearer_than_the_gap(seed: int, lat: float, gap: float) -> None:
    half = 0.64
    rng = np.random.default_rng(seed)
    options = SplitOptions(shares={"train": 0.5, "test": 0.5}, cell_km=10, gap_km=gap)
    width = 0.5 / max(math.cos(math.radians(lat)), 0.05)
    places = [(10 + float(x) * width, lat + float(y) * 0.5) for x, y in rng.random((300, 2))]
    counts = Counter(cell_of(*place, options.cell_km) for place in places)
    dealt = deal(counts, options, seed)
    kept = [(place, split_of(*place, half, dealt, options)) for place in places]
    train = np.array([place for place, split in kept if split == "train"])
    test = np.array([place for place, split in kept if split == "test"])
    if len(train) and len(test):
        lon1, lon2 = np.meshgrid(train[:, 0], test[:, 0])
        lat1, lat2 = np.meshgrid(train[:, 1], test[:, 1])
        apart = GEOD.inv(lon1.ravel(), lat1.ravel(), lon2.ravel(), lat2.ravel())[2] / 1000
        assert apart.min() >= 2 * half + gap - 0.05


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shares": {"train": 0.5}}, "add up to 1"),
        ({"shares": {"training": 1.0}}, 'no split "training"; did you mean "train"'),
        ({"cell_km": 5, "gap_km": 5}, "leaves nothing"),
    ],
)
def test_options_that_make_no_split_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SplitOptions.model_validate(values)
