"""Disaster pairs: the label is xBD's, and the picture shows what the label says."""

import json
import uuid

import numpy as np
import pytest
import shapely

from terra_cot.errors import ConfigError
from terra_cot.world import WorldConfig, WorldPair, make_pair
from terra_cot.world.disaster.damage import TYPES

CONFIG = WorldConfig(pair_size_px=512)
SUBTYPES = {"no-damage", "minor-damage", "major-damage", "destroyed", "un-classified"}


@pytest.fixture(scope="module")
def pairs() -> list[WorldPair]:
    return [make_pair(CONFIG, index) for index in range(4)]


def test_pictures(pairs: list[WorldPair]) -> None:
    for pair in pairs:
        assert pair.pre.shape == pair.post.shape == (512, 512, 3)
        assert pair.pre.dtype == pair.post.dtype == np.uint8
        assert not np.array_equal(pair.pre, pair.post)


def test_types_take_turns(pairs: list[WorldPair]) -> None:
    assert tuple(pair.disaster_type for pair in pairs) == TYPES


def test_a_third_is_for_test(pairs: list[WorldPair]) -> None:
    assert [pair.split for pair in pairs] == ["train", "train", "test", "train"]


def test_labels_have_the_layout_of_xbd(pairs: list[WorldPair]) -> None:
    for pair in pairs:
        for label, post in ((pair.pre_label, False), (pair.post_label, True)):
            label = json.loads(json.dumps(label))
            assert set(label) == {"features", "metadata"}
            assert set(label["features"]) == {"lng_lat", "xy"}
            meta = label["metadata"]
            assert meta["gsd"] == 0.5
            assert meta["width"] == meta["height"] == meta["original_width"] == 512
            assert meta["disaster_type"] == pair.disaster_type
            assert meta["img_name"] == f"{pair.name}_{'post' if post else 'pre'}_disaster.png"
            for pixel, degree in zip(label["features"]["xy"], label["features"]["lng_lat"], strict=True):
                assert pixel["properties"] == degree["properties"]
                assert pixel["properties"]["feature_type"] == "building"
                assert ("subtype" in pixel["properties"]) == post
                assert pixel["properties"].get("subtype", "no-damage") in SUBTYPES
                assert uuid.UUID(pixel["properties"]["uid"]).version == 4
                east, north = shapely.from_wkt(degree["wkt"]).centroid.coords[0]
                assert -180 <= east <= 180
                assert -90 <= north <= 90


def test_before_and_after_share_buildings(pairs: list[WorldPair]) -> None:
    for pair in pairs:
        before, after = (
            [(f["properties"]["uid"], f["wkt"]) for f in label["features"]["xy"]]
            for label in (pair.pre_label, pair.post_label)
        )
        assert before == after
        assert len({uid for uid, _ in before}) == len(before)


@pytest.mark.parametrize("index", [0, 5])
def test_buildings_stand_apart_and_inside(index: int) -> None:
    pair = make_pair(WorldConfig(), index)
    shapes = [shapely.from_wkt(f["wkt"]) for f in pair.post_label["features"]["xy"]]
    assert 15 <= len(shapes) <= 70
    for number, shape in enumerate(shapes):
        assert shape.is_valid
        assert shape.geom_type == "Polygon"
        left, top, right, bottom = shape.bounds
        assert min(left, top) > 0
        assert max(right, bottom) < 1024
        assert all(shape.distance(other) >= 2.99 for other in shapes[:number])


def test_damage_is_seen() -> None:
    """Law: within a pair, destroyed buildings look less like themselves than undamaged ones."""
    pair = make_pair(WorldConfig(), 3)
    rows, columns = np.mgrid[0:1024, 0:1024] + 0.5
    change: dict[str, list[float]] = {"destroyed": [], "no-damage": []}
    for feature in pair.post_label["features"]["xy"]:
        subtype = feature["properties"]["subtype"]
        if subtype in change:
            shape = shapely.from_wkt(feature["wkt"])
            left, top, right, bottom = (int(v) for v in shape.bounds)
            box = (slice(top, bottom + 1), slice(left, right + 1))
            inside = shapely.contains_xy(shape, columns[box], rows[box])
            before, after = (picture[box][inside].astype(float).mean(axis=1) for picture in (pair.pre, pair.post))
            change[subtype].append(1 - float(np.corrcoef(before, after)[0, 1]))
    assert np.median(change["destroyed"]) > 2 * np.median(change["no-damage"])


def test_same_index_is_same_pair(pairs: list[WorldPair]) -> None:
    again = make_pair(WorldConfig(pair_size_px=512, pairs=99), 1)
    np.testing.assert_array_equal(again.post, pairs[1].post)
    assert again.post_label == pairs[1].post_label


def test_negative_index_is_refused() -> None:
    with pytest.raises(ConfigError):
        make_pair(CONFIG, -1)
