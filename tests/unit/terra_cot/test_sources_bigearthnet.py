"""An archive as its publisher lays it out is listed whole; what is broken in it is dropped with its reason."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from geofactory import BANDS_12, S1_STEM, S2_STEM, bigearthnet_v1, bigearthnet_v2, north_up, positions, write_tiff

from terra_cot.cut import TileOptions, cut_scene
from terra_cot.errors import ConfigError, DataError
from terra_cot.scene import Drop, Scene
from terra_cot.sources import scan
from terra_cot.tile import TileRecord

FIRST, SECOND = f"{S2_STEM}_10_20", f"{S2_STEM}_10_21"


@pytest.fixture(scope="module")
def _whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bigearthnet_v2(tmp_path_factory.mktemp("ben"))


@pytest.fixture
def archive(_whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    shutil.copytree(_whole, tmp_path / "ben")
    return tmp_path / "ben"


def listed(root: Path, **options: Any) -> tuple[list[Scene], list[tuple[str, str, str]]]:
    items = list(scan("bigearthnet", root, options))
    drops = [(x.level, x.item, x.reason) for x in items if isinstance(x, Drop)]
    return [x for x in items if isinstance(x, Scene)], drops


def band(root: Path, patch: str, name: str) -> Path:
    return root / "BigEarthNet-S2" / S2_STEM / patch / f"{patch}_{name}.tif"


def test_a_whole_archive_of_v2(archive: Path) -> None:
    scenes, drops = listed(archive)
    assert not drops
    assert [scene.scene_id for scene in scenes] == [FIRST, SECOND]
    assert [scene.split for scene in scenes] == ["train", "test"], "both metadata tables are read"
    first = scenes[0]
    assert [frame.modality for frame in first.frames] == ["optical", "sar"]
    assert [asset.bands for asset in first.frames[0].assets] == [(name,) for name in BANDS_12]
    assert first.frames[0].datetime == "2017-06-13T10:10:31Z"
    assert first.frames[1].datetime == "2017-06-12T16:58:09Z"
    assert {frame.frame for frame in first.frames} == {"t0"}
    assert first.label is not None
    assert (first.label.legend, first.label_frame) == ("corine-19", "t0")
    assert (scenes[1].label, scenes[1].label_frame) == (None, None)
    assert first.licence == "CDLA-Permissive-1.0"


def test_the_tile_of_a_patch_has_all_bands_at_ten_metres(archive: Path) -> None:
    scenes, _ = listed(archive)
    (tile,) = cut_scene(scenes[0], TileOptions())
    assert isinstance(tile, TileRecord)
    assert [(frame.modality, len(frame.bands)) for frame in tile.frames] == [("optical", 12), ("sar", 2)]
    assert (tile.height, tile.width, tile.gsd_m) == (120, 120, 10.0)
    assert set(np.unique(tile.label_array())) <= {211, 311, 512, 112}


def test_splits_and_sar_can_be_chosen(archive: Path) -> None:
    scenes, drops = listed(archive, splits=["test"], sar=False)
    assert [scene.scene_id for scene in scenes] == [SECOND]
    assert [frame.modality for frame in scenes[0].frames] == ["optical"]
    assert drops == [("scene", FIRST, "split_not_asked")]


def lose_band(root: Path) -> None:
    band(root, FIRST, "B11").unlink()


def empty_file(root: Path) -> None:
    band(root, FIRST, "B02").write_bytes(b"")


def lose_crs(root: Path) -> None:
    write_tiff(band(root, FIRST, "B02"), positions(120, 120)[:1], north_up(300000, 5400000, 10), None)


def lose_place(root: Path) -> None:
    write_tiff(band(root, FIRST, "B02"), positions(120, 120)[:1], None, "EPSG:32633")


def shrink(root: Path) -> None:
    write_tiff(band(root, FIRST, "B02"), positions(100, 120)[:1], north_up(300000, 5400000, 10))


def lose_row(root: Path) -> None:
    schema = pa.schema([(key, pa.string()) for key in ("patch_id", "split", "s1_name")])
    pq.write_table(schema.empty_table(), root / "metadata.parquet")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lose_band, "missing_band"),
        (empty_file, "unreadable"),
        (lose_crs, "no_crs"),
        (lose_place, "no_place"),
        (shrink, "wrong_size"),
        (lose_row, "not_in_metadata"),
    ],
)
def test_a_damaged_patch_is_dropped_with_its_reason(archive: Path, damage: Any, reason: str) -> None:
    damage(archive)
    scenes, drops = listed(archive)
    assert [scene.scene_id for scene in scenes] == [SECOND]
    assert drops == [("scene", FIRST, reason)]


def lose_polarisation(root: Path) -> None:
    next((root / "BigEarthNet-S1" / S1_STEM).glob("*_10_20/*_VH.tif")).unlink()


def lose_partner(root: Path) -> None:
    shutil.rmtree(next((root / "BigEarthNet-S1" / S1_STEM).glob("*_10_20")))


def spoil_partner_json(root: Path) -> None:
    folder = next((root / "BigEarthNet-S1" / S1_STEM).glob("*_10_20"))
    (folder / f"{folder.name}_labels_metadata.json").write_text("{")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [(lose_polarisation, "missing_sar"), (lose_partner, "missing_sar"), (spoil_partner_json, "unreadable")],
)
def test_a_patch_without_its_sar_stays_optical(archive: Path, damage: Any, reason: str) -> None:
    """One spoilt file of a partner once ended the whole scan."""
    damage(archive)
    scenes, drops = listed(archive)
    assert [len(scene.frames) for scene in scenes] == [1, 2]
    assert drops == [("frame", f"{FIRST}/sar", reason)]


def test_flags_of_the_metadata_are_carried_and_can_drop(archive: Path) -> None:
    """They say that there is cloud, not where: frames keep the flag, a recipe may leave the patches out."""
    assert [scene.frames[0].cloud_flag for scene in listed(archive)[0]] == [None, None], "these tables have no flags"
    for name, cloud, snow in (
        ("metadata.parquet", False, True),
        ("metadata_for_patches_with_snow_cloud_or_shadow.parquet", True, False),
    ):
        table = pq.read_table(archive / name)
        flags = {"contains_cloud_or_shadow": cloud, "contains_seasonal_snow": snow}
        for flag, value in flags.items():
            table = table.append_column(flag, pa.array([value] * table.num_rows))
        pq.write_table(table, archive / name)
    scenes, drops = listed(archive)
    assert [[frame.cloud_flag for frame in scene.frames] for scene in scenes] == [[False, None], [True, None]]
    assert drops == []
    assert listed(archive, cloudy="drop")[1] == [("scene", SECOND, "contains_cloud_or_shadow")]
    assert listed(archive, snowy="drop")[1] == [("scene", FIRST, "contains_seasonal_snow")]


def test_an_archive_without_sar(archive: Path) -> None:
    shutil.rmtree(archive / "BigEarthNet-S1")
    scenes, drops = listed(archive)
    assert len(scenes) == 2
    assert [reason for *_, reason in drops] == ["missing_sar"] * 2


def test_a_band_cut_off_in_the_middle_drops_the_frame_when_it_is_read(archive: Path) -> None:
    path = band(archive, FIRST, "B05")
    with rasterio.open(path) as dataset:
        place = dataset.transform
    write_tiff(path, np.random.default_rng(0).integers(1, 60000, (1, 60, 60)).astype(np.uint16), place)
    path.write_bytes(path.read_bytes()[:3000])
    scenes, _ = listed(archive)
    items = list(cut_scene(scenes[0], TileOptions()))
    drops = [(x.level, x.item, x.reason) for x in items if isinstance(x, Drop)]
    assert ("frame", f"{FIRST}/t0/optical", "unreadable") in drops
    tiles = [x for x in items if isinstance(x, TileRecord)]
    assert [[frame.modality for frame in tile.frames] for tile in tiles] == [["sar"]]


def test_a_band_of_another_size_shows_in_the_no_data_share(archive: Path) -> None:
    """B11 reaches over half the patch only: the other half is missing, not stretched."""
    write_tiff(band(archive, FIRST, "B11"), positions(30, 60)[:1] + np.uint16(9), north_up(300000, 5400000, 20))
    scenes, _ = listed(archive)
    (tile,) = cut_scene(scenes[0], TileOptions())
    assert isinstance(tile, TileRecord)
    assert tile.frames[0].nodata_fraction == pytest.approx(0.5, abs=0.01)


def test_v1_finds_partners_and_times_in_its_json(tmp_path: Path) -> None:
    (scene,), drops = listed(bigearthnet_v1(tmp_path))
    assert not drops
    assert [frame.modality for frame in scene.frames] == ["optical", "sar"]
    assert scene.frames[0].datetime == "2017-09-24T09:30:20Z", "the name has lost the zero of its hour"
    assert scene.frames[1].datetime == "2017-09-25T04:32:56Z"
    assert scene.split == "train"


def test_v1_survives_a_spoilt_partner(tmp_path: Path) -> None:
    root = bigearthnet_v1(tmp_path)
    next(root.glob("BigEarthNet-S1-v1.0/*/*.json")).write_text("not json")
    (scene,), drops = listed(root)
    assert [frame.modality for frame in scene.frames] == ["optical"]
    assert [reason for *_, reason in drops] == ["unreadable", "missing_sar"]


def test_other_folders_are_no_archive(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(DataError, match="not a BigEarthNet archive"):
        listed(tmp_path)
    (archive / "metadata.parquet").write_bytes(b"PAR1 but not much more")
    with pytest.raises(DataError, match="unreadable metadata"):
        listed(archive)
    pq.write_table(pa.table({"patch": ["x"]}), archive / "metadata.parquet")
    with pytest.raises(DataError, match="unreadable metadata"):
        listed(archive)
    with pytest.raises(ConfigError, match='did you mean "splits"'):
        listed(archive, split="train")
