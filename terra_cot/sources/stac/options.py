"""What a recipe says about a catalogue: where and when, which collections, and which asset holds which band."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from terra_cot.cloud.formats import FORMATS
from terra_cot.errors import DataError, did_you_mean
from terra_cot.legend import LEGENDS
from terra_cot.sources import Options
from terra_cot.tile import Split
from terra_cot.timeline import parse_datetime

Name = Annotated[str, StringConstraints(min_length=1)]
Span = tuple[datetime | None, datetime | None]
"""First and last moment, both included; None where it is open."""


class CollectionOptions(Options):
    """One collection; its own `datetime` where it is not that of the source (a label map of one year)."""

    collection: Name
    datetime: str | None = None

    @field_validator("datetime")
    @classmethod
    def _readable(cls, text: str | None) -> str | None:
        parse_span(text)
        return text

    def keys(self) -> frozenset[str]:
        """Every asset key that is read."""
        raise NotImplementedError


class ImageOptions(CollectionOptions):
    """`assets` maps band names to asset keys: bands of one file name the same key, in the order of the file."""

    assets: dict[Name, Name] = Field(min_length=1)

    def files(self) -> dict[str, tuple[str, ...]]:
        """Band names of each asset key."""
        found: dict[str, tuple[str, ...]] = {}
        for band, key in self.assets.items():
            found[key] = (*found.get(key, ()), band)
        return found

    def keys(self) -> frozenset[str]:
        return frozenset(self.assets.values())


class OpticalOptions(ImageOptions):
    """`cloud` is the asset of a mask whose codes are those of `cloud_format` (scl, fmask, qa_pixel...).

    `offset` makes reflectance x 10000 of the values: a number is added to them; "declared" takes the scale and offset
    of raster:bands; "baseline" takes 1000 away where s2:processing_baseline is 04.00 or later, for catalogues whose
    files hold what ESA wrote. Unasked the values stay: of some catalogues the declared offset is applied already.
    """

    cloud: Name | None = None
    cloud_format: str | None = None
    offset: Annotated[float, Field(allow_inf_nan=False)] | Literal["declared", "baseline"] | None = None

    def keys(self) -> frozenset[str]:
        return frozenset({*self.assets.values(), *([self.cloud] if self.cloud else [])})

    @model_validator(mode="after")
    def _check(self) -> OpticalOptions:
        if (self.cloud is None) != (self.cloud_format is None):
            raise ValueError("cloud and cloud_format are given together: the asset, and what its codes mean")
        if self.cloud_format is not None and self.cloud_format not in FORMATS:
            hint = did_you_mean(self.cloud_format, tuple(FORMATS))
            raise ValueError(f"no cloud_format {self.cloud_format}{hint} (known: {', '.join(FORMATS)})")
        return self


class SarOptions(ImageOptions):
    """`unit` of the pixels, as the publisher states it: linear is power (sigma0, gamma0), amplitude its root."""

    unit: Literal["dB", "linear", "amplitude"]


class LabelOptions(CollectionOptions):
    """A label map: one band of codes of a legend. `frame` is the date of a scene that it describes."""

    asset: Name
    legend: str
    frame: Literal["first", "last"] = "first"

    def keys(self) -> frozenset[str]:
        return frozenset({self.asset})

    @field_validator("legend")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in LEGENDS:
            raise ValueError(f"no legend {name}{did_you_mean(name, tuple(LEGENDS))} (known: {', '.join(LEGENDS)})")
        return name


class StacOptions(Options):
    """Where and when, and what to take.

    `bbox` is west, south, east, north in degrees (west > east crosses the antimeridian): scenes are cut to it.
    `datetime` is `first/last` of STAC (2023-05-01/2023-08-31; `..` is open). `max_cloud_cover` in percent, by the
    item's eo:cloud_cover. `min_cover` is the share of a scene that an image must cover to be taken. `limit` is the most
    items taken of a collection, in the order of the catalogue. `sign` lets GDAL sign URLs of the Planetary Computer.
    """

    bbox: tuple[float, float, float, float] | None = None
    datetime: str | None = None
    optical: OpticalOptions
    sar: SarOptions | None = None
    label: LabelOptions | None = None
    max_cloud_cover: float | None = Field(None, ge=0, le=100)
    min_cover: float = Field(0.5, gt=0, le=1)
    limit: int = Field(10_000, ge=1)
    pair_days: float = Field(6.0, ge=0)
    gsd_m: float | None = Field(None, gt=0, allow_inf_nan=False)
    sign: Literal["planetary-computer"] | None = None
    split: Split = "train"
    licence: str = "unknown"

    @model_validator(mode="after")
    def _check(self) -> StacOptions:
        parse_span(self.datetime)
        if self.bbox is not None:
            west, south, east, north = self.bbox
            if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90 and west != east):
                raise ValueError("bbox is [west, south, east, north] in degrees, south below north")
        return self


_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def parse_span(text: str | None) -> Span:
    """First and last moment of an interval of STAC; a year, a month or a day alone stands for all of it.

    Raises:
        ValueError: no interval, or one that ends before it begins.
    """
    if text is None:
        return None, None
    first, slash, last = text.partition("/")
    span = _moment(first, False), _moment(last if slash else first, True)
    if span[0] and span[1] and span[0] > span[1]:
        raise ValueError(f"datetime {text} ends before it begins")
    return span


def _moment(text: str, end: bool) -> datetime | None:
    if text in ("", ".."):
        return None
    day = _DAY.fullmatch(text)
    try:
        if not day:
            return parse_datetime(text)
        year, month, number = (int(part) if part else None for part in day.groups())
        assert year is not None
        if not end:
            return datetime(year, month or 1, number or 1, tzinfo=UTC)
        month = month or 12
        last = datetime(year, month, number or monthrange(year, month)[1], tzinfo=UTC)
        return last + timedelta(days=1, microseconds=-1)
    except (DataError, ValueError) as error:
        raise ValueError(f"datetime {text!r}: write first/last, such as 2023-05-01/2023-08-31 ({error})") from None
