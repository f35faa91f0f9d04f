"""Small worlds, made once for the folder."""

import pytest

from terra_cot.world import WorldConfig, WorldScene, make_scene

CLEAR = WorldConfig(size_px=256, pair_size_px=512, cloud_cover=0.0)
CLOUDY = WorldConfig(size_px=256, pair_size_px=512, cloud_cover=0.3)


@pytest.fixture(scope="session")
def clear_scene() -> WorldScene:
    """A place with a flood and a clearing, without cloud."""
    return make_scene(CLEAR, 0)


@pytest.fixture(scope="session")
def cloudy_scene() -> WorldScene:
    """The same place under cloud."""
    return make_scene(CLOUDY, 0)
