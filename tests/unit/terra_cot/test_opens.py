"""Cutting a scene opens each of its files once, whatever the number of tiles."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from geofactory import rasters_archive

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.pixels import files
from terra_cot.scene import Scene
from terra_cot.sources import scan
from terra_cot.tile import TileRecord


def test_each_file_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = rasters_archive(tmp_path, scenes=1, side=192)["source"]
    options = {key: value for key, value in source.items() if key not in ("kind", "root")}
    (scene,) = (item for item in scan("rasters", tmp_path, options) if isinstance(item, Scene))
    opened: Counter[str] = Counter()
    real = files.open_raster

    def counting(place: str | Path) -> Any:
        opened[Path(place).name] += 1
        return real(place)

    monkeypatch.setattr(files, "open_raster", counting)
    tiles = [item for item in cut_scene(scene, TileOptions(size_px=64)) if isinstance(item, TileRecord)]
    assert len(tiles) == 9
    assert opened == Counter({Path(name).name: 1 for name in scene.files()})
