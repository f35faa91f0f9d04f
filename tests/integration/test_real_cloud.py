"""Cloud on real images: the rules find what reference masks mark, through the real command line."""

from __future__ import annotations

import json
import os
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from geofactory import cli_here, write_tiff
from numpy.typing import NDArray

from terra_cot.cloud import CloudOptions
from terra_cot.cloud.spectral import cloud_of, shadow_of
from terra_cot.filters import shown_modalities
from terra_cot.pixels.read import SceneReader
from terra_cot.scene import Scene
from terra_cot.sources import scan
from terra_cot.store.shards import TILES, read_rows
from terra_cot.tile import TileRecord

DATA = Path(os.environ.get("TERRA_COT_TEST_DATA", "/nowhere"))
pytestmark = pytest.mark.skipif(
    "TERRA_COT_TEST_DATA" not in os.environ,
    reason="real data: set TERRA_COT_TEST_DATA to the folder that holds cloud-reference, slovenia-s2-series, ...",
)
Row = dict[str, Any]
MEANINGS = ("blue", "green", "red", "nir", "swir1", "swir2")
SHADOW, CLOUD = 0, 4
SLOVENIA = {"modality": "optical", "files": ["S2_L1C_{date}.tif"], "cloud": "CLM_{date}.tif", "cloud_codes": [1]}
TOA = {"scale": 0.0001, "level": "toa"}


def tiles(source: Row, out: Path, cloud: Row | None = None, **tile: Any) -> tuple[list[TileRecord], Row]:
    """Tiles of a run, verified, and the counts of its manifest."""
    recipe = out.with_suffix(".yaml")
    options = {"raster": False, **tile, "cloud": cloud or {}}
    recipe.write_text(yaml.safe_dump({"name": "clouds", "source": source, "tile": options}))
    for command in (("run", recipe, "-o", out, "--quiet"), ("verify", out, "--quiet")):
        done = cli_here(*command)
        assert done.returncode == int("no sample was made" in done.stderr), done.stderr
    rows = [TileRecord.from_row(row) for path in TILES.parts(out) for row in read_rows(path, TILES)]
    counts: Row = json.loads((out / "manifest.json").read_bytes())["counts"]
    return rows, counts


def fractions(tile: TileRecord) -> list[float | None]:
    return [frame.cloud_fraction for frame in tile.frames]


