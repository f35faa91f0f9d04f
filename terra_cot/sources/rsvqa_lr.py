"""RSVQA-LR as published: Images_LR/ID.tif (R, G, B, 256 x 256 pixels of 10 m), LR_split_SPLIT_images.json beside.

Each JSON holds {"images": [{"id", "active", ...}]}: a record that is not active belongs to another split or to none. No
masks are published, so that tiles have no label map; questions and answers (LR_split_SPLIT_questions.json, ..._answers
.json) are not read here. Where the layout is known from: Zenodo record 6344334 and Lobry et al. 2020 (Sentinel-2, 10 m,
772 images of 256 x 256, split by Sentinel-2 tile), programs that read the archive for names and keys. Not confirmed:
whether the TIFF files carry a CRS (if they do it is used), and the licence, CC-BY-4.0 where the set is mirrored.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from terra_cot.errors import DataError
from terra_cot.geo.grid import grid_of
from terra_cot.listing import Entry, Place
from terra_cot.pixels.header import opened
from terra_cot.scene import Asset, Drop, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.tile import Split

SIZE_PX, GSD_M = 256, 10.0
_SPLITS = {"train": "train", "val": "validation", "test": "test"}


class RsvqaLrOptions(Options):
    """`splits` keeps images of these splits only."""

    splits: tuple[Split, ...] = ("train", "validation", "test")
    licence: str = "CC-BY-4.0"


def scan(root: Path, options: RsvqaLrOptions) -> Iterator[Entry]:
    """One place an image, in order of its number."""
    found = {path.stem: path for path in (root / "Images_LR").glob("*.tif")}
    if not found:
        raise DataError("not an RSVQA-LR archive", file=root, expected="Images_LR/ID.tif")
    splits, drops = _splits(root)
    yield from drops
    for name in sorted({*found, *splits}, key=lambda name: (len(name), name)):
        claims, item = splits.get(name, []), f"rsvqa-lr_{name}"
        if name not in found:
            yield Drop("scene", item, "missing_file", f"no Images_LR/{name}.tif")
        elif not claims:
            yield Drop("scene", item, "not_in_metadata", "active in no split")
        elif len(set(claims)) > 1:
            yield Drop("scene", item, "two_splits", ", ".join(claims))
        elif claims[0] not in options.splits:
            yield Drop("scene", item, "split_not_asked", claims[0])
        else:
            if len(claims) > 1:
                yield Drop("scene", item, "duplicate_scene", f"named {len(claims)} times, kept once")
            describe = partial(_described, root, found[name], item, claims[0], options.licence)
            yield Place(item, (found[name],), describe, (claims[0],))


def _described(root: Path, path: Path, item: str, split: str, licence: str) -> Iterator[Scene | Drop]:
    try:
        yield _scene(root, path, item, split, licence)
    except DataError as error:
        yield Drop.of("scene", item, error)


def _scene(root: Path, path: Path, item: str, split: str, licence: str) -> Scene:
    with opened(path) as dataset:
        shape, kinds = dataset.shape, set(dataset.dtypes)
        if shape != (SIZE_PX, SIZE_PX):
            raise DataError("not of RSVQA-LR's size", file=path, got=shape, expected="256 x 256", reason="wrong_size")
        if dataset.count != 3 or kinds != {"uint8"}:
            got = f"{dataset.count} bands of {', '.join(sorted(kinds))}"
            raise DataError("not 8-bit RGB", file=path, got=got, reason="wrong_bands")
        grid = grid_of(dataset, GSD_M if dataset.crs is None else None)
    asset = Asset(path.relative_to(root).as_posix(), ("R", "G", "B"))
    return Scene(
        scene_id=item,
        source="rsvqa-lr",
        root=str(root),
        frames=(SceneFrame("t0", None, "optical", (asset,)),),
        grid=grid,
        licence=licence,
        split=split,
        whole=True,
    )


def _splits(root: Path) -> tuple[dict[str, list[str]], list[Drop]]:
    """Image number, as text, -> the splits that it is active in; and the records that cannot be read."""
    splits: dict[str, list[str]] = {}
    drops: list[Drop] = []
    for key, split in _SPLITS.items():
        path = root / f"LR_split_{key}_images.json"
        for row, record in enumerate(_records(path)):
            number = record.get("id") if isinstance(record, dict) else None
            if not isinstance(number, int) or isinstance(number, bool) or not isinstance(record.get("active"), bool):
                drops.append(Drop("scene", f"{path.name}:{row}", "bad_record", "no id, or not told whether active"))
            elif record["active"]:
                splits.setdefault(str(number), []).append(split)
    return splits, drops


def _records(path: Path) -> list[Any]:
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", file=path) from None
    except orjson.JSONDecodeError as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    records = document.get("images") if isinstance(document, dict) else None
    if not isinstance(records, list):
        raise DataError('not a list of images under "images"', file=path)
    return records


SOURCE = Source("rsvqa-lr", "RSVQA-LR", "CC-BY-4.0", RsvqaLrOptions, scan)
