from __future__ import annotations

from pathlib import Path

import pytest
from exportfactory import small_dataset, world_dataset


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_dataset(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world_dataset(tmp_path_factory.mktemp("world"))
