"""The world on disk: same config, same bytes; every file says what it is."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from terra_cot.errors import ConfigError
from terra_cot.world import DATES, WorldConfig, make_scene, write_world

CONFIG = WorldConfig(seed=5, scenes=2, size_px=64, pairs=3, pair_size_px=256)


def fingerprints(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    write_world(out, CONFIG)
    return out


def test_same_bytes_for_any_number_of_workers(world: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    returned = write_world(tmp_path, CONFIG, on_step=lambda done, total: steps.append((done, total)), workers=2)
    assert fingerprints(tmp_path) == fingerprints(world)
    assert steps == [(done, 5) for done in range(1, 6)]
    assert returned == json.loads((world / "world.json").read_text())


def test_same_bytes_again(world: Path, tmp_path: Path) -> None:
    write_world(tmp_path, CONFIG)
    assert fingerprints(tmp_path) == fingerprints(world)


def test_optical_files(world: Path) -> None:
    scene = make_scene(CONFIG, 1)
    folder = world / "scenes" / "place_001"
    for t, date in enumerate(DATES):
        day = date.replace("-", "")
        with rasterio.open(folder / f"S2_{day}_10m.tif") as fine, rasterio.open(folder / f"S2_{day}_20m.tif") as coarse:
            assert fine.descriptions == ("B02", "B03", "B04", "B08")
            assert coarse.descriptions == ("B05", "B8A", "B11", "B12")
            assert fine.res == (10.0, 10.0)
            assert coarse.res == (20.0, 20.0)
            assert fine.bounds == coarse.bounds
            for file in (fine, coarse):
                assert file.crs.to_epsg() == 32633
                assert file.dtypes[0] == "uint16"
                assert file.nodata == 0
                assert file.tags()["DATETIME"].startswith(f"{date}T")
            np.testing.assert_array_equal(fine.read(), scene.optical_10m[t])
        with rasterio.open(folder / f"S2_{day}_cloud.tif") as mask:
            assert mask.nodata == 255
            assert mask.dtypes == ("uint8",)
            np.testing.assert_array_equal(mask.read(1), scene.cloud[t])


def test_radar_grid_is_its_own_and_covers_the_optical(world: Path) -> None:
    folder = world / "scenes" / "place_000"
    with rasterio.open(folder / "S1_20230412.tif") as radar, rasterio.open(folder / "S2_20230412_10m.tif") as optical:
        assert radar.crs == optical.crs
        assert radar.res == (10.0, 10.0)
        assert radar.descriptions == ("VV", "VH")
        assert np.isnan(radar.nodata)
        assert radar.dtypes[0] == "float32"
        assert radar.tags()["UNIT"] == "dB"
        assert radar.tags()["DATETIME"].startswith("2023-04-12T")
        assert radar.bounds.left < optical.bounds.left
        assert radar.bounds.right > optical.bounds.right
        assert radar.bounds.top > optical.bounds.top
        assert radar.bounds.bottom < optical.bounds.bottom
        offset = np.array([optical.bounds.left - radar.bounds.left, radar.bounds.top - optical.bounds.top]) / 10
        assert (np.abs(offset - np.round(offset)) > 0.01).all()


def test_labels_and_truth(world: Path) -> None:
    record = json.loads((world / "world.json").read_text())
    shifts = json.loads((world / "truth" / "shifts.json").read_text())
    assert record["format_version"] == 1
    assert record["licence"] == "CC0-1.0"
    assert record["legend"] == "worldcover"
    for scene in record["scenes"]:
        name = scene["name"]
        assert scene["shifts"] == shifts[name]
        for file in shifts[name]:
            assert (world / "scenes" / name / file).is_file()
        with rasterio.open(world / "scenes" / name / "labels.tif") as first:
            labels = first.read(1)
            assert first.nodata == 0
        for date in DATES:
            with rasterio.open(world / "truth" / name / f"labels_{date.replace('-', '')}.tif") as truth:
                if date == DATES[0]:
                    np.testing.assert_array_equal(truth.read(1), labels)
        for change in scene["changes"]:
            with rasterio.open(world / change["file"]) as mask:
                cells = mask.read(1)
            assert set(np.unique(cells)) <= {0, 1}
            assert int(cells.sum()) * 100 == change["area_m2"]


def test_pairs_on_disk(world: Path) -> None:
    record = json.loads((world / "world.json").read_text())
    for pair in record["pairs"]:
        for phase in ("pre", "post"):
            stem = f"{pair['name']}_{phase}_disaster"
            label = json.loads((world / "disaster" / pair["split"] / "labels" / f"{stem}.json").read_text())
            image = world / "disaster" / pair["split"] / "images" / label["metadata"]["img_name"]
            assert image.is_file()
            assert len(label["features"]["xy"]) == pair["buildings"]


def test_empty_world_is_a_world(tmp_path: Path) -> None:
    record = write_world(tmp_path, WorldConfig(scenes=0, pairs=0))
    assert record["scenes"] == record["pairs"] == []


def test_no_workers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        write_world(tmp_path, CONFIG, workers=0)
