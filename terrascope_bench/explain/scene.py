"""Files that a person names become one scene: what is optical, what is SAR, which date each shows; nothing is guessed.

A name before the file says its date, `t0=before.tif` or `2024-05-01=before.tif`; else the file's DATETIME tag does;
where one of several images has neither, they are taken in the order of the command line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from terra_cot.errors import ConfigError, DataError, GridError
from terra_cot.geo.grid import Grid
from terra_cot.scene import SarUnit, Scene, SceneFrame
from terra_cot.timeline import iso, name_frames, parse_datetime

PAIR_DAYS = 6.0
"""A SAR image within so many days of an optical one shows its date, as in the sources of datasets."""

DatesFrom = Literal["names", "times", "order"]
_NAMED = re.compile(r"(t\d{1,3}|\d{4}-?\d\d-?\d\d[^=]*)=(.+)")
_BAND = re.compile(r"(?:^|_)(B\d{1,2}|B8A|VV|VH)$")
_POLARISATIONS = {"VV", "VH"}
_MEND = {
    "unknown_sar_unit": "say it: --sar-unit dB, linear or amplitude",
    "scale_not_chosen": "say it: --offset declared (value * scale + offset is reflectance), or 0 (as they are)",
}


@dataclass(frozen=True, slots=True)
class Files:
    """What was named: `images` whose bands tell what they are, and `sar`; and what the files themselves do not say.

    `bands` and `sar_bands` name the bands of every optical and SAR image in file order.
    """

    images: tuple[str, ...]
    sar: tuple[str, ...] = ()
    bands: tuple[str, ...] | None = None
    sar_bands: tuple[str, ...] | None = None
    sar_unit: SarUnit | None = None
    offset: float | Literal["declared"] | None = None
    nodata: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The scene, and what its dates follow from."""

    scene: Scene
    dates_from: DatesFrom


@dataclass(frozen=True, slots=True)
class _Image:
    """One file: its frame without a name, its grid, and the name of a date that the user gave it."""

    frame: SceneFrame
    grid: Grid
    named: str | None


def open_scene(given: Files) -> Found:
    """The scene of the files, on the grid of the first optical image (the first SAR image where there is none).

    Raises:
        ConfigError: no file; dates that contradict each other. DataError: a file that cannot be used.
    """
    if not given.images and not given.sar:
        raise ConfigError("name at least one image")
    found = [_image(text, given, False) for text in given.images] + [_image(text, given, True) for text in given.sar]
    first = next((image for image in found if image.frame.modality == "optical"), found[0])
    frames, dates_from = _dated(found)
    path = Path(first.frame.assets[0].path)
    return Found(Scene(path.stem, "explain", "/", frames, first.grid), dates_from)


def _image(text: str, given: Files, sar: bool) -> _Image:
    """The image that `text` names: a file, or several that each hold some of its bands, with commas between."""
    named, path = _split(text)
    places = [Path(path)] if Path(path).is_file() else [Path(part.strip()) for part in path.split(",")]
    for place in places:
        if not place.is_file():
            raise DataError("no such file", file=place)
    places = [place.resolve() for place in places]
    bands, is_sar = _bands(places, given, sar)
    if not is_sar:
        _need_colours(path, [name for names in bands for name in names])
    from terra_cot.sources.rasters.find import Found as Paths
    from terra_cot.sources.rasters.frames import frame_of
    from terra_cot.sources.rasters.options import FramePattern, RastersOptions

    names = [f"file {number}" for number in range(len(places))]
    entry = FramePattern(
        modality="sar" if is_sar else "optical",
        files=tuple(names),
        bands=tuple(bands),
        nodata=given.nodata,
        offset=None if is_sar else given.offset,
        unit=given.sar_unit if is_sar else None,
    )
    stated = "" if named is None or named.startswith("t") else named
    paths: dict[str, Paths] = {name: {"": {stated: str(at)}} for name, at in zip(names, places, strict=True)}
    try:
        read = frame_of(Path("/"), "", stated, entry, paths, RastersOptions(frames=(entry,)), dated=False)
        moment = iso(parse_datetime(stated)) if stated else read.frame.datetime
    except DataError as error:
        mend = _MEND.get(error.reason, error.fix)
        raise DataError(
            error.problem, file=path, field=error.field, got=error.got, expected=error.expected, fix=mend
        ) from None
    return _Image(replace(read.frame, datetime=moment), read.grid, named if named and named.startswith("t") else None)


def _need_colours(path: str, bands: Sequence[str]) -> None:
    """A lone band makes a grey picture, which no model here was taught: nothing is asked of it.

    Raises:
        DataError: there are no red, green and blue.
    """
    from terra_cot.pixels.display import TRUE_COLOUR

    if not any(set(names) <= set(bands) for names in TRUE_COLOUR):
        raise DataError(
            "no true-colour bands",
            file=path,
            got=list(bands),
            expected="B04, B03, B02",
            fix="give the three together, as B02.tif,B03.tif,B04.tif; or name the bands in file order: "
            "--bands B02,B03,B04",
        )


