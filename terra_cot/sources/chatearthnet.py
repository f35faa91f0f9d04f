"""ChatEarthNet as published: s2_images/NAME.png (R, G, B), json_files/ChatEarthNet_caps_35_SPLIT.json with its splits.

Beside it, where they are: s1_images/vv/NAME.png and s1_images/vh/NAME.png (8-bit grey), and a folder of ESA WorldCover
codes, NAME.png or NAME.tif, named by `labels`. All are 256 x 256 pixels of 10 m without a place or a date.

Where the layout is known from. Zenodo record 11003436 and the paper (Yuan et al. 2025, ESSD 17): JSON, Sentinel-2 as
RGB, CC-BY-4.0; it has neither Sentinel-1 nor label maps. Programs that read the unpacked archive: names of the JSON
files, the keys `image` or `image_id` and `caption`, the folder s2_images inside s2_rgb_images.zip. TerraScope's own
loader: s1_images with vv and vh, one name for all. Nobody publishes the label maps as codes (the authors' caption
script reads them as coloured PNG), so that their folder and its file names are this project's choice.
The Sentinel-1 PNG hold display values: how they were made from backscatter is not told, so they are no decibels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import orjson
from affine import Affine
from pydantic import field_validator

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.listing import Entry, Place, Total
from terra_cot.pixels.header import picture
from terra_cot.scene import Asset, Drop, LabelAsset, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.store.index import Index
from terra_cot.store.walk import walk
from terra_cot.tile import Split

SIZE_PX, GSD_M = 256, 10.0
_IMAGES = ("s2_images", "s2_rgb_images/s2_images", "s2_rgb_images")
_SAR = ("s1_images", ".")
_POLARISATIONS = ("VV", "VH")
_PATH = "path"
_SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
_GRID = Grid(None, Affine.scale(GSD_M, -GSD_M), SIZE_PX, SIZE_PX, GSD_M)


class ChatEarthNetOptions(Options):
    """`labels`: folder of WorldCover maps below the root; None leaves the tiles unlabelled. `captions`: the JSON files
    whose splits hold, and whose images are taken. `sar` False leaves Sentinel-1 out."""

    splits: tuple[Split, ...] = ("train", "validation", "test")
    labels: str | None = None
    captions: Literal["35", "4v"] = "35"
    sar: bool = True
    licence: str = "CC-BY-4.0"

    @field_validator("labels")
    @classmethod
    def _below(cls, folder: str | None) -> str | None:
        if folder is not None and (PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts):
            raise ValueError(f"{folder!r}: write it relative to source.root, without ..")
        return folder


def scan(root: Path, options: ChatEarthNetOptions) -> Iterator[Entry]:
    """One place an image, in order of name. Its split is that of its folder (s2_images/train/...) or of the JSON."""
    images = next((root / name for name in _IMAGES if _holds_png(root / name)), None)
    if images is None:
        raise DataError("not a ChatEarthNet archive", file=root, expected="s2_images/NAME.png")
    labels = root / options.labels if options.labels else None
    if labels and not labels.is_dir():
        raise DataError("no folder of label maps", file=labels, fix="set source.labels, or null for none")
    sar = next((root / name for name in _SAR if (root / name / "vv").is_dir() or (root / name / "vh").is_dir()), None)
    with Index() as index:
        if not _images(images, index):
            yield from _captions(root, options.captions, index)
        yield Total(len(index))
        for name, fields in index.items():
            scene_id, below = PurePosixPath(name).stem, fields.pop(_PATH, None)
            claims = [fields[field] for field in sorted(fields)]
            if below is None:
                yield Drop("scene", scene_id, "missing_file", f"no {name} in {images.relative_to(root)}")
            elif not claims:
                yield Drop("scene", scene_id, "not_in_metadata", "neither a folder nor a caption tells its split")
            elif len(set(claims)) > 1:
                yield Drop("scene", scene_id, "two_splits", ", ".join(claims))
            elif claims[0] not in options.splits:
                yield Drop("scene", scene_id, "split_not_asked", claims[0])
            else:
                if len(claims) > 1:
                    yield Drop("scene", scene_id, "duplicate_scene", f"named {len(claims)} times, kept once")
                image = images / below
                files = (image, *_sar_files(sar, image), *_label_files(labels, scene_id))
                describe = partial(_scene, root, image, claims[0], sar, labels, options)
                yield Place(scene_id, files, describe, (below, claims[0]))


def _scene(
    root: Path, image: Path, split: str, sar: Path | None, labels: Path | None, options: ChatEarthNetOptions
) -> Iterator[Scene | Drop]:
    scene_id = image.stem
    try:
        optical = _asset(root, image, "RGB", ("R", "G", "B"))
        label = _label(root, labels, scene_id) if labels else None
    except DataError as error:
        yield Drop.of("scene", scene_id, error)
        return
    if labels and label is None:
        yield Drop("frame", f"{scene_id}/label", "missing_label", f"no {scene_id}.png or .tif in {options.labels}")
    frames = [SceneFrame("t0", None, "optical", (optical,))]
    if options.sar:
        try:
            if sar is None:
                raise DataError("no folder s1_images/vv or s1_images/vh", reason="missing_sar")
            pair = [
                _asset(root, path, "L", (band,), "missing_sar")
                for band, path in zip(_POLARISATIONS, _sar_files(sar, image), strict=True)
            ]
            frames.append(SceneFrame("t0", None, "sar", tuple(pair)))
        except DataError as error:
            yield Drop.of("frame", f"{scene_id}/sar", error)
    yield Scene(
        scene_id=scene_id,
        source="chatearthnet",
        root=str(root),
        frames=tuple(frames),
        grid=_GRID,
        label=label,
        label_frame="t0" if label else None,
        licence=options.licence,
        split=split,
        whole=True,
    )


def _asset(root: Path, path: Path, mode: str, bands: tuple[str, ...], missing: str = "missing_file") -> Asset:
    """A picture of the archive, its header checked."""
    if not path.is_file():
        raise DataError("is missing", file=path, reason=missing)
    header = picture(path)
    _check_size(path, header.shape)
    if header.mode != mode:
        what = {"L": "8-bit grey", "RGB": "8-bit RGB"}[mode]
        raise DataError("another kind of picture", file=path, got=header.mode, expected=what, reason="wrong_bands")
    return Asset(path.relative_to(root).as_posix(), bands)


def _sar_files(sar: Path | None, image: Path) -> list[Path]:
    return [sar / band.lower() / image.name for band in _POLARISATIONS] if sar else []


def _label_files(labels: Path | None, scene_id: str) -> list[Path]:
    """Where the label map of a scene may be."""
    return [labels / f"{scene_id}.{end}" for end in ("png", "tif")] if labels else []


def _label(root: Path, labels: Path, scene_id: str) -> LabelAsset | None:
    path = next((path for path in _label_files(labels, scene_id) if path.is_file()), None)
    if path is None:
        return None
    _check_size(path, picture(path).shape)
    return LabelAsset(path.relative_to(root).as_posix(), "worldcover")


def _check_size(path: Path, shape: tuple[int, int]) -> None:
    if shape != _GRID.shape:
        got = f"{shape[0]} x {shape[1]} px"
        raise DataError("not of ChatEarthNet's size", file=path, got=got, expected="256 x 256 px", reason="wrong_size")


def _holds_png(folder: Path) -> bool:
    places = (folder, *(folder / name for name in _SPLITS))
    return any(next(place.glob("*.png"), None) for place in places)


def _images(folder: Path, index: Index) -> bool:
    """Put the image files by name, and the split of every folder named after a split; False without such folders."""
    split_told = False
    for name in walk(folder, "*.png"):
        index.put(name, _PATH, name)
    for number, (inner, split) in enumerate(_SPLITS.items()):
        for below in walk(folder, f"{inner}/*.png"):
            name = PurePosixPath(below).name
            index.put(name, _PATH, below)
            index.put(name, f"{number}", split)
            split_told = True
    return split_told


def _captions(root: Path, kind: str, index: Index) -> list[Drop]:
    """Put the split of every caption by the image that it names; the records that name none are dropped."""
    files = {
        split: root / "json_files" / f"ChatEarthNet_caps_{kind}_{split}.json" for split in ("train", "val", "test")
    }
    if not any(path.is_file() for path in files.values()):
        raise DataError("nothing tells the splits", file=root, expected=f"json_files/{files['train'].name}")
    drops: list[Drop] = []
    for number, (split, path) in enumerate(files.items()):
        for row, record in enumerate(_records(path) if path.is_file() else []):
            named = record.get("image", record.get("image_id")) if isinstance(record, dict) else None
            if isinstance(named, str) and named:
                index.put(named, f"{number} {row:012d}", _SPLITS[split])
            else:
                drops.append(Drop("scene", f"{path.name}:{row}", "bad_record", "a caption that names no image"))
    return drops


def _records(path: Path) -> list[Any]:
    try:
        records = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    if not isinstance(records, list):
        raise DataError("not a list of captions", file=path, got=type(records).__name__)
    return records


SOURCE = Source("chatearthnet", "ChatEarthNet", "CC-BY-4.0", ChatEarthNetOptions, scan)
