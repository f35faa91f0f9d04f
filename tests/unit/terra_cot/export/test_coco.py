"""COCO: read by pycocotools, and by the rules of the panoptic format; compared with the label maps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exportfactory import changed, every_tile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pycocotools.coco import COCO
from scipy import ndimage

from terra_cot.export import export
from terra_cot.export.segments import Categories, panoptic, regions, segment_id
from terra_cot.legend import legend


@pytest.fixture(scope="module")
def coco(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("coco") / "out"
    export(small, "coco", out)
    return out


@pytest.fixture(scope="module")
def damage(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("damage") / "out"
    note = export(world, "coco", out)
    maps = sum(len(tile.labels()) for tile in every_tile(world).values())
    assert note["counts"]["label_maps"]["written"] == maps > 8
    return out


def splits(out: Path) -> list[str]:
    return sorted(path.stem.removeprefix("panoptic_") for path in (out / "annotations").glob("panoptic_*.json"))


def panoptic_ids(path: Path) -> NDArray[np.int64]:
    """As panopticapi's rgb2id reads it."""
    with Image.open(path) as image:
        rgb = np.asarray(image).astype(np.int64)
    return rgb[..., 0] + 256 * rgb[..., 1] + 256 * 256 * rgb[..., 2]


def index_of(tile: Any, frame: str) -> NDArray[np.uint8]:
    kind = legend(tile.legend).kind
    return (
        legend(tile.legend).vocabulary("display" if kind == "land_cover" else "native").index(tile.label_array(frame))
    )


