"""Every source on its publisher's layout, drawn from the synthetic world: scan, run, verify, and what must come out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cc3d
import numpy as np
import pytest
from account import Made, made
from archives import bigearthnet
from archives.chatearthnet import chatearthnet
from archives.deepglobe_road import deepglobe_road
from archives.rsvqa_lr import rsvqa_lr
from archives.teochat import teochat
from geofactory import cli_here, rasters_archive
from stacfactory import source_of, world_items, write_static

from terra_cot.legend import legend
from terra_cot.world import WorldConfig, write_world

Recipe = str | dict[str, Any]


def images_only(kind: str, **source: Any) -> dict[str, Any]:
    return {"name": kind, "source": {"kind": kind, "root": "", **source}, "tile": {"raster": False}}


def world(root: Path) -> Path:
    write_world(root, WorldConfig(scenes=1, size_px=256, pairs=2, pair_size_px=256))
    return root


def disasters(root: Path) -> Path:
    """The world writes its pairs in xBD's layout itself."""
    write_world(root, WorldConfig(scenes=0, pairs=3, pair_size_px=256))
    return root / "disaster"


def catalogue(root: Path) -> Path:
    write_static(root, world_items(root, 128))
    return root / "catalog.json"


def plain(root: Path) -> Path:
    rasters_archive(root, scenes=2, side=128)
    return root


def rasters_recipe() -> dict[str, Any]:
    from geofactory import RASTERS_RECIPE

    return {**RASTERS_RECIPE, "tile": {"size_px": 64}}


def stac_recipe() -> dict[str, Any]:
    return {"name": "stac", "source": source_of(""), "tile": {"size_px": 64}}


# Of each archive: builder, recipe, its scenes, and what the scan drops of them.
ARCHIVES: dict[str, tuple[Callable[[Path], Path], Callable[[], Recipe], int, dict[str, int]]] = {
    "bigearthnet v2": (bigearthnet.bigearthnet_v2, lambda: "bigearthnet", 4, {}),
    "bigearthnet v1": (bigearthnet.bigearthnet_v1, lambda: "bigearthnet", 4, {}),
    "chatearthnet": (chatearthnet, lambda: "chatearthnet", 3, {}),
    "deepglobe-road": (deepglobe_road, lambda: "deepglobe-road", 4, {"split_not_asked": 2}),
    "rsvqa-lr": (rsvqa_lr, lambda: images_only("rsvqa-lr"), 3, {}),
    "teochat": (teochat, lambda: images_only("teochat", gsd_m={"xBD": 0.5}), 3, {}),
    "xbd": (disasters, lambda: images_only("xbd"), 3, {}),
    "stac": (catalogue, stac_recipe, 1, {}),
    "rasters": (plain, rasters_recipe, 2, {}),
    "world": (world, lambda: "demo", 3, {}),
}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Made]]:
    """The archive of a source and the dataset of it, each made once."""
    known: dict[str, tuple[Path, Made]] = {}

    def give(name: str) -> tuple[Path, Made]:
        if name not in known:
            folder = tmp_path_factory.mktemp("archive")
            build, recipe, _, _ = ARCHIVES[name]
            root = build(folder / "in")
            known[name] = root, made(recipe(), folder / "out", root)
        return known[name]

    return give


@pytest.mark.parametrize("name", ARCHIVES)
def test_all_of_an_archive_is_kept_or_named(
    name: str, archives: Callable[[str], tuple[Path, Made]], tmp_path: Path
) -> None:
    """The numbers are those of what the builder wrote, not the sums of what came out."""
    root, dataset = archives(name)
    _, recipe, scenes, dropped = ARCHIVES[name]
    assert dataset.counts["scenes"]["read"] == scenes
    assert {reason: number for reason, number in dataset.counts["scenes"]["dropped"].items() if number} == dropped
    given = recipe()
    source = given["source"] if isinstance(given, dict) else {"kind": name.split()[0]}
    options = [
        f"--set=source.{key}={json.dumps(value)}" for key, value in source.items() if key not in ("kind", "root")
    ]
    done = cli_here("scan", source["kind"], root, "-o", tmp_path / "scenes.parquet", "--json", *options)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["scenes"] == (dataset.counts["scenes"]["kept"] if name != "deepglobe-road" else 2)
    for tile in dataset.tiles:
        assert tile.licence
        assert all(frame.nodata_fraction < 0.5 for frame in tile.frames)
        if tile.label is not None and tile.legend is not None:
            legend(tile.legend).vocabulary("native").index(tile.label_array())