def _split(text: str) -> tuple[str | None, str]:
    """(date or None, path): a file whose own name looks like a dated one is a file."""
    found = _NAMED.fullmatch(text)
    return (found[1], found[2]) if found and not Path(text).exists() else (None, text)


def _bands(places: Sequence[Path], given: Files, sar: bool) -> tuple[list[tuple[str, ...]], bool]:
    """(band names of each file, whether they are SAR) of the files of one image."""
    headers = [_header(place) for place in places]
    own = [names for _, names in headers]
    is_sar = sar or _POLARISATIONS.issubset(name for names in own for name in names or ())
    stated = given.sar_bands if is_sar else given.bands
    counts = [count for count, _ in headers]
    if stated is None and None not in own:
        return [names for names in own if names is not None], is_sar
    if stated is None or len(stated) != sum(counts):
        flag = "--sar-bands VV,VH" if is_sar else "--bands B02,B03,B04"
        raise DataError(
            "bands without a name" if stated is None else "another number of bands than names",
            file=next(place for place, names in zip(places, own, strict=True) if names is None or stated),
            got=f"{sum(counts)} bands" + (f", {len(stated)} names" if stated else ""),
            fix=f"name them in file order: {flag}",
        )
    ends = [sum(counts[: number + 1]) for number in range(len(counts))]
    return [stated[end - count : end] for end, count in zip(ends, counts, strict=True)], is_sar


def _header(place: Path) -> tuple[int, tuple[str, ...] | None]:
    """(number of bands, their names or None) of a file that has a place on Earth.

    Names are those of the file: descriptions; else red, green and blue by their colour interpretation; else, of a
    single band, the Sentinel band at the end of the file's own name, as `..._B04.tif`.
    """
    from terra_cot.geo.gcps import tie_of
    from terra_cot.pixels.header import opened

    with opened(place) as dataset:
        if dataset.crs is None and tie_of(dataset) is None:
            raise GridError(
                "no CRS: a scene to explain has a place on Earth",
                file=place,
                fix="write it back with `rio edit-info --crs`, or gdal_edit.py -a_srs",
            )
        if all(dataset.descriptions):
            return dataset.count, tuple(dataset.descriptions)
        colours = tuple(entry.name for entry in dataset.colorinterp)
        if {"red", "green", "blue"} <= set(colours) and len(set(colours)) == len(colours):
            return dataset.count, colours
        band = _BAND.search(place.stem)
        return dataset.count, (band[1],) if band and dataset.count == 1 else None


def _dated(found: Sequence[_Image]) -> tuple[tuple[SceneFrame, ...], DatesFrom]:
    """Frames with their names, oldest date first, optical before SAR."""
    named = [image for image in found if image.named]
    if named:
        if len(named) < len(found):
            path = next(image for image in found if not image.named).frame.assets[0].path
            raise ConfigError(f"{path}: other images are named by date; write tK= before this one too")
        frames, rule = [replace(image.frame, frame=cast(str, image.named)) for image in found], "names"
    elif all(image.frame.datetime for image in found):
        timed, drops = name_frames("scene", [image.frame for image in found], PAIR_DAYS)
        if drops:
            raise ConfigError(f"{drops[0].item.partition('/')[2]}: {drops[0].detail}; name the dates: t0=FILE t1=FILE")
        return timed, "times"
    else:
        frames, rule = _in_order(found), "order"
    twice = [name for name, count in Counter((frame.frame, frame.modality) for frame in frames).items() if count > 1]
    if twice:
        raise ConfigError(f"{twice[0][0]} has two {twice[0][1]} images; give each date one of a kind")
    frames.sort(key=lambda frame: (int(frame.frame[1:]), frame.modality))
    return tuple(frames), cast(DatesFrom, rule)


def _in_order(found: Sequence[_Image]) -> list[SceneFrame]:
    """t0, t1, ... in the order given; the n-th SAR image beside the n-th optical one."""
    frames: list[SceneFrame] = []
    counts = Counter(image.frame.modality for image in found)
    if len(counts) == 2 and counts["optical"] != counts["sar"]:
        raise ConfigError(
            f"{counts['optical']} optical and {counts['sar']} SAR images, and not all have a DATETIME tag: "
            "name the dates, t0=FILE t1=FILE"
        )
    for modality in counts:
        of_kind = [image.frame for image in found if image.frame.modality == modality]
        frames += [replace(frame, frame=f"t{number}") for number, frame in enumerate(of_kind)]
    return frames
