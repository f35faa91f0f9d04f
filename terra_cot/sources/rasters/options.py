"""What a recipe says about files: the patterns of their paths, and what is in them where they do not say it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from terra_cot.cloud.formats import FORMATS, MaskFormat
from terra_cot.errors import did_you_mean
from terra_cot.legend import LEGENDS
from terra_cot.scene import SarUnit
from terra_cot.sources import Options
from terra_cot.tile import Modality, Split

PLACEHOLDERS = ("scene", "date")
"""What may stand in braces in a pattern."""


class FramePattern(Options):
    """Files that make one frame: all `files` patterns of one scene and date together.

    Where other patterns have {scene} and these have none, they show many scenes (a Sentinel-1 swath), and are matched
    by the ground they cover.
    `cloud` is a mask file; what in it means cloud or shadow is a named `cloud_format`, or else `cloud_codes` and
    `cloud_bits` (0 is the lowest). `nodata` is the value without data where files do not declare it.
    `metadata`, one pattern for all files or one a file, says what the numbers mean: of optical files the product
    metadata of Sentinel-2 (offset, scale and no-data value), of SAR files the calibration files of Sentinel-1 (sigma0).
    `offset` is added to optical values to make them reflectance x 10000; "declared" takes the scale and offset that
    the files declare. `unit` is what a SAR image holds: linear (power), amplitude or dB; it wins over the files.
    """

    modality: Modality
    files: tuple[str, ...] = Field(min_length=1)
    bands: tuple[tuple[str, ...], ...] | None = None
    cloud: str | None = None
    cloud_format: str | None = None
    cloud_codes: tuple[int, ...] = (1, 2)
    cloud_bits: tuple[Annotated[int, Field(ge=0, lt=64)], ...] = ()
    metadata: tuple[str, ...] = ()
    nodata: float | None = Field(None, allow_inf_nan=False)
    offset: Annotated[float, Field(allow_inf_nan=False)] | Literal["declared"] | None = None
    unit: SarUnit | None = None

    @field_validator("cloud_format")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in FORMATS:
            hint = did_you_mean(name, tuple(FORMATS))
            raise ValueError(f"no cloud_format {name}{hint} (known: {', '.join(FORMATS)})")
        return name

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
        if self.offset is not None and self.modality != "optical":
            raise ValueError("offset is that of optical images; a SAR image has a unit")
        if self.metadata:
            if len(self.metadata) not in (1, len(self.files)):
                raise ValueError(f"metadata lists {len(self.metadata)} patterns, files {len(self.files)}: one or each")
            if self.offset is not None:
                raise ValueError("metadata say the offset: leave offset out")
            if self.unit not in (None, "amplitude"):
                raise ValueError("calibration files are for amplitudes: leave unit out")
        if self.cloud_format is not None and {"cloud_codes", "cloud_bits"} & self.model_fields_set:
            raise ValueError("cloud_format says which codes and bits are cloud: leave cloud_codes and cloud_bits out")
        named = ["{scene}" in text for text in self.files]
        if any(named) != all(named) or (not any(named) and any("{scene}" in text for text in self.patterns())):
            raise ValueError("{scene} stands in some patterns of a frame and not in others")
        return self

    def patterns(self) -> tuple[str, ...]:
        """Every pattern of the frame."""
        return tuple(text for _, text in self.fields())

    def fields(self) -> list[tuple[str, str]]:
        """Every pattern of the frame after the place where it is written, such as files[0]."""
        cloud = [("cloud", self.cloud)] if self.cloud is not None else []
        lists = (("files", self.files), ("metadata", self.metadata))
        files, metadata = ([(f"{key}[{at}]", text) for at, text in enumerate(texts)] for key, texts in lists)
        return [*files, *cloud, *metadata]

    def named(self) -> bool:
        """Whether the paths name the scene."""
        return "{scene}" in self.files[0]

    def mask_format(self) -> MaskFormat:
        """What the mask file calls cloud or shadow; bits alone are not joined by the default codes."""
        if self.cloud_format is not None:
            return FORMATS[self.cloud_format]
        codes = () if self.cloud_bits and "cloud_codes" not in self.model_fields_set else self.cloud_codes
        return MaskFormat(codes, self.cloud_bits)


class RastersOptions(Options):
    """`gsd_m` asks for a pixel size in metres. Rasters without a CRS are refused unless `allow_no_crs` says that none
    is meant: their pixel size is then `gsd_m`, and they have no place on Earth. `min_cover` is the share of a scene
    that an image matched by the ground must cover.

    A `label` without {date} is one map, of the first or the last date (`label_frame`). With {date} there is a map for
    each date: it describes the date whose images were taken on that day (or at that time, where {date} has one). A map
    that no image joins is dropped; of the joined ones the first or the last is the tile's `label`, the others its
    `label_series`."""

    frames: tuple[FramePattern, ...] = Field(min_length=1)
    label: str | None = None
    legend: str | None = None
    label_frame: Literal["first", "last"] = "first"
    gsd_m: float | None = Field(None, gt=0, allow_inf_nan=False)
    allow_no_crs: bool = False
    pair_days: float = Field(6.0, ge=0)
    min_cover: float = Field(0.5, gt=0, le=1)
    split: Split = "train"
    licence: str = "unknown"

    @field_validator("legend")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name and name not in LEGENDS:
            raise ValueError(f"no legend {name}{did_you_mean(name, tuple(LEGENDS))} (known: {', '.join(LEGENDS)})")
        return name

    @model_validator(mode="after")
    def _check(self) -> RastersOptions:
        for text in self.patterns():
            if not text or PurePosixPath(text).is_absolute() or ".." in PurePosixPath(text).parts:
                raise ValueError(f"pattern {text!r}: write it relative to source.root, without ..")
            unknown = next((name for name in re.findall(r"\{([^{}/]*)\}", text) if name not in PLACEHOLDERS), None)
            if unknown is not None:
                hint = did_you_mean(unknown, PLACEHOLDERS)
                known = " and ".join(f"{{{name}}}" for name in PLACEHOLDERS)
                raise ValueError(
                    f"pattern {text!r}: no placeholder {{{unknown}}}{hint} (known: {known}, and * for any)"
                )
        if self.label and not self.legend:
            raise ValueError(f"a label map needs a legend ({', '.join(LEGENDS)})")
        if self.label and "{date}" in self.label and "{scene}" not in self.label and self.by_name():
            raise ValueError("label: maps of many scenes are matched by their ground, not by date; leave {date} out")
        if self.allow_no_crs and self.gsd_m is None:
            raise ValueError("allow_no_crs needs gsd_m: nothing else tells the pixel size")
        return self

    def patterns(self) -> list[str]:
        """Every pattern, of frames and of the label map."""
        return [text for _, text in self.fields()]

    def fields(self) -> list[tuple[str, str]]:
        """Every pattern after the place where it is written, such as frames[0].files[0]."""
        frames = [(f"frames[{at}].{key}", text) for at, entry in enumerate(self.frames) for key, text in entry.fields()]
        return [*frames, *([("label", self.label)] if self.label else [])]

    def by_name(self) -> bool:
        """Whether any path names a scene: what does not is then matched by the ground it covers."""
        return any(entry.named() for entry in self.frames)
