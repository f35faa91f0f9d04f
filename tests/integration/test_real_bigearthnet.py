"""Real archives go through the real command line: what they hold is found, and their known faults are told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from geofactory import cli
from PIL import Image
from rasterio.io import MemoryFile

from terra_cot.legend import legend
from terra_cot.store.shards import SAMPLES, TILES, Table, read_rows

DATA = Path(os.environ.get("TERRA_COT_TEST_DATA", "/nowhere"))
pytestmark = pytest.mark.skipif(
    "TERRA_COT_TEST_DATA" not in os.environ,
    reason="real data: set TERRA_COT_TEST_DATA to the folder that holds bigearthnet-v2, s2-shifted-pair, ...",
)
Row = dict[str, Any]


def rows(folder: Path, table: Table) -> list[Row]:
    return [row for path in table.parts(folder) for row in read_rows(path, table)]


def run(recipe: object, out: Path, *more: object) -> Path:
    done = cli("run", recipe, "-o", out, "--quiet", *more)
    assert done.returncode == int("no sample was made" in done.stderr), done.stderr  # v1 has no label maps
    checked = cli("verify", out, "--quiet")
    assert checked.returncode == 0, checked.stderr
    return out


def counts(folder: Path) -> Row:
    found: Row = json.loads((folder / "manifest.json").read_bytes())["counts"]
    return found


@pytest.fixture(scope="module")
def v2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("v2") / "out"
    return run("bigearthnet", out, "--set", f"source.root={DATA / 'bigearthnet-v2'}")


def test_every_patch_is_a_tile_of_an_optical_and_a_sar_frame(v2: Path) -> None:
    tiles = rows(v2, TILES)
    assert len(tiles) == 21
    assert counts(v2)["scenes"] == {"read": 21, "kept": 21, "dropped": {}}
    assert counts(v2)["frames_dropped"] == {"scan": {}, "tile": {}}
    for tile in tiles:
        assert (tile["height"], tile["width"], tile["gsd_m"], tile["crs"]) == (120, 120, 10.0, "EPSG:32633")
        optical, sar = tile["frames"]
        assert (optical["modality"], len(optical["bands"])) == ("optical", 12)
        assert (sar["modality"], sar["bands"]) == ("sar", ["VV", "VH"])
        assert optical["frame"] == sar["frame"] == "t0"
        assert optical["datetime"][:10] == "2017-06-13"
        assert optical["nodata_fraction"] == 0.0
        # What a shift brings in from beyond the patch is unknown, and nothing else is.
        assert sar["nodata_fraction"] <= sum(np.ceil(np.abs(sar["shift_px"]))) / 120
        column, row = (int(text) for text in tile["tile_id"].split("_")[-2:])
        assert tile["transform"][2] == 300_000 + 1200 * column
        assert tile["transform"][5] == 5_400_000 - 1200 * row


def test_bands_are_the_files_own_and_lie_right(v2: Path) -> None:
    """10 m bands pixel for pixel; a 60 m band, brought to 10 m, averages back to what the file holds."""
    import rasterio

    tile = rows(v2, TILES)[0]
    frame = tile["frames"][0]
    with MemoryFile(frame["raster"]["bytes"]) as memory, memory.open() as dataset:
        stored = dict(zip(dataset.descriptions, dataset.read(), strict=True))
    (folder,) = (DATA / "bigearthnet-v2" / "BigEarthNet-S2").glob(f"*/{tile['tile_id']}")
    for band in ("B02", "B08"):
        with rasterio.open(folder / f"{folder.name}_{band}.tif") as source:
            np.testing.assert_array_equal(stored[band], source.read(1))
    for band, factor in (("B11", 2), ("B09", 6)):
        with rasterio.open(folder / f"{folder.name}_{band}.tif") as source:
            coarse = source.read(1).astype(float)
        side = 120 // factor
        back = stored[band].reshape(side, factor, side, factor).mean(axis=(1, 3))
        assert np.corrcoef(back.ravel(), coarse.ravel())[0, 1] > 0.97
        assert abs(back.mean() - coarse.mean()) < 0.01 * coarse.mean()


def test_the_one_map_is_legible_through_its_legend(v2: Path) -> None:
    (tile,) = [row for row in rows(v2, TILES) if row["label"]]
    assert tile["tile_id"].endswith("_26_57")
    label = np.asarray(Image.open(BytesIO(tile["label"]["bytes"]))).astype(np.uint16)
    vocabulary = legend(tile["legend"]).vocabulary("native")
    index = vocabulary.index(label)
    shares = {
        entry.name: round(100 * float((index == number).mean()))
        for number, entry in enumerate(vocabulary.classes, start=1)
        if (index == number).any()
    }
    assert shares == {"arable land": 49, "broad-leaved forest": 29, "mixed forest": 14, "pastures": 8}


def test_the_labelled_patch_has_samples_and_the_others_say_why_not(v2: Path) -> None:
    assert counts(v2)["annotated_tiles"] == {"read": 21, "kept": 1, "dropped": {"no_label": 20}}
    samples = rows(v2, SAMPLES)
    assert {row["tile_id"].rsplit("_", 2)[-2:][0] for row in samples} == {"26"}
    assert {row["tier"] for row in samples} >= {"res", "caption", "l1"}
    caption = next(row for row in samples if row["task"] == "caption")
    assert "arable land (49.1 %)" in caption["answer"]


def test_v1_scenes_have_their_sar_partners(tmp_path: Path) -> None:
    out = run("bigearthnet", tmp_path / "out", "--set", f"source.root={DATA / 'bigearthnet-v1'}")
    tiles = rows(out, TILES)
    assert len(tiles) == 6
    assert {tile["crs"] for tile in tiles} == {"EPSG:32629", "EPSG:32633", "EPSG:32635"}
    for tile in tiles:
        assert [frame["modality"] for frame in tile["frames"]] == ["optical", "sar"]
        assert (tile["height"], tile["width"]) == (120, 120)
    assert counts(out)["annotated_tiles"]["dropped"] == {"no_label": 6}


def recipe(path: Path, root: str, **source: Any) -> Path:
    values = {"name": root, "source": {"kind": "rasters", "root": str(DATA / root), **source}, "tile": {"size_px": 256}}
    path.write_text(yaml.safe_dump(values))
    return path


def shifts(folder: Path, status: tuple[str, ...] = ("removed", "aligned")) -> Iterator[tuple[float, float]]:
    for tile in rows(folder, TILES):
        for frame in tile["frames"]:
            if frame["shift_status"] in status:
                yield tuple(frame["shift_found_px"])


def test_the_known_shift_of_a_real_pair_is_found(tmp_path: Path) -> None:
    """The target of 29 May lies at (-1.85, +0.66) px of the reference of 8 June. The earlier date is ours to compare
    with, so the sign turns round."""
    frames = [{"modality": "optical", "files": ["*_{date}_*_sub.jp2"], "bands": [["B04"]]}]
    out = run(
        recipe(tmp_path / "r.yaml", "s2-shifted-pair", frames=frames), tmp_path / "out", "--set", "tile.raster=false"
    )
    tiles = rows(out, TILES)
    both = [tile for tile in tiles if len(tile["frames"]) == 2]
    found = np.array(list(shifts(out)))
    assert len(both) > 20
    assert len(found) > len(both) / 3, "the second date is partly cloudy, and no mask is given"
    assert np.abs(np.median(found, axis=0) - (1.85, -0.66)).max() < 0.1
    assert np.abs(found - (1.85, -0.66)).max() < 1.0, "what is trusted is never far off"


def test_a_real_series_without_a_legend_of_ours(tmp_path: Path) -> None:
    """Five dates, two of them opaque; band names from the files; land-cover codes of its own, so no samples."""
    frames = [{"modality": "optical", "files": ["S2_L1C_{date}.tif"], "cloud": "CLM_{date}.tif", "cloud_codes": [1]}]
    out = run(recipe(tmp_path / "r.yaml", "slovenia-s2-series", frames=frames), tmp_path / "out")
    (tile,) = rows(out, TILES)
    assert [frame["frame"] for frame in tile["frames"]] == ["t0", "t1", "t2", "t3", "t4"]
    assert (tile["height"], tile["width"]) == (101, 100)
    assert all(len(frame["bands"]) == 13 for frame in tile["frames"])
    clear = [frame["cloud_fraction"] < 0.1 for frame in tile["frames"]]
    assert sum(clear) == 3
    for frame, open_sky in zip(tile["frames"], clear, strict=True):
        assert frame["shift_status"] in (("reference", "removed", "aligned") if open_sky else ("refused", "reference"))
    assert counts(out)["annotated_tiles"]["dropped"] == {"no_label": 1}
    settings = ("--set", "source.label=LULC.tif", "--set", "source.legend=worldcover", "--quiet")
    wrong = cli("run", tmp_path / "r.yaml", "-o", tmp_path / "wrong", *settings)
    assert wrong.returncode == 2
    assert "no tile is left (1 unknown_label_code)" in wrong.stderr, "another legend is never assumed"
