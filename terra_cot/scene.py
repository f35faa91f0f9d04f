"""A scene is what a source found: references to files that show one place, not yet read. A drop is what it refused.

Scenes are what tasks pass around and what `scenes.parquet` holds; pixels are read by `read.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from affine import Affine

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid
from terra_cot.store.shards import Part, Table, make_table, read_rows
from terra_cot.tile import Modality

SarUnit = Literal["dB", "linear", "amplitude"]


@dataclass(frozen=True, slots=True)
class Scale:
    """value * factor + add of a band is what its source means: reflectance x 10000."""

    factor: float
    add: float


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of a scene: `path` below the scene's root, and the name of each of its bands, in file order.

    A path that is absolute or an URL is used as it is. `nodata` is the value that means none where the file does not
    declare it; `scales`, one a band, are applied when it is read; so is `calibration`, a Sentinel-1 calibration file.
    """

    path: str
    bands: tuple[str, ...]
    nodata: float | None = None
    scales: tuple[Scale, ...] = ()
    calibration: str | None = None


@dataclass(frozen=True, slots=True)
class CloudAsset:
    """A cloud mask file: the codes, or the bits (0 is the lowest), that mean cloud or cloud shadow."""

    path: str
    codes: tuple[int, ...]
    bits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelAsset:
    """A label map: a raster of codes, polygons that its source's reader draws ("xbd"), or a picture of roads in white
    ("road-mask")."""

    path: str
    legend: str
    format: Literal["raster", "xbd", "road-mask"] = "raster"


@dataclass(frozen=True, slots=True)
class DatedLabelAsset:
    """The label map of the date `frame`."""

    frame: str
    label: LabelAsset


@dataclass(frozen=True, slots=True)
class SceneFrame:
    """One modality at one date: `frame` is t0, t1, ..., `datetime` ISO 8601. A date may have an optical and a sar.

    `cloud_flag` is the archive's word on whether there is cloud or shadow, not where; None where it says nothing.
    `unit` is what the pixels of a SAR image hold where its source says it; they are read as dB.
    """

    frame: str
    datetime: str | None  # None only where the publisher tells no date; never a guess
    modality: Modality
    assets: tuple[Asset, ...]
    cloud: CloudAsset | None = None
    cloud_flag: bool | None = None
    unit: SarUnit | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """One place: its frames, the grid that all of them are brought to, and its label map.

    `label_frame` is the date (t0, ...) that the label map describes; `label_series` are maps of further dates, in the
    same legend. `whole` scenes are not cut into tiles.
    `lon`/`lat` only where the grid has no CRS but the source knows the place. `stamp` changes when remote files do.
    """

    scene_id: str
    source: str
    root: str
    frames: tuple[SceneFrame, ...]
    grid: Grid
    label: LabelAsset | None = None
    label_frame: str | None = None
    licence: str = ""
    split: str = "train"
    whole: bool = False
    lon_lat: tuple[float, float] | None = None
    stamp: str | None = None
    label_series: tuple[DatedLabelAsset, ...] = ()

    def files(self) -> list[str]:
        """Every file the scene reads, as its assets name it, in order."""
        assets = [asset for frame in self.frames for asset in frame.assets]
        paths = [path for asset in assets for path in (asset.path, asset.calibration) if path]
        paths += [frame.cloud.path for frame in self.frames if frame.cloud]
        labels = [self.label, *(entry.label for entry in self.label_series)]
        return paths + [label.path for label in labels if label]


@dataclass(frozen=True, slots=True)
class Drop:
    """Something read and not kept: `reason` is a stable word to count by, `detail` is for people."""

    level: Literal["scene", "frame", "tile", "sample"]
    item: str
    reason: str
    detail: str = ""

    @classmethod
    def of(cls, level: Literal["scene", "frame", "tile", "sample"], item: str, error: DataError) -> Drop:
        """The drop that an unusable input leaves behind."""
        return cls(level, item, error.reason, str(error))

    def to_row(self) -> dict[str, str]:
        return {"level": self.level, "item": self.item, "reason": self.reason, "detail": self.detail}


