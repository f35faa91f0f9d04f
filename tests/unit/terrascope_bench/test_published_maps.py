"""A label map is found by the image's name in the trees as they are published, or there is a reason why not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import publishedfactory as factory
import pytest
from geofactory import north_up, write_tiff
from numpy.typing import NDArray
from PIL import Image

from terra_cot.errors import DataError
from terrascope_bench.published.maps import LabelMaps, patch_of

CODES = (np.arange(256 * 256) % 3 * 10 + 10).astype(np.uint8).reshape(256, 256)
PATCH = f"{factory.STEM}_26_57"
DATA = os.environ.get("TERRA_COT_TEST_DATA")


def save(path: Path, codes: NDArray[np.generic]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(codes).save(path)
    return path


def reason(root: Path, name: str) -> str:
    with pytest.raises(DataError) as refused:
        LabelMaps(root, [name]).find(name)
    return refused.value.reason


def test_chatearthnet_beside_its_images(tmp_path: Path) -> None:
    colour = np.zeros((256, 256, 3), np.uint8)
    for folder in ("s2_images", "s2_rgb_images/s2_images"):
        save(tmp_path / "archive" / folder / "patch_1.png", colour)
    for folder in ("s1_images/vv", "vh"):
        save(tmp_path / "archive" / folder / "patch_1.png", colour[..., 0])
    save(tmp_path / "archive/worldcover/patch_1.png", CODES)
    save(tmp_path / "archive/worldcover/patch_2.png", CODES)
    maps = LabelMaps(tmp_path, ["s2_images/patch_1.png"])
    assert maps.files == 1
    found = maps.find("s2_images/patch_1.png")
    assert np.array_equal(found.codes, CODES)
    assert (found.legend, found.gsd_m, found.source, found.scene_id) == ("worldcover", 10.0, "chatearthnet", "patch_1")
    assert reason(tmp_path, "patch_3.png") == "no_label_map"


def test_what_is_no_map_of_codes(tmp_path: Path) -> None:
    save(tmp_path / "maps/colour.png", np.zeros((256, 256, 3), np.uint8))
    save(tmp_path / "maps/small.png", CODES[:120, :120])
    (tmp_path / "maps/broken.png").write_bytes(b"no picture")
    assert reason(tmp_path, "colour.png") == "label_map_not_codes"
    assert reason(tmp_path, "small.png") == "label_map_of_unknown_scale"
    assert reason(tmp_path, "broken.png") == "unreadable_label_map"


def test_two_maps_of_one_name(tmp_path: Path) -> None:
    save(tmp_path / "a/patch.png", CODES)
    save(tmp_path / "b/patch.png", CODES)
    assert LabelMaps(tmp_path, ["patch.jpg"]).find("patch.jpg").gsd_m == 10
    save(tmp_path / "b/patch.png", CODES[::-1])
    assert reason(tmp_path, "patch.jpg") == "two_label_maps"


def test_bigearthnet_by_the_patch_in_the_name(tmp_path: Path) -> None:
    codes = np.full((120, 120), 312, np.uint16)
    codes[:60] = 512
    file = tmp_path / "ben/Reference_Maps" / factory.STEM / PATCH / f"{PATCH}_reference_map.tif"
    write_tiff(file, codes, north_up(300_000, 5_400_000, 10), nodata=0)
    for name in (f"{PATCH}.png", f"ben/{PATCH}_rgb.jpg", f"{PATCH}_B04.tif"):
        found = LabelMaps(tmp_path, [name]).find(name)
        assert np.array_equal(found.codes, codes)
        assert (found.legend, found.gsd_m, found.source, found.scene_id) == ("corine-19", 10.0, "bigearthnet", PATCH)
    flat = tmp_path / "flat"
    flat.mkdir()
    file.rename(flat / file.name)
    assert LabelMaps(flat, [f"{PATCH}.png"]).find(f"{PATCH}.png").legend == "corine-19"


def test_patches_are_told_from_other_names() -> None:
    assert patch_of(f"x_{PATCH}_y") == PATCH
    assert patch_of("S2A_MSIL2A_20170613T101031_26_57") is None
    assert patch_of("patch_00001") is None


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        LabelMaps(tmp_path / "absent", [])


@pytest.mark.skipif(DATA is None, reason="TERRA_COT_TEST_DATA is not set: no real reference map")
def test_a_real_reference_map() -> None:
    found = LabelMaps(Path(str(DATA)) / "bigearthnet-v2", [f"{PATCH}.png"]).find(f"{PATCH}.png")
    assert found.codes.shape == (120, 120)
    assert (found.legend, found.gsd_m) == ("corine-19", 10.0)
    assert set(np.unique(found.codes).tolist()) <= set(range(1000))
