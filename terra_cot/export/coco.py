"""COCO panoptic and instances (cocodataset.org, "data format"), one pair of files a split.

    OUT/images/<part>/*.png
    OUT/annotations/panoptic_<split>.json and panoptic_<split>/<part>/*.png     id = R + 256 G + 65536 B, 0 is void
    OUT/annotations/instances_<split>.json                                      compressed RLE

One image for each label map of a tile: the optical image of the date that the map describes, or its SAR image where
that is all there is. Categories are the classes of the view that the recipe generates in, the same ids in every split.

- Panoptic: a class of land cover is stuff (isthing 0), one segment an image; buildings and roads are things, one
  segment for each 8-connected region; what objects stand on ("background") is stuff. Void pixels have no segment.
- Instances: each 8-connected region of each class, whatever its size, but not of the background of objects: the same
  regions that chains count as components. `iscrowd` is 0, `segmentation` is RLE, so regions keep their holes.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from terra_cot.export import Job, Target
from terra_cot.export.pictures import Pictures, safe_name
from terra_cot.export.segments import Categories, panoptic, regions
from terra_cot.legend import View
from terra_cot.mask import encode as encode_rle
from terra_cot.pixels import encode
from terra_cot.store.join import Pair, tiles_of
from terra_cot.store.shards import TILES, read_rows
from terra_cot.tile import FrameRecord, TileRecord


def write(job: Job) -> None:
    count, pictures = job.count("label_maps"), Pictures(job.out / "images")
    chosen = cast("View", job.manifest["recipe"]["generate"]["view"])
    parts = job.parts()
    categories = Categories(_legends(job, parts), chosen)
    licences = sorted({entry["licence"] for entry in job.manifest["sources"]})
    with _Files(job.out / "annotations", categories, licences) as files:
        for pair in parts:
            for tile in tiles_of(job.folder, pair.tiles, images=True):
                for frame in tile.labels() or (None,):
                    reason, record = _unfit(job, tile, frame)
                    if record is None:
                        count.drop(reason)
                    else:
                        _image(files.of(tile.split), pair.name, tile, record, categories, pictures)
                        count.keep()
                job.tile_done()


def _legends(job: Job, parts: list[Pair]) -> list[str]:
    found: set[str] = set()
    for pair in parts:
        found |= {row["legend"] for row in read_rows(job.folder / pair.tiles.path, TILES, ["legend"]) if row["legend"]}
    return sorted(found)


def _unfit(job: Job, tile: TileRecord, frame: str | None) -> tuple[str, FrameRecord | None]:
    """The image of a label map (None: the tile has none), or why it has no place here."""
    if not job.wants(tile.split):
        return "other_split", None
    if frame is None or tile.legend is None:
        return "no_label", None
    shown = tile.shown(frame)
    return "no_image", next((frame for kind in ("optical", "sar") for frame in shown if frame.modality == kind), None)


def _image(
    files: _Split, part: str, tile: TileRecord, record: FrameRecord, categories: Categories, pictures: Pictures
) -> None:
    assert tile.legend is not None
    vocabulary = categories.vocabulary(tile.legend)
    index = vocabulary.index(tile.label_array(record.frame))
    labels, found = regions(index, vocabulary)
    image_id = files.images + 1
    image = {
        "id": image_id,
        "file_name": pictures.put(part, tile, record),
        "width": tile.width,
        "height": tile.height,
        "tile_id": tile.tile_id,
        "frame": record.frame,
        "modality": record.modality,
        "date_captured": record.datetime,
        "license": files.licences[tile.licence],
    }
    for region in found:
        if categories.is_region(region.entry):
            files.instance(
                {
                    "image_id": image_id,
                    "category_id": categories.number(region.entry),
                    "segmentation": {"size": list(labels.shape), "counts": encode_rle(labels == region.number)},
                    "area": region.area,
                    "bbox": region.bbox,
                    "iscrowd": 0,
                }
            )
    ids, segments = panoptic(labels, found, categories)
    name = f"{part}/{safe_name(tile.tile_id)}_{record.frame}.png"
    files.picture(name, ids)
    files.image(image, {"image_id": image_id, "file_name": name, "segments_info": segments})


class _Files:
    """The files of each split, written as rows come."""

    def __init__(self, folder: Path, categories: Categories, licences: list[str]) -> None:
        self._folder, self._categories, self._licences = folder, categories, licences
        self._splits: dict[str, _Split] = {}

    def __enter__(self) -> _Files:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for split in self._splits.values():
            split.close()

    def of(self, split: str) -> _Split:
        if split not in self._splits:
            self._splits[split] = _Split(self._folder, split, self._categories, self._licences)
        return self._splits[split]


class _Split:
    """panoptic_<split>.json and instances_<split>.json while they grow: rows of images wait in a file."""

    def __init__(self, folder: Path, split: str, categories: Categories, licences: list[str]) -> None:
        self.images = 0
        self.licences = {name: number for number, name in enumerate(licences, start=1)}
        self._instances = 0
        self._pictures = folder / f"panoptic_{split}"
        self._pictures.mkdir(parents=True)
        self._waiting = (folder / f".images_{split}").open("w+b")
        self._files: dict[str, BinaryIO] = {}
        for name in ("panoptic", "instances"):
            self._files[name] = (folder / f"{name}_{split}.json").open("wb")
            rows = orjson.dumps(categories.rows(panoptic=name == "panoptic"))
            about = orjson.dumps({"description": f"Terra-CoT, {split}", "version": "1.0"})
            # A licence is the name that its source states; where it is an address, that is in the name.
            named = orjson.dumps([{"id": number, "name": name, "url": ""} for name, number in self.licences.items()])
            self._files[name].write(
                b'{"info": %b,\n"licenses": %b,\n"categories": %b,\n"annotations": [' % (about, named, rows)
            )

    def instance(self, row: dict[str, Any]) -> None:
        self._instances += 1
        self._add("instances", {"id": self._instances, **row}, self._instances == 1)

    def image(self, image: dict[str, Any], annotation: dict[str, Any]) -> None:
        self.images += 1
        self._waiting.write((b"\n" if self.images == 1 else b",\n") + orjson.dumps(image))
        self._add("panoptic", annotation, self.images == 1)

    def picture(self, name: str, ids: NDArray[np.uint32]) -> None:
        path = self._pictures / name
        path.parent.mkdir(exist_ok=True)
        channels = [(ids >> shift) & 255 for shift in (0, 8, 16)]
        path.write_bytes(encode.png(np.stack(channels, axis=-1).astype(np.uint8)))

    def close(self) -> None:
        for file in self._files.values():
            file.write(b'\n],\n"images": [')
            self._waiting.seek(0)
            while block := self._waiting.read(1 << 20):
                file.write(block)
            file.write(b"\n]}\n")
            file.close()
        self._waiting.close()
        Path(self._waiting.name).unlink()

    def _add(self, name: str, row: dict[str, Any], first: bool) -> None:
        self._files[name].write((b"\n" if first else b",\n") + orjson.dumps(row))


TARGET = Target("coco", write)
