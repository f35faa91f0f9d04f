"""The synthetic world goes through the ordinary sources, and what it knows about itself is found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pytest
from geofactory import cli

from terra_cot.store.shards import TILES, read_rows
from terra_cot.tile import TileRecord

NAMES = {"optical": "S2_{}_10m.tif", "sar": "S1_{}.tif"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    done = cli("world", folder / "world", "--scenes", 1, "--pairs", 2, "--size-px", 512, "--quiet")
    assert done.returncode == 0, done.stderr
    done = cli("run", "demo", "--set", f"source.root={folder / 'world'}", "-o", folder / "dataset", "--quiet")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def tiles(made: Path) -> list[TileRecord]:
    return [
        TileRecord.from_row(row)
        for path in TILES.parts(made / "dataset")
        for row in read_rows(path, TILES)
    ]  # fmt: skip


def test_it_verifies_and_has_samples(made: Path) -> None:
    assert cli("verify", made / "dataset", "--quiet").returncode == 0
    counts: dict[str, Any] = json.loads((made / "dataset" / "manifest.json").read_bytes())["counts"]
    assert counts["scenes"]["kept"] == 3
    assert counts["tiles"]["kept"] == 4 + 2
    assert counts["frames_dropped"] == {"scan": {}, "tile": {}}
    assert counts["annotated_tiles"] == {"read": 6, "kept": 6, "dropped": {}}, "places and disaster pairs alike"
    assert counts["samples"]["kept"] >= 16


def test_its_shifts_are_found_where_they_are_trusted(made: Path, tiles: list[TileRecord]) -> None:
    """Against the truth beside it, each date against the reference (SAR too, through the SAR of its date): seasons,
    cloud and speckle leave a tenth of a pixel as a rule, and never half a one."""
    truth = json.loads((made / "world" / "truth" / "shifts.json").read_bytes())
    errors = []
    for tile in tiles:
        known = truth.get(tile.source_id)
        reference = {frame.modality: frame for frame in tile.frames if frame.shift_status == "reference"}
        for frame in tile.frames:
            if known is None or frame.shift_status != "removed":
                continue
            stays = reference.get(frame.modality, reference["optical"])
            file, base = (
                known[NAMES[entry.modality].format(entry.datetime[:10].replace("-", ""))] for entry in (frame, stays)
            )
            errors.append(float(np.abs(np.subtract(frame.shift_px, np.subtract(file, base))).max()))
    assert len(errors) >= 8
    assert np.median(errors) < 0.15
    assert max(errors) < 0.5


def test_regions_of_a_damage_map_are_the_buildings_of_its_json(made: Path, tiles: list[TileRecord]) -> None:
    pairs = [tile for tile in tiles if tile.legend == "xbd-damage"]
    assert len(pairs) == 2
    for tile in pairs:
        (path,) = (made / "world" / "disaster").glob(f"*/labels/{tile.source_id}_post_disaster.json")
        buildings = json.loads(path.read_bytes())["features"]["xy"]
        found = cc3d.connected_components((tile.label_array() > 0).astype(np.uint8), connectivity=8, return_N=True)[1]
        assert found == len(buildings)
        assert tile.gsd_m == pytest.approx(0.5, abs=0.002)
        assert [(frame.frame, frame.modality) for frame in tile.frames] == [("t0", "optical"), ("t1", "optical")]