def test_bigearthnet_has_both_sensors_flags_and_maps(archives: Callable[[str], tuple[Path, Made]]) -> None:
    _, dataset = archives("bigearthnet v2")
    assert len(dataset.tiles) == 4
    for number, tile in enumerate(dataset.tiles):
        optical, sar = tile.frames
        assert (len(optical.bands), sar.bands) == (12, ("VV", "VH"))
        assert optical.cloud_fraction is None, "the tables say that there is cloud, not where"
        assert optical.cloud_flag is (number == bigearthnet.CLOUDED)
        assert tile.split == bigearthnet.SPLITS[number]
        assert (tile.label is None) == (number == 1)
    for number, patch in enumerate(bigearthnet.patches()):
        if number != 1:
            expected = np.vectorize(lambda code: bigearthnet.CLASSES[code][0])(patch.codes)
            np.testing.assert_array_equal(dataset.tiles[number].label_array(), expected)
    assert dataset.reasons("tile") == {dataset.tiles[1].tile_id: "no_label"}
    clouded = [row for row in dataset.samples if row["tile_id"] == dataset.tiles[bigearthnet.CLOUDED].tile_id]
    assert clouded
    for row in clouded:
        assert "sar" in {frame["modality"] for frame in row["frames"]}, "cloud that nobody can place: never alone"


def test_bigearthnet_v1_finds_partners_in_its_json(archives: Callable[[str], tuple[Path, Made]]) -> None:
    _, dataset = archives("bigearthnet v1")
    assert [[frame.modality for frame in tile.frames] for tile in dataset.tiles] == [["optical", "sar"]] * 4
    assert {frame.datetime for tile in dataset.tiles for frame in tile.frames} == {
        "2017-06-13T10:10:31Z",
        "2017-06-13T16:50:43Z",
    }
    assert dataset.counts["annotated_tiles"]["dropped"] == {"no_label": 4}


def test_every_building_of_a_pair_is_one_region(archives: Callable[[str], tuple[Path, Made]]) -> None:
    root, dataset = archives("xbd")
    for tile in dataset.tiles:
        (document,) = root.glob(f"*/labels/{tile.source_id}_post_disaster.json")
        buildings = len(json.loads(document.read_bytes())["features"]["xy"])
        regions = cc3d.connected_components((tile.label_array() > 0).astype(np.uint8), connectivity=8, return_N=True)[1]
        assert buildings - 2 <= regions <= buildings, "none is lost but behind the edge or under another"
        assert [frame.frame for frame in tile.frames] == ["t0", "t1"]
        assert tile.label_frame == "t1"


@pytest.mark.parametrize("name", ["rsvqa-lr", "teochat"])
def test_images_without_masks_are_tiles_without_samples(
    name: str, archives: Callable[[str], tuple[Path, Made]]
) -> None:
    _, dataset = archives(name)
    assert len(dataset.tiles) == 3
    assert dataset.counts["annotated_tiles"] == {"read": 3, "kept": 0, "dropped": {"no_label": 3}}
    if name == "teochat":
        first = next(tile for tile in dataset.tiles if tile.frames[0].datetime)
        assert [frame.datetime for frame in first.frames] == ["2023-05-01T00:00:00Z", "2023-06-01T00:00:00Z"], (
            "the later image is listed first"
        )


def test_a_catalogue_and_plain_files_of_a_place_have_cloud_and_both_sensors(
    archives: Callable[[str], tuple[Path, Made]],
) -> None:
    for name in ("stac", "rasters", "world"):
        _, dataset = archives(name)
        places = [tile for tile in dataset.tiles if tile.crs]
        assert places
        assert dataset.samples
        for tile in places:
            for frame in tile.frames:
                known = name != "rasters" or frame.modality == "optical"
                assert (frame.cloud_fraction is not None) == (frame.modality == "optical" and known)
        assert {frame.modality for tile in places for frame in tile.frames} == {"optical", "sar"}
