"""A tile record is one row of the tiles table: encoded frames on one grid, a label map, and where on Earth they lie.

This is the stored form (kernel, no rasterio). The form with pixels as arrays is `frame.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from terra_cot.errors import DataError

Modality = Literal["optical", "sar"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
ShiftStatus = Literal["reference", "removed", "aligned", "refused", "alone"]
"""What others are compared with; found and removed; found too small to remove; not trusted; nothing to compare with."""

ShiftReason = Literal[
    "no_common_band", "too_little_in_common", "featureless", "weak_match", "estimates_disagree", "search_border"
]
"""Why a shift is not trusted: no band to compare; under 100 px in common; nothing to see; no better than chance; two
estimates name different places; the best match lies at the border of the search."""


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One modality of one date. A date may have an optical and a sar record of the same `frame` name.

    `image` is an 8-bit PNG for display; `raster` a GeoTIFF of all bands, or None. `shift_px` is the [dy, dx] that was
    found and removed, in pixels of the tile, positive where the content lay too far down and right; (0, 0) where
    nothing was removed. `shift_found_px` is the estimate, trusted or not; `shift_status` says what became of it,
    and `shift_reason` why it was refused.
    `datetime` is None where the publisher tells no date.
    Fractions are shares of the tile's pixels, 0 to 1; `cloud_fraction` is None where no cloud mask is known;
    `cloud` is the mask itself, a grey PNG with 255 at cloud or its shadow.
    `cloud_flag` is the archive's own word on whether there is cloud or shadow anywhere, None where it says nothing.
    """

    frame: str
    modality: Modality
    datetime: str | None
    image: bytes
    raster: bytes | None
    bands: tuple[str, ...]
    cloud_fraction: float | None
    nodata_fraction: float
    shift_px: tuple[float, float]
    shift_score: float | None
    shift_found_px: tuple[float, float] | None
    shift_status: ShiftStatus
    shift_reason: ShiftReason | None = None
    cloud_flag: bool | None = None
    cloud: bytes | None = None

    def to_row(self, tile_id: str) -> dict[str, Any]:
        row = {name: getattr(self, name) for name in _FRAME_FIELDS}
        stem = f"{tile_id}_{self.frame}_{self.modality}"
        row["image"] = {"bytes": self.image, "path": f"{stem}.png"}
        row["raster"] = None if self.raster is None else {"bytes": self.raster, "path": f"{stem}.tif"}
        row["cloud"] = None if self.cloud is None else {"bytes": self.cloud, "path": f"{stem}_cloud.png"}
        return row

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> FrameRecord:
        """A record from a row; a row read without its image bytes gives empty ones."""
        values: dict[str, Any] = {name: row.get(name) for name in _FRAME_FIELDS}
        values["image"] = row["image"]["bytes"] if row.get("image") else b""
        values["raster"] = row["raster"]["bytes"] if row.get("raster") else None
        values["cloud"] = row["cloud"]["bytes"] if row.get("cloud") else None
        values["bands"] = tuple(row["bands"])
        values["shift_px"] = tuple(row["shift_px"])
        values["shift_found_px"] = tuple(row["shift_found_px"]) if row["shift_found_px"] else None
        return cls(**values)


@dataclass(frozen=True, slots=True)
class DatedLabel:
    """The label map of one more date: `label` is a PNG of codes of the tile's legend."""

    frame: str
    label: bytes


@dataclass(frozen=True, slots=True)
class TileRecord:
    """One tile. `label` is a PNG (8 or 16 bit) of codes of `legend` for the date `label_frame`; all None without one.
    `label_series` are the label maps of further dates, oldest first, in the same legend.

    `transform` is (a, b, c, d, e, f) of affine pixel-to-world; `crs` is None for imagery without a place, whose
    transform then only carries the pixel size. `gsd_m` is the ground sample distance in metres. `phash` is the
    perceptual hash (`duplicates.py`) of the tile's portrait; None where that shows nothing.
    """

    tile_id: str
    frames: tuple[FrameRecord, ...]
    label: bytes | None
    label_frame: str | None
    legend: str | None
    crs: str | None
    transform: tuple[float, ...]
    width: int
    height: int
    gsd_m: float
    source: str
    source_id: str
    licence: str
    split: str
    lon: float | None
    lat: float | None
    phash: str | None = None
    label_series: tuple[DatedLabel, ...] = ()

    def frame_names(self) -> list[str]:
        """Dates in order, without repetition."""
        return list(dict.fromkeys(frame.frame for frame in self.frames))

    def shown(self, name: str) -> list[FrameRecord]:
        """The records of date `name`: optical, sar, or both."""
        return [frame for frame in self.frames if frame.frame == name]

    def label_array(self, frame: str | None = None) -> NDArray[np.uint16]:
        """HW uint16 codes of the label map of a date; of `label_frame` where none is named."""
        label = self.label if frame is None else self.labels().get(frame)
        if label is None:
            what = "no label map" if frame is None else f"no label map of {frame}"
            raise DataError(f"the tile has {what}", row=self.tile_id, field="label")
        return decode_label(label)

    def labels(self) -> dict[str, bytes]:
        """The label map (PNG) of every date that has one, oldest date first."""
        known = {entry.frame: entry.label for entry in self.label_series}
        if self.label is not None and self.label_frame is not None:
            known[self.label_frame] = self.label
        return {name: known[name] for name in self.frame_names() if name in known}

    def to_row(self) -> dict[str, Any]:
        row = {name: getattr(self, name) for name in _TILE_FIELDS}
        row["frames"] = [frame.to_row(self.tile_id) for frame in self.frames]
        row["label"] = None if self.label is None else {"bytes": self.label, "path": f"{self.tile_id}_label.png"}
        row["label_series"] = [
            {"frame": entry.frame, "label": {"bytes": entry.label, "path": f"{self.tile_id}_{entry.frame}_label.png"}}
            for entry in self.label_series
        ] or None
        return row

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> TileRecord:
        values = {name: row[name] for name in _TILE_FIELDS}
        values["frames"] = tuple(FrameRecord.from_row(frame) for frame in row["frames"])
        values["label"] = row["label"]["bytes"] if row["label"] else None
        values["label_series"] = tuple(
            DatedLabel(entry["frame"], entry["label"]["bytes"]) for entry in row["label_series"] or ()
        )
        values["transform"] = tuple(row["transform"])
        return cls(**values)


_FRAME_FIELDS = tuple(entry.name for entry in fields(FrameRecord))
_TILE_FIELDS = tuple(entry.name for entry in fields(TileRecord))


class _Dated(Protocol):
    @property
    def frame(self) -> str: ...


def portrait(frames: Sequence[_Dated], label_frame: str | None) -> int:
    """Which frame stands for a tile: the first of the labelled date, else the first."""
    return next((number for number, entry in enumerate(frames) if entry.frame == label_frame), 0)


def decode_label(data: bytes) -> NDArray[np.uint16]:
    """HW uint16 codes of an 8- or 16-bit grey PNG."""
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        array = np.asarray(image)
    if array.ndim != 2:
        raise DataError("a label map must be a single-band image", got=f"shape {array.shape}")
    return array.astype(np.uint16)
