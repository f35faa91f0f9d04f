"""One item of STAC, reduced to what a scene needs; a field that is missing or malformed is a reason, never a guess.

Fields: the item and asset of STAC 1.0, and the extensions projection (1.x and 2.0), grid, mgrs, eo, file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from terra_cot.errors import DataError
from terra_cot.geo.grid import Grid, grid_of
from terra_cot.pixels.header import opened
from terra_cot.pixels.remote import unsigned
from terra_cot.pixels.sentinel2 import REFLECTANCE
from terra_cot.scene import Scale
from terra_cot.sources.stac.options import Span
from terra_cot.timeline import parse_datetime


class Found:
    """An item: its id, first moment, footprint (lon/lat), place code, cloud cover in percent, assets asked for."""

    __slots__ = (
        "_assets",
        "_base",
        "_keys",
        "_projection",
        "baseline",
        "cover",
        "footprint",
        "item_id",
        "moment",
        "place",
        "updated",
    )

    def __init__(self, body: dict[str, Any], base: str, wanted: Collection[str]) -> None:
        fields = _fields(body)
        self.item_id = _text(body, "id")
        self.footprint = footprint(body)
        self.moment = _interval(fields)[0]
        self.place = _place(fields)
        cover = fields.get("eo:cloud_cover")
        self.cover = float(cover) if isinstance(cover, int | float) and not isinstance(cover, bool) else None
        self.baseline: Any = fields.get("s2:processing_baseline")
        updated = fields.get("updated")
        self.updated = updated if isinstance(updated, str) else None
        assets = body.get("assets")
        assets = assets if isinstance(assets, dict) else {}
        self._assets = {key: assets[key] for key in wanted if key in assets}  # a catalogue may have a million items
        self._keys = ", ".join(sorted(assets))
        self._projection = {key: value for key, value in fields.items() if key.startswith("proj:")}
        self._base = base

    def href(self, key: str, sign: str | None = None) -> str:
        """Where an asset lies, without secrets: an URL, an absolute path, or what GDAL signs when it reads."""
        asset = self._asset(key)
        place = joined(self._base, _text(asset, "href"))
        return f"/vsicurl?pc_url_signing=yes&url={quote(place, safe='')}" if sign else place

    def version(self, key: str) -> list[Any]:
        """What tells one state of a file from another, as far as STAC says."""
        asset = self._asset(key)
        return [*(asset.get(name) for name in ("file:checksum", "file:size", "updated")), self.updated]

    def scales(self, key: str, bands: int, offset: float | str | None) -> tuple[Scale, ...]:
        """What makes reflectance x 10000 of the bands of an asset, by the `offset` of the recipe; () where unasked."""
        if offset is None:
            return ()
        if offset == "baseline":
            try:
                return (Scale(1.0, -1000.0 if float(self.baseline) >= 4 else 0.0),) * bands
            except (TypeError, ValueError):
                raise DataError(
                    "no processing baseline", field="s2:processing_baseline", got=self.baseline, reason="unknown_offset"
                ) from None
        if not isinstance(offset, str):
            return (Scale(1.0, offset),) * bands
        held = self._asset(key).get("raster:bands") or self._asset(key).get("bands")
        told = [entry for entry in held if isinstance(entry, dict)] if isinstance(held, list) else []
        pairs: list[list[Any]] = [
            [entry.get(name, entry.get(f"raster:{name}", unsaid)) for name, unsaid in (("scale", 1), ("offset", 0))]
            for entry in told
            if {"scale", "raster:scale"} & entry.keys()
        ]
        if len(pairs) != bands or any(_numbers(pair, 2) is None for pair in pairs):
            raise DataError(
                "no scale for each band", field=f"{key}.raster:bands", got=held, expected=bands, reason="unknown_offset"
            )
        return tuple(Scale(round(scale * REFLECTANCE, 9), round(add * REFLECTANCE, 9)) for scale, add in pairs)

    def grid(self, key: str, gsd_m: float | None, sign: str | None = None) -> Grid:
        """The grid of an asset: from proj: fields where they are whole, else from the header of the file."""
        fields = {**self._projection, **self._asset(key)}
        code = fields.get("proj:code") or fields.get("proj:epsg")
        matrix, size = _numbers(fields.get("proj:transform"), 6), _numbers(fields.get("proj:shape"), 2)
        place = self.href(key, sign)
        if not isinstance(code, str | int) or not code or matrix is None or size is None:
            with opened(place) as dataset:
                if dataset.crs is None:
                    raise DataError("no CRS", file=place, reason="no_crs")
                return grid_of(dataset, gsd_m)
        try:
            crs = CRS.from_user_input(code)
        except CRSError as error:
            raise DataError(f"no CRS ({error})", reason="no_crs", file=place, field="proj:code", got=code) from None
        return grid_of(_Header(place, crs, Affine(*matrix[:6]), int(size[0]), int(size[1])), gsd_m)

    def _asset(self, key: str) -> dict[str, Any]:
        asset = self._assets.get(key)
        if not isinstance(asset, dict):
            raise DataError("an asset is missing", reason="missing_asset", got=self._keys, expected=key)
        return asset


class _Header:
    """What `grid_of` asks of a raster, from the words of an item."""

    def __init__(self, name: str, crs: CRS, transform: Affine, height: int, width: int) -> None:
        self.name, self.crs, self.transform, self.height, self.width = name, crs, transform, height, width


def joined(base: str, href: str) -> str:
    """An href as an absolute URL or path without secrets, seen from the document that holds it."""
    try:
        if href.startswith("file://"):
            return href.removeprefix("file://")
        if "://" in href or href.startswith("/vsi"):
            return unsigned(href)
        return unsigned(urljoin(base, href)) if "://" in base else str(Path(base).parent.joinpath(href).resolve())
    except (ValueError, OSError) as error:
        raise DataError(f"no address ({error})", field="href", got=href, reason="bad_href") from None


def footprint(body: dict[str, Any]) -> BaseGeometry:
    """The geometry of an item in lon/lat."""
    try:
        found = shape(body["geometry"])
        west, south, east, north = found.bounds
        on_earth = -360 <= west <= east <= 360 and -90 <= south <= north <= 90
        found = (found if found.is_valid else shapely.make_valid(found)) if on_earth else None
    except (ShapelyError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        found = None
    if found is None or found.is_empty or not found.area > 0:
        raise DataError("no footprint", reason="no_footprint", field="geometry", got=body.get("geometry"))
    return found


def in_span(body: dict[str, Any], span: Span) -> bool:
    """Whether an item was taken within a span, or stands for a time that touches it."""
    first, last = _interval(_fields(body))
    return (span[1] is None or first <= span[1]) and (span[0] is None or last >= span[0])


def _fields(body: dict[str, Any]) -> dict[str, Any]:
    fields = body.get("properties")
    if not isinstance(fields, dict):
        raise DataError("no properties", reason="not_an_item", field="properties", got=fields)
    return fields


def _interval(fields: dict[str, Any]) -> tuple[datetime, datetime]:
    if isinstance(fields.get("datetime"), str):
        moment = parse_datetime(fields["datetime"])
        return moment, moment
    first, last = fields.get("start_datetime"), fields.get("end_datetime")
    if not isinstance(first, str) or not isinstance(last, str):
        raise DataError("no date", reason="no_date", field="datetime", got=fields.get("datetime"))
    return parse_datetime(first), parse_datetime(last)


def _place(fields: dict[str, Any]) -> str | None:
    """The code of a tiling scheme, MGRS spelt as the grid extension does."""
    if isinstance(fields.get("grid:code"), str):
        return _safe(fields["grid:code"])
    if isinstance(fields.get("s2:mgrs_tile"), str):
        return _safe(f"MGRS-{fields['s2:mgrs_tile'].removeprefix('T')}")
    zone, band, square = (fields.get(f"mgrs:{name}") for name in ("utm_zone", "latitude_band", "grid_square"))
    if not isinstance(zone, int) or not isinstance(band, str) or not isinstance(square, str):
        return None
    return _safe(f"MGRS-{zone:02d}{band}{square}")


def _safe(name: str) -> str:
    """A name that can be that of a tile: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^\w.-]", "_", name)


def scene_name(item_id: str) -> str:
    return _safe(item_id)


def _text(body: dict[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value:
        raise DataError(f"no {field}", reason="not_an_item", field=field, got=value)
    return value


def _numbers(value: Any, least: int) -> list[float] | None:
    known = isinstance(value, list) and len(value) >= least
    return value if known and all(isinstance(part, int | float) and math.isfinite(part) for part in value) else None