def f1(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return 2 * float((found & truth).sum()) / float(found.sum() + truth.sum())


@pytest.fixture(scope="module")
def reference() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """HWC reflectance of six bands, and the codes of the reference mask."""
    with np.load(BytesIO((DATA / "cloud-reference" / "sentinel2.npz").read_bytes())) as found:
        return found["img"].astype(np.float32), found["msk"][..., 0]


def test_the_spectral_rule_on_the_reference(reference: tuple[NDArray[np.float32], NDArray[np.uint8]]) -> None:
    image, codes = reference
    bands = dict(zip(MEANINGS, np.moveaxis(image, -1, 0), strict=True))
    options = CloudOptions().spectral
    cloud = cloud_of(bands, options)
    shadow = shadow_of(bands, cloud, 10.0, options)
    assert f1(cloud, codes == CLOUD) > 0.91
    assert f1(shadow, codes == SHADOW) > 0.78
    assert (codes[shadow] == SHADOW).mean() > 0.95, "what it calls shadow is shadow"
    assert f1(cloud | shadow, np.isin(codes, (CLOUD, SHADOW))) > 0.86
    blue_alone = cloud_of({"blue": bands["blue"]}, options)
    assert f1(blue_alone, codes == CLOUD) > 0.90


def test_the_reference_through_the_command_line(
    tmp_path: Path, reference: tuple[NDArray[np.float32], NDArray[np.uint8]]
) -> None:
    """The fraction of a tile by the rule is that of the mask, within what thin cloud and edges cost."""
    image, codes = reference
    data = tmp_path / "data"
    pixels = np.round(np.moveaxis(image, -1, 0) * 1e4).astype(np.uint16)
    write_tiff(data / "a_20200101.tif", pixels, None, None, bands=MEANINGS)
    write_tiff(data / "a_20200101_mask.tif", codes, None, None)
    frames = {"modality": "optical", "files": ["{scene}_{date}.tif"], "cloud": "{scene}_{date}_mask.tif"}
    source = {
        "kind": "rasters",
        "root": str(data),
        "gsd_m": 10,
        "allow_no_crs": True,
        "frames": [{**frames, "cloud_codes": [SHADOW, CLOUD]}],
    }
    given, _ = tiles(source, tmp_path / "given")
    found, _ = tiles(source, tmp_path / "found", {"method": "spectral", "reflectance": TOA})
    truth = np.array([fractions(tile) for tile in given], float)
    assert len(truth) == 4
    assert truth.mean() == pytest.approx(np.isin(codes, (SHADOW, CLOUD)).mean(), abs=1e-5)
    assert np.abs(np.array([fractions(tile) for tile in found], float) - truth).max() < 0.08
    unable, counts = tiles(source, tmp_path / "unable", {"method": "s2cloudless", "reflectance": TOA})
    assert [fractions(tile) for tile in unable] == [[None]] * 4, "six bands are not ten: unknown, not made up"
    assert counts["frames_dropped"]["tile"] == {"cloud_bands_missing": 4}


def test_s2cloudless_agrees_with_the_masks_of_the_series(tmp_path: Path) -> None:
    pytest.importorskip("s2cloudless", reason='pip install "terra-cot[cloud]" to test s2cloudless')
    source = {"kind": "rasters", "root": str(DATA / "slovenia-s2-series"), "frames": [SLOVENIA]}
    learned = {"method": "s2cloudless", "reflectance": TOA}
    (given,), _ = tiles(source, tmp_path / "given")
    (found,), counts = tiles(source, tmp_path / "found", learned)
    assert fractions(given) == [0.0, 1.0, 1.0, 0.0, 0.0]
    assert fractions(found) == pytest.approx(fractions(given), abs=0.005)
    assert counts["frames_dropped"] == {"scan": {}, "tile": {}}

    (scene,) = (item for item in scan("rasters", DATA / "slovenia-s2-series", {"frames": [SLOVENIA]}))
    assert isinstance(scene, Scene)
    with SceneReader(scene) as one, SceneReader(scene, CloudOptions.model_validate(learned)) as two:
        for described in scene.frames:
            mask, by_trees = one.frame(described, scene.grid).cloud, two.frame(described, scene.grid).cloud
            assert mask is not None
            assert by_trees is not None
            assert (mask == by_trees).mean() > 0.995


def test_a_series_that_begins_overcast_is_laid_on_its_first_clear_date(tmp_path: Path) -> None:
    for date in ("2015-07-31", "2015-08-20", "2015-08-30", "2015-09-09"):
        for name in (f"S2_L1C_{date}.tif", f"CLM_{date}.tif"):
            shutil.copy(DATA / "slovenia-s2-series" / name, tmp_path / name)
    source = {"kind": "rasters", "root": str(tmp_path), "frames": [SLOVENIA]}
    (tile,), _ = tiles(source, tmp_path / "out")
    assert [frame.shift_status for frame in tile.frames[:3]] == ["refused", "refused", "reference"]
    assert tile.frames[3].shift_status in ("removed", "aligned"), "two clear dates find each other"


def test_the_scene_classes_of_sentinel_2_as_a_mask_of_twice_the_pixel(tmp_path: Path) -> None:
    """The layout of L2A: classes at 20 m beside bands at 10 m."""
    with rasterio.open(DATA / "slovenia-s2-series" / "S2_L1C_2015-08-30.tif") as dataset:
        pixels, place, crs = dataset.read([2, 3, 4]), dataset.transform, dataset.crs
    classes = np.full((50, 50), 4, np.uint8)
    for column, code in enumerate((3, 8, 9, 10, 11, 6, 2, 5)):
        classes[:10, 5 * column : 5 * column + 5] = code
    write_tiff(tmp_path / "S2_20150830.tif", pixels[:, :100], place, str(crs), bands=("B02", "B03", "B04"))
    coarse = place * place.scale(2)
    write_tiff(tmp_path / "SCL_20150830.tif", classes, coarse, str(crs), nodata=0)
    frame = {"modality": "optical", "files": ["S2_{date}.tif"], "cloud": "SCL_{date}.tif", "cloud_format": "scl"}
    source = {"kind": "rasters", "root": str(tmp_path), "frames": [frame]}
    (tile,), _ = tiles(source, tmp_path / "out", size_px=100)
    assert fractions(tile) == [4 * 20 * 10 / 10_000]


def test_the_flags_of_bigearthnet_are_carried_and_can_drop(tmp_path: Path) -> None:
    """Three of the 21 patches are flagged for cloud or shadow: where it lies in them is written nowhere."""
    source = {"kind": "bigearthnet", "root": str(DATA / "bigearthnet-v2")}
    kept, _ = tiles(source, tmp_path / "kept", align=False)
    flagged = [tile for tile in kept if tile.frames[0].cloud_flag]
    assert (len(kept), len(flagged)) == (21, 3)
    assert {fraction for tile in kept for fraction in fractions(tile)} == {None}
    for tile in kept:
        assert tile.frames[0].cloud_flag is not None
        alone = tile.label_frame is not None and ("optical",) in shown_modalities(tile)
        assert not (alone and tile in flagged)
    items = list(scan("bigearthnet", DATA / "bigearthnet-v2", {"cloudy": "drop"}))
    assert sum(isinstance(item, Scene) for item in items) == 18
    assert {item.reason for item in items if not isinstance(item, Scene)} == {"contains_cloud_or_shadow"}
