"""Any GeoTIFFs (or whatever GDAL reads) by patterns: `{scene}` and `{date}` in a path say what a file belongs to.

Band names come from the files' band descriptions or from the recipe, dates from the DATETIME tag or from `{date}`;
neither is guessed. All frames of a scene are brought to the grid of the finest optical file of its first date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, model_validator

from terra_cot.cloud.formats import FORMATS, MaskFormat
from terra_cot.errors import DataError, GridError, did_you_mean
from terra_cot.grid import Grid, grid_of
from terra_cot.header import opened
from terra_cot.index import Index
from terra_cot.legend import LEGENDS
from terra_cot.listing import Entry, Place, Total
from terra_cot.scene import Asset, CloudAsset, Drop, LabelAsset, SarUnit, Scene, SceneFrame
from terra_cot.sources import Options, Source
from terra_cot.tile import Modality
from terra_cot.timeline import iso, name_frames, parse_datetime
from terra_cot.walk import walk

_SCENE = r"(?P<scene>[^/]+?)"
_DATE = r"(?P<date>\d{4}-?\d{2}-?\d{2}(?:T\d{2}:?\d{2}:?\d{2})?)"


class FramePattern(Options):
    """Files that make one frame: all `files` patterns of one scene and date together.

    `cloud` is a mask file; what in it means cloud or shadow is a named `cloud_format`, or else `cloud_codes` and
    `cloud_bits` (0 is the lowest). `unit` is what a SAR image holds: linear (power), amplitude or dB.
    """

    modality: Modality
    files: tuple[str, ...] = Field(min_length=1)
    bands: tuple[tuple[str, ...], ...] | None = None
    cloud: str | None = None
    cloud_format: str | None = None
    cloud_codes: tuple[int, ...] = (1, 2)
    cloud_bits: tuple[Annotated[int, Field(ge=0, lt=64)], ...] = ()
    unit: SarUnit | None = None

    @model_validator(mode="after")
    def _check(self) -> FramePattern:
        if self.bands is not None:
            if len(self.bands) != len(self.files):
                raise ValueError(f"bands names {len(self.bands)} files, files lists {len(self.files)}")
            names = [name for entry in self.bands for name in entry]
            if len(set(names)) < len(names) or not all(names):
                raise ValueError("a band name is empty or given twice")
        if self.unit is not None and self.modality != "sar":
            raise ValueError("unit is that of a SAR image; the scale of an optical one is tile.cloud.reflectance")
        if self.cloud_format is not None:
            if self.cloud_format not in FORMATS:
                hint = did_you_mean(self.cloud_format, tuple(FORMATS))
                raise ValueError(f"no cloud_format {self.cloud_format}{hint} (known: {', '.join(FORMATS)})")
            if {"cloud_codes", "cloud_bits"} & self.model_fields_set:
                raise ValueError(
                    "cloud_format says which codes and bits are cloud: leave cloud_codes and cloud_bits out"
                )
        return self

    def mask_format(self) -> MaskFormat:
        """What the mask file calls cloud or shadow; bits alone are not joined by the default codes."""
        if self.cloud_format is not None:
            return FORMATS[self.cloud_format]
        codes = () if self.cloud_bits and "cloud_codes" not in self.model_fields_set else self.cloud_codes
        return MaskFormat(codes, self.cloud_bits)


class RastersOptions(Options):
    """`gsd_m` asks for a pixel size in metres. Rasters without a CRS are refused unless `allow_no_crs` says that none
    is meant: their pixel size is then `gsd_m`, and they have no place on Earth."""

    frames: tuple[FramePattern, ...] = Field(min_length=1)
    label: str | None = None
    legend: str | None = None
    label_frame: Literal["first", "last"] = "first"
    gsd_m: float | None = Field(None, gt=0, allow_inf_nan=False)
    allow_no_crs: bool = False
    pair_days: float = Field(6.0, ge=0)
    split: str = "train"
    licence: str = "unknown"

    @model_validator(mode="after")
    def _check(self) -> RastersOptions:
        for text in _all_patterns(self):
            if not text or PurePosixPath(text).is_absolute() or ".." in PurePosixPath(text).parts:
                raise ValueError(f"pattern {text!r}: write it relative to source.root, without ..")
        if self.label and not self.legend:
            raise ValueError(f"a label map needs a legend ({', '.join(LEGENDS)})")
        if self.legend and self.legend not in LEGENDS:
            raise ValueError(f"no legend {self.legend}{did_you_mean(self.legend, tuple(LEGENDS))}")
        if self.label and "{date}" in self.label:
            raise ValueError("label: one map describes the first or the last date of a scene; leave {date} out")
        if self.allow_no_crs and self.gsd_m is None:
            raise ValueError("allow_no_crs needs gsd_m: nothing else tells the pixel size")
        return self


Found = dict[str, dict[str, str]]  # scene -> date ("" without one) -> path below the root


def scan(root: Path, options: RastersOptions, name: str = "rasters") -> Iterator[Entry]:
    """One place for every value of `{scene}`, in order."""
    texts = list(dict.fromkeys(_all_patterns(options)))
    imagery = {texts.index(text) for entry in options.frames for text in entry.files}
    with Index() as index:
        for number, text in enumerate(texts):
            _find(root, text, number, index)
        yield Total(len(index))
        empty = True
        for scene_id, fields in index.items():
            patterns: dict[str, Found] = {text: {} for text in texts}
            numbers = set()
            for field, path in fields.items():
                which, _, date = field.partition(" ")
                numbers.add(int(which))
                patterns[texts[int(which)]].setdefault(scene_id, {})[date] = path
            if numbers & imagery:
                empty = False
                files = tuple(root / path for path in fields.values())
                describe = partial(_scene, root, scene_id, options, patterns, name)
                yield Place(scene_id, files, describe, (sorted(fields.items()), name))
    if empty:
        raise DataError("no file matches", file=root, expected=[list(entry.files) for entry in options.frames])


def _all_patterns(options: RastersOptions) -> list[str]:
    texts = [
        text
        for entry in options.frames
        for text in (*entry.files, *((entry.cloud,) if entry.cloud is not None else ()))
    ]
    return texts + ([options.label] if options.label else [])


def _find(root: Path, pattern: str, number: int, index: Index) -> None:
    """Put the paths that fit a pattern into the index, by scene and date."""
    expression = re.compile("".join(_expressions(pattern)))
    clash: tuple[str, str, str] | None = None
    for below in walk(root, pattern.replace("{scene}", "*").replace("{date}", "*")):
        match = expression.fullmatch(below)
        if match:
            groups = match.groupdict()
            scene, field = groups.get("scene") or root.name, f"{number} {_plain_date(groups.get('date'))}"
            if not index.add(scene, field, below):
                earlier, later = sorted((index.get(scene)[field], below))
                if earlier != later:  # `**/` may lead to one file in two ways
                    clash = min(clash or (scene, earlier, later), (scene, earlier, later))
    if clash:
        raise DataError(
            "two files fit one place of the pattern",
            file=root,
            got=list(clash[1:]),
            expected=f"one for scene {clash[0]}",
            fix=f"make the pattern {pattern} tell them apart with {{scene}} or {{date}}",
        )


def _expressions(pattern: str) -> Iterator[str]:
    """A pattern as pieces of a regular expression. `*` stands for part of a name, `**/` for any folders."""
    seen: set[str] = set()
    for piece in re.split(r"(\{scene\}|\{date\})", pattern):
        if piece in ("{scene}", "{date}"):
            group = "scene" if piece == "{scene}" else "date"
            yield f"(?P={group})" if group in seen else (_SCENE if group == "scene" else _DATE)
            seen.add(group)
        else:
            yield re.escape(piece).replace(r"\*\*/", "(?:[^/]+/)*").replace(r"\*", "[^/]*")


def _plain_date(text: str | None) -> str:
    return "" if text is None else text.replace("-", "").replace(":", "")


def _scene(
    root: Path, scene_id: str, options: RastersOptions, patterns: dict[str, Found], name: str
) -> Iterator[Scene | Drop]:
    frames: list[SceneFrame] = []
    grids: dict[str, Grid] = {}
    for entry in options.frames:
        dates = sorted({date for text in entry.files for date in patterns[text].get(scene_id, {})})
        for date in dates:
            item = f"{scene_id}/{entry.modality}/{date or 'undated'}"
            absent = [text for text in entry.files if date not in patterns[text].get(scene_id, {})]
            if absent:
                yield Drop("frame", item, "missing_file", ", ".join(absent))
                continue
            try:
                frame, grid = _frame(root, scene_id, date, entry, patterns, options)
            except DataError as error:
                yield Drop.of("frame", item, error)
            else:
                if entry.cloud and frame.cloud is None:
                    yield Drop("frame", f"{item}/cloud", "missing_cloud_mask", entry.cloud)
                frames.append(frame)
                grids[frame.assets[0].path] = grid
    if not frames:
        yield Drop("scene", scene_id, "no_frames", "every frame was dropped")
        return
    named, drops = name_frames(scene_id, frames, options.pair_days)
    yield from drops
    first = next((frame for frame in named if frame.modality == "optical"), named[0])
    label = patterns[options.label].get(scene_id, {}).get("") if options.label else None
    if options.label and label is None:
        yield Drop("frame", f"{scene_id}/label", "missing_label", options.label)
    ends = (named[0].frame, named[-1].frame)
    yield Scene(
        scene_id=scene_id,
        source=name,
        root=str(root),
        frames=named,
        grid=grids[first.assets[0].path],
        label=LabelAsset(label, options.legend) if label and options.legend else None,
        label_frame=ends[0 if options.label_frame == "first" else 1] if label else None,
        licence=options.licence,
        split=options.split,
    )


def _frame(
    root: Path, scene_id: str, date: str, entry: FramePattern, patterns: dict[str, Found], options: RastersOptions
) -> tuple[SceneFrame, Grid]:
    """A frame from the headers of its files, and the grid of the finest of them."""
    assets: list[Asset] = []
    grids: list[Grid] = []
    tagged: str | None = None
    for number, text in enumerate(entry.files):
        path = patterns[text][scene_id][date]
        with opened(root / path) as dataset:
            named = entry.bands[number] if entry.bands else dataset.descriptions
            bands = tuple(band for band in named if band)
            tagged = tagged or dataset.tags().get("DATETIME")
            if dataset.crs is None and not options.allow_no_crs:
                raise GridError(
                    "no CRS",
                    file=path,
                    fix="write it back with `rio edit-info --crs`, or set allow_no_crs if it has no place",
                    reason="no_crs",
                )
            grids.append(grid_of(dataset, options.gsd_m))
            count = dataset.count
        if len(bands) != count:
            raise DataError(
                "bands without a name",
                file=path,
                got=list(bands),
                expected=f"{count} names",
                fix="set band descriptions in the file or `bands` in the recipe",
                reason="unnamed_bands",
            )
        assets.append(Asset(path, bands))
    names = [band for asset in assets for band in asset.bands]
    if len(set(names)) < len(names):
        raise DataError("a band is there twice", file=assets[0].path, got=names, reason="duplicate_band")
    taken = tagged or date
    if not taken:
        raise DataError(
            "no date",
            file=assets[0].path,
            fix="set the DATETIME tag or put {date} into the pattern",
            reason="no_date",
        )
    finest = min(range(len(grids)), key=lambda number: (grids[number].gsd_m, number))
    ordered = (assets[finest], *(asset for number, asset in enumerate(assets) if number != finest))
    cloud = patterns[entry.cloud].get(scene_id, {}).get(date) if entry.cloud else None
    how = entry.mask_format()
    asset = CloudAsset(cloud, how.codes, how.bits) if cloud else None
    return SceneFrame("", iso(parse_datetime(taken)), entry.modality, ordered, asset, unit=entry.unit), grids[finest]


SOURCE = Source("rasters", "GeoTIFF", "stated in the recipe", RastersOptions, scan)