@pytest.mark.parametrize("which", ["coco", "damage"])
def test_pycocotools_reads_instances_that_tile_the_classes(
    which: str, request: pytest.FixtureRequest, small: Path, world: Path
) -> None:
    out, tiles = request.getfixturevalue(which), every_tile(small if which == "coco" else world)
    seen = 0
    for split in splits(out):
        api = COCO(str(out / "annotations" / f"instances_{split}.json"))
        names = {number: entry["name"] for number, entry in api.cats.items()}
        for image in api.loadImgs(api.getImgIds()):
            tile = tiles[image["tile_id"]]
            (licence,) = [row["name"] for row in api.dataset["licenses"] if row["id"] == image["license"]]
            assert licence == tile.licence
            with Image.open(out / "images" / image["file_name"]) as picture:
                assert picture.size == (image["width"], image["height"]) == (tile.width, tile.height)
            index, classes = index_of(tile, image["frame"]), legend(tile.legend).vocabulary("native").classes
            if legend(tile.legend).kind == "land_cover":
                classes = legend(tile.legend).vocabulary("display").classes
            found = {entry.name: np.zeros(index.shape, int) for entry in classes}
            rows = api.loadAnns(api.getAnnIds(imgIds=image["id"]))
            for row in rows:
                mask = api.annToMask(row).astype(bool)
                found[names[row["category_id"]]] += mask
                ys, xs = np.nonzero(mask)
                assert row["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
                assert row["area"] == mask.sum()
                assert ndimage.label(mask, np.ones((3, 3)))[1] == 1
                assert row["iscrowd"] == 0
            for number, entry in enumerate(classes, start=1):
                expected = (index == number).astype(int)
                if entry.name == "background":
                    expected[:] = 0
                assert np.array_equal(found[entry.name], expected), "each pixel of a class is in one instance"
            components = sum(
                ndimage.label(index == number, np.ones((3, 3)))[1]
                for number, entry in enumerate(classes, start=1)
                if entry.name != "background"
            )
            assert len(rows) == components
            seen += 1
    assert seen == sum(len(tile.labels()) for tile in tiles.values())


@pytest.mark.parametrize("which", ["coco", "damage"])
def test_panoptic_pictures_and_segments_say_the_same(
    which: str, request: pytest.FixtureRequest, small: Path, world: Path
) -> None:
    out, tiles = request.getfixturevalue(which), every_tile(small if which == "coco" else world)
    things = 0
    for split in splits(out):
        body = json.loads((out / "annotations" / f"panoptic_{split}.json").read_bytes())
        categories = {entry["id"]: entry for entry in body["categories"]}
        images = {entry["id"]: entry for entry in body["images"]}
        assert [row["image_id"] for row in body["annotations"]] == list(images)
        for row in body["annotations"]:
            ids = panoptic_ids(out / "annotations" / f"panoptic_{split}" / row["file_name"])
            tile = tiles[images[row["image_id"]]["tile_id"]]
            index = index_of(tile, images[row["image_id"]]["frame"])
            known = {segment["id"]: segment for segment in row["segments_info"]}
            assert len(known) == len(row["segments_info"]), "ids of an image differ"
            assert set(np.unique(ids)) - {0} == set(known)
            assert np.array_equal(ids == 0, index == 0), "void is 0, and nothing else is"
            for number, segment in known.items():
                mask = ids == number
                ys, xs = np.nonzero(mask)
                assert segment["area"] == mask.sum()
                assert segment["bbox"] == [xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1]
                category = categories[segment["category_id"]]
                view = "display" if category["supercategory"] == "land_cover" else "native"
                value = legend(tile.legend).vocabulary(view).number(category["name"])
                assert (index[mask] == value).all()
                if category["isthing"]:
                    things += 1
                    assert ndimage.label(mask, np.ones((3, 3)))[1] == 1
                else:
                    assert mask.sum() == (index == value).sum(), "stuff is one segment an image"
    assert (things > 0) == (which == "damage")


def test_categories_are_the_same_in_every_split(damage: Path) -> None:
    assert len(splits(damage)) > 1
    for kind in ("panoptic", "instances"):
        bodies = [
            json.loads((damage / "annotations" / f"{kind}_{split}.json").read_bytes()) for split in splits(damage)
        ]
        assert all(body["categories"] == bodies[0]["categories"] for body in bodies)
    things = {entry["name"]: entry["isthing"] for entry in json.loads(
        (damage / "annotations" / f"panoptic_{splits(damage)[0]}.json").read_bytes())["categories"]}  # fmt: skip
    assert things["background"] == things["water"] == 0
    assert things["destroyed building"] == things["undamaged building"] == 1


def test_tiles_without_label_or_of_another_split_are_counted(world: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    def unlabelled(tile: Any, samples: Any) -> Any:
        none: dict[str, Any] = {"label": None, "label_frame": None, "legend": None, "label_series": ()}
        return (replace(tile, **none) if tile.crs is None else tile), samples

    dataset = changed(world, tmp_path / "dataset", unlabelled)
    note = export(dataset, "coco", tmp_path / "out", splits=("train",))
    tiles = list(every_tile(dataset).values())
    maps = {"train": 0, "test": 0, "validation": 0}
    bare = {"train": 0, "test": 0, "validation": 0}
    for tile in tiles:
        maps[tile.split] += len(tile.labels())
        bare[tile.split] += not tile.labels()
    others = sum(number for split, number in (*maps.items(), *bare.items()) if split != "train")
    dropped = {key: number for key, number in {"no_label": bare["train"], "other_split": others}.items() if number}
    read = sum(maps.values()) + sum(bare.values())
    assert note["counts"]["label_maps"] == {"read": read, "written": maps["train"], "dropped": dropped}
    assert dropped["no_label"] > 0
    assert splits(tmp_path / "out") == (["train"] if maps["train"] else [])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(2, 40))
def test_segments_of_any_map(seed: int, height: int, width: int) -> None:
    """Noise is the hardest map: nearly every pixel a region. Panoptic ids are distinct and give the map back."""
    vocabulary = legend("xbd-damage").vocabulary("native")
    index = np.random.default_rng(seed).integers(0, len(vocabulary.classes) + 1, (height, width)).astype(np.uint8)
    labels, found = regions(index, vocabulary)
    categories = Categories(["xbd-damage"], "native")
    ids, segments = panoptic(labels, found, categories)
    assert len({segment["id"] for segment in segments}) == len(segments)
    assert sum(segment["area"] for segment in segments) == (index > 0).sum()
    back = np.zeros_like(index)
    for segment in segments:
        back[ids == segment["id"]] = segment["category_id"]
    numbers = {categories.number(entry): value for value, entry in enumerate(vocabulary.classes, start=1)}
    assert np.array_equal(np.vectorize(lambda value: numbers.get(value, 0))(back), index)


def test_a_class_never_runs_out_of_ids() -> None:
    taken: set[int] = set()
    found = [segment_id((0, 0, 0), taken) for _ in range(6000)]
    assert len(set(found)) == 6000
    assert 0 not in found
