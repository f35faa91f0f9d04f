"""In the synthetic world, whose shifts are exact, tiles are aligned across dates and sensors; a sample of the study."""

from __future__ import annotations

import numpy as np
import pytest
from alignmentfactory import Pair, clouded, opaque, summarise, world, world_cross, world_dates, world_sar

from terra_cot.coregister.series import find_shifts
from terra_cot.world.scene import WorldScene

WHOLE = (0, 0, 256)
SMALL = (70, 60, 108)


@pytest.fixture(scope="module")
def scenes() -> list[WorldScene]:
    return list(world(range(300, 304), cloud_cover=0.0))


@pytest.mark.parametrize(("window", "share", "worst"), [(SMALL, 0.8, 1.0), (WHOLE, 0.95, 0.75)])
def test_sar_is_laid_on_optical(
    scenes: list[WorldScene], window: tuple[int, int, int], share: float, worst: float
) -> None:
    rng = np.random.default_rng(1)
    found = summarise(world_cross(scene, window, rng) for scene in scenes)
    assert found.share >= share
    assert found.error(0.5) <= 0.35
    assert found.error(1.0) <= worst


@pytest.mark.parametrize(("cloud", "share", "worst"), [(0.0, 1.0, 0.25), (0.4, 0.95, 0.4), (0.6, 0.75, 0.5)])
def test_seasons_and_masked_cloud_do_not_hide_a_shift(
    scenes: list[WorldScene], cloud: float, share: float, worst: float
) -> None:
    rng = np.random.default_rng(2)
    pairs = [pair for scene in scenes for pair in world_dates(scene, WHOLE, "optical")]
    clear = [pair for pair in pairs if (pair.reference.clear() & pair.moving.clear()).mean() > 0.9]
    assert len(clear) >= 6
    if cloud:
        clear = [Pair("", pair.reference, clouded(pair.moving.pixels, cloud, rng), pair.true) for pair in clear]
    found = summarise(iter(clear))
    assert found.share >= share
    assert found.error(1.0) <= worst


def test_sar_dates_find_each_other_through_speckle(scenes: list[WorldScene]) -> None:
    found = summarise(pair for scene in scenes for pair in world_dates(scene, SMALL, "sar"))
    assert found.share == 1.0
    assert found.error(1.0) <= 0.25


def test_other_places_and_overcast_skies_are_refused(scenes: list[WorldScene]) -> None:
    rng = np.random.default_rng(3)
    own = [world_cross(scene, SMALL, rng) for scene in scenes]
    others = [world_sar(scene, 0, SMALL) for scene in scenes]
    strange = [
        Pair("", pair.reference, sar, None) for n, pair in enumerate(own) for m, sar in enumerate(others) if n != m
    ]
    skies = [Pair("", opaque((108, 108), rng), pair.moving, None) for pair in own]
    assert summarise(iter(strange + skies)).accepted == 0


def test_a_whole_tile_comes_to_its_reference(scenes: list[WorldScene]) -> None:
    """Two dates of two sensors: the SAR of the second date comes through that of the first; the sum is its shift."""
    from dataclasses import replace

    for scene in scenes[:3]:
        frames = []
        for kind in ("optical", "sar"):
            pair = next(world_dates(scene, WHOLE, kind))
            frames += [replace(pair.reference, frame="t0"), replace(pair.moving, frame="t1")]
        found = find_shifts(frames, "t0", 8.0, cross_modal=True)
        assert found["t0", "optical"].status == "reference"
        for date in (0, 1):
            shift = found[f"t{date}", "sar"]
            assert shift.status == "removed"
            true = np.array(scene.sar_shifts[date]) - scene.optical_shifts[0]
            assert shift.found_px == pytest.approx(tuple(true), abs=0.4)
        alone = find_shifts(frames, "t0", 8.0, cross_modal=False)
        assert alone["t0", "sar"].status == "reference"
        assert alone["t0", "optical"].status == "reference"