_SCALE = pa.struct([("factor", pa.float64()), ("add", pa.float64())])
_ASSET = pa.struct(
    [
        ("path", pa.string()),
        ("bands", pa.list_(pa.string())),
        ("nodata", pa.float64()),
        ("scales", pa.list_(_SCALE)),
        ("calibration", pa.string()),
    ]
)
_CLOUD = pa.struct([("path", pa.string()), ("codes", pa.list_(pa.int32())), ("bits", pa.list_(pa.int32()))])
_LABEL = pa.struct([("path", pa.string()), ("legend", pa.string()), ("format", pa.string())])
_DATED_LABEL = pa.struct([("frame", pa.string()), ("label", _LABEL)])
_FRAME = pa.struct(
    [
        ("frame", pa.string()),
        ("datetime", pa.string()),
        ("modality", pa.string()),
        ("assets", pa.list_(_ASSET)),
        ("cloud", _CLOUD),
        ("cloud_flag", pa.bool_()),
        ("unit", pa.string()),
    ]
)
SCENES: Table = make_table(
    "scenes",
    [
        ("scene_id", pa.string()),
        ("source", pa.string()),
        ("root", pa.string()),
        ("frames", pa.list_(_FRAME)),
        ("crs", pa.string()),
        ("transform", pa.list_(pa.float64())),
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("gsd_m", pa.float64()),
        ("label", _LABEL),
        ("label_frame", pa.string()),
        ("licence", pa.string()),
        ("split", pa.string()),
        ("whole", pa.bool_()),
        ("lon", pa.float64()),
        ("lat", pa.float64()),
        ("stamp", pa.string()),
        ("label_series", pa.list_(_DATED_LABEL)),
    ],
    rows_per_group=4096,
)


def to_row(scene: Scene) -> dict[str, Any]:
    frames = [
        {
            "frame": frame.frame,
            "datetime": frame.datetime,
            "modality": frame.modality,
            "assets": [_asset_row(asset) for asset in frame.assets],
            "cloud": _cloud_row(frame.cloud) if frame.cloud else None,
            "cloud_flag": frame.cloud_flag,
            "unit": frame.unit,
        }
        for frame in scene.frames
    ]
    label = scene.label
    return {
        "scene_id": scene.scene_id,
        "source": scene.source,
        "root": scene.root,
        "frames": frames,
        "crs": scene.grid.crs,
        "transform": list(scene.grid.transform)[:6],
        "height": scene.grid.height,
        "width": scene.grid.width,
        "gsd_m": scene.grid.gsd_m,
        "label": _label_row(label) if label else None,
        "label_frame": scene.label_frame,
        "licence": scene.licence,
        "split": scene.split,
        "whole": scene.whole,
        "lon": scene.lon_lat[0] if scene.lon_lat else None,
        "lat": scene.lon_lat[1] if scene.lon_lat else None,
        "stamp": scene.stamp,
        "label_series": [{"frame": entry.frame, "label": _label_row(entry.label)} for entry in scene.label_series],
    }


def _label_row(label: LabelAsset) -> dict[str, str]:
    return {"path": label.path, "legend": label.legend, "format": label.format}


def _asset_row(asset: Asset) -> dict[str, Any]:
    scales = [{"factor": scale.factor, "add": scale.add} for scale in asset.scales]
    more = {"nodata": asset.nodata, "scales": scales, "calibration": asset.calibration}
    return {"path": asset.path, "bands": list(asset.bands), **more}


def _asset(row: dict[str, Any]) -> Asset:
    scales = tuple(Scale(**scale) for scale in row["scales"])
    return Asset(row["path"], tuple(row["bands"]), row["nodata"], scales, row["calibration"])


def _cloud_row(cloud: CloudAsset) -> dict[str, Any]:
    return {"path": cloud.path, "codes": list(cloud.codes), "bits": list(cloud.bits)}


def _cloud_asset(row: dict[str, Any]) -> CloudAsset:
    return CloudAsset(row["path"], tuple(row["codes"]), tuple(row["bits"]))


def from_row(row: dict[str, Any]) -> Scene:
    frames = tuple(
        SceneFrame(
            frame["frame"],
            frame["datetime"],
            frame["modality"],
            tuple(_asset(asset) for asset in frame["assets"]),
            _cloud_asset(frame["cloud"]) if frame["cloud"] else None,
            frame["cloud_flag"],
            frame["unit"],
        )
        for frame in row["frames"]
    )
    label = LabelAsset(**row["label"]) if row["label"] else None
    grid = Grid(row["crs"], Affine(*row["transform"]), row["height"], row["width"], row["gsd_m"])
    return Scene(
        scene_id=row["scene_id"],
        source=row["source"],
        root=row["root"],
        frames=frames,
        grid=grid,
        label=label,
        label_frame=row["label_frame"],
        licence=row["licence"],
        split=row["split"],
        whole=row["whole"],
        lon_lat=None if row["lon"] is None else (row["lon"], row["lat"]),
        stamp=row["stamp"],
        label_series=tuple(
            DatedLabelAsset(entry["frame"], LabelAsset(**entry["label"])) for entry in row["label_series"] or ()
        ),
    )


def write_scenes(path: Path, scenes: Iterable[Scene]) -> Part:
    """Write `scenes.parquet` (any path), atomically and in the order given."""
    from terra_cot.store.shards import write_rows

    return write_rows(path, SCENES, (to_row(scene) for scene in scenes))


def read_scenes(path: Path) -> Iterator[Scene]:
    """Scenes of a `scenes.parquet`, streamed."""
    for row in read_rows(path, SCENES):
        yield from_row(row)
