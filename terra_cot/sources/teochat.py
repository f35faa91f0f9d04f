"""TEOChatlas, the set of TEOChat: train/instruct.json and eval/NAME.json, rows that ask about a series of images.

A row holds `video` (a list of image paths, despite its name), `dataset`, `metadata` (one object an image, some with a
`timestamp`, YYYY-MM-DD) and `conversations`. Rows with the same images are one scene; their questions and answers have
no masks and are not read here. Nothing tells the pixel size: the recipe must state it for each `dataset` it wants.
Where the layout is known from: TEOChat's own training and evaluation programs (ermongroup/TEOChat) for the keys, the
file list of jirvin16/TEOChatlas for the folders. Not confirmed: what the paths are relative to (the root, train/ and
eval/ are tried, in this order), and which rows have no timestamps (their frames have no date and keep the row's order).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from affine import Affine
from pydantic import Field

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.pixels.header import picture
from terra_cot.scene import Asset, Drop, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.timeline import iso, parse_datetime

_CHUNK = 1 << 22
Metres = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class TeoChatOptions(Options):
    """`gsd_m`: metres per pixel by the name of a row's `dataset`, such as {xBD: 0.5}; others are dropped."""

    gsd_m: dict[str, Metres] = Field(min_length=1)
    licence: str = "Apache-2.0"


def scan(root: Path, options: TeoChatOptions) -> Iterator[Scene | Drop]:
    """One scene a series of images: those of eval/ are test, then those of train/, each in the order of its file."""
    files = [(path, "test") for path in sorted((root / "eval").glob("*.json"))]
    files += [(path, "train") for path in (root / "train" / "instruct.json",) if path.is_file()]
    if not files:
        raise DataError("not a TEOChatlas archive", file=root, expected="train/instruct.json or eval/NAME.json")
    seen: dict[bytes, str] = {}
    for path, split in files:
        for row, record in enumerate(_rows(path)):
            images = record.get("video") if isinstance(record, dict) else None
            if not isinstance(images, list) or not images or not all(isinstance(name, str) for name in images):
                if not isinstance(record, dict) or "video" in record:
                    yield Drop("scene", f"{path.name}:{row}", "bad_record", "no list of images under video")
                continue  # rows of single images are GeoChat's, which TEOChatlas carries along
            key = hashlib.sha256("\n".join(images).encode()).digest()[:8]
            item = f"{PurePosixPath(images[0]).stem}_{key.hex()[:8]}"
            if key in seen:
                if seen[key] != split:
                    seen[key] = split
                    yield Drop("scene", item, "two_splits", "its images are in eval/ too, and stay there")
                continue
            seen[key] = split
            try:
                yield _scene(root, record, item, split, options)
            except DataError as error:
                yield Drop.of("scene", item, error)


def _scene(root: Path, record: dict[str, Any], item: str, split: str, options: TeoChatOptions) -> Scene:
    dataset = record.get("dataset")
    gsd_m = options.gsd_m.get(dataset) if isinstance(dataset, str) else None
    if gsd_m is None:
        raise DataError("no pixel size is stated", got=dataset, expected=list(options.gsd_m), reason="no_gsd")
    paths = [_place(root, name) for name in record["video"]]
    headers = [picture(path) for path in paths]
    for path, header in zip(paths, headers, strict=True):
        if header.mode != "RGB":
            raise DataError("not an RGB image", file=path, got=header.mode, reason="wrong_bands")
        if header.shape != headers[0].shape:
            raise DataError(
                "the images of a series differ in size",
                file=path,
                got=header.shape,
                expected=headers[0].shape,
                reason="wrong_size",
            )
    dated = sorted(zip(_dates(record), paths, strict=True), key=lambda pair: pair[0] or "")
    height, width = headers[0].shape
    return Scene(
        scene_id=item,
        source="teochat",
        root=str(root),
        frames=tuple(
            SceneFrame(f"t{number}", date, "optical", (Asset(path.relative_to(root).as_posix(), ("R", "G", "B")),))
            for number, (date, path) in enumerate(dated)
        ),
        grid=Grid(None, Affine.scale(gsd_m, -gsd_m), height, width, gsd_m),
        licence=options.licence,
        split=split,
        whole=True,
    )


def _place(root: Path, name: str) -> Path:
    below = PurePosixPath(name)
    if below.is_absolute() or ".." in below.parts:
        raise DataError("a path that leaves the archive", got=name, reason="missing_file")
    for folder in (root, root / "train", root / "eval"):
        if (folder / below).is_file():
            return folder / below
    raise DataError("is missing", file=name, reason="missing_file")


def _dates(record: dict[str, Any]) -> list[str | None]:
    """One date an image where every image has one, else none at all: half an order is no order."""
    metadata, count = record.get("metadata"), len(record["video"])
    entries = metadata if isinstance(metadata, list) and len(metadata) == count else []
    stamps = [entry.get("timestamp") if isinstance(entry, dict) else None for entry in entries]
    if not stamps or not all(isinstance(stamp, str) for stamp in stamps):
        return [None] * count
    return [iso(parse_datetime(str(stamp))) for stamp in stamps]


def _rows(path: Path) -> Iterator[Any]:
    """The elements of a JSON list, one at a time: instruct.json is 766 MB, too much to hold."""
    decoder, text, at, started = json.JSONDecoder(), "", 0, False
    with path.open(encoding="utf-8") as file:
        while True:
            chunk = file.read(_CHUNK)
            text, at = text[at:] + chunk, 0
            if not started:
                at = _skip(text, 0, " \t\r\n")
                if text[at : at + 1] not in ("[", ""):
                    raise DataError("not a list of rows", file=path)
                started, at = at < len(text), at + 1
            while (at := _skip(text, at, " \t\r\n,")) < len(text) and text[at] != "]":
                try:
                    value, at = decoder.raw_decode(text, at)
                except json.JSONDecodeError as error:
                    if chunk:
                        break  # the row goes on in the next chunk
                    raise DataError(f"not JSON ({error.msg})", file=path) from None
                yield value
            if text[at : at + 1] == "]":
                return
            if not chunk:
                raise DataError("a list of rows without its end: was it cut off?", file=path)


def _skip(text: str, at: int, blanks: str) -> int:
    while at < len(text) and text[at] in blanks:
        at += 1
    return at


SOURCE = Source("teochat", "TEOChatlas", "Apache-2.0", TeoChatOptions, scan)
