"""STAC 1.1 documents of an export: a catalogue, one collection, a catalogue a part, an item a tile and date.

Plain JSON: hrefs are relative and there is no `self`, so the folder can be moved or published as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from terra_cot.export.outline import bounds, footprint
from terra_cot.geo.grid import Grid
from terra_cot.legend import LandClass
from terra_cot.store.licence import SPDX
from terra_cot.tile import FrameRecord, TileRecord
from terra_cot.timeline import iso, parse_datetime

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
CLASSIFICATION = "https://stac-extensions.github.io/classification/v2.0.0/schema.json"
_VERSION = "1.1.0"


def item(
    item_id: str, collection: str, tile: TileRecord, records: Sequence[FrameRecord], grid: Grid, assets: dict[str, Any]
) -> dict[str, Any]:
    """One date of a tile. `datetime` is that of the first record (optical before SAR); where they differ, start and
    end say between what."""
    area = footprint(grid)
    moments = [parse_datetime(record.datetime) for record in records if record.datetime]
    span = {"start_datetime": iso(min(moments)), "end_datetime": iso(max(moments))} if len(set(moments)) > 1 else {}
    return {
        "type": "Feature",
        "stac_version": _VERSION,
        "stac_extensions": [PROJECTION, CLASSIFICATION] if tile.legend else [PROJECTION],
        "id": item_id,
        "collection": collection,
        "geometry": _geojson(area),
        "bbox": bounds(area),
        "properties": {
            "datetime": iso(moments[0]),
            **span,
            "gsd": grid.gsd_m,
            **_projection(grid),
            "terra_cot:tile_id": tile.tile_id,
            "terra_cot:frame": records[0].frame,
            "terra_cot:split": tile.split,
            "terra_cot:source": tile.source,
            "terra_cot:source_id": tile.source_id,
            "terra_cot:legend": tile.legend,
            "license": stac_licence([tile.licence]),
        },
        "links": [
            _link("root", "../../../catalog.json"),
            _link("parent", "../catalog.json"),
            _link("collection", "../../../collection.json"),
        ],
        "assets": assets,
    }


def asset(href: str, title: str, roles: Sequence[str], **more: Any) -> dict[str, Any]:
    return {"href": href, "type": COG, "title": title, "roles": list(roles), **more}


def classes(entries: Mapping[int, LandClass]) -> list[dict[str, Any]]:
    """What each code of a label map means, as the classification extension writes it."""
    return [
        {
            "value": code,
            "name": re.sub(r"[^0-9A-Za-z-]+", "-", entry.name),
            "title": entry.name,
            "color_hint": "{:02X}{:02X}{:02X}".format(*entry.color),
        }
        for code, entry in sorted(entries.items())
    ]


def part_catalog(name: str, items: Sequence[str]) -> dict[str, Any]:
    """The items of one part of the dataset; it never changes once it is written."""
    links = [_link("root", "../../catalog.json"), _link("parent", "../../collection.json")]
    listed = [_link("item", f"./{item_id}/item.json", "application/geo+json") for item_id in items]
    return _catalog(f"part-{name}", f"Tiles of part {name}.", [*links, *listed])


def catalog(name: str, recipe: str) -> dict[str, Any]:
    links = [_link("root", "./catalog.json"), _link("child", "./collection.json")]
    return _catalog(f"{name}-catalog", f"Terra-CoT, recipe {recipe}: tiles, masks and evidence.", links)


def collection(name: str, recipe: str, licences: Sequence[str], parts: Sequence[str], extent: Extent) -> dict[str, Any]:
    links = [_link("root", "./catalog.json"), _link("parent", "./catalog.json")]
    return {
        "type": "Collection",
        "stac_version": _VERSION,
        "id": name,
        "title": f"Terra-CoT, recipe {recipe}",
        "description": "Tiles by date with the masks that chains of reasoning point at; their facts are in evidence/.",
        "license": stac_licence(licences),
        "extent": extent.to_json(),
        "links": [*links, *(_link("child", f"./items/{part}/catalog.json") for part in parts)],
        "assets": {
            "evidence": {
                "href": "./evidence/",
                "type": "application/vnd.apache.parquet",
                "title": "Evidence: one row a mask, as GeoParquet parts",
                "roles": ["data"],
            }
        },
    }


class Extent:
    """Where and when the items of a collection lie; it only grows."""

    def __init__(self, known: dict[str, Any] | None = None) -> None:
        self._box: list[float] | None = None
        self._first: datetime | None = None
        self._last: datetime | None = None
        if known:
            self._box = list(known["spatial"]["bbox"][0])
            first, last = known["temporal"]["interval"][0]
            self._first, self._last = (parse_datetime(end) if end else None for end in (first, last))

    def add(self, body: dict[str, Any]) -> None:
        west, south, east, north = body["bbox"]
        if west > east:
            west, east = -180.0, 180.0
        known = self._box or [west, south, east, north]
        self._box = [min(known[0], west), min(known[1], south), max(known[2], east), max(known[3], north)]
        fields = body["properties"]
        first = parse_datetime(fields.get("start_datetime") or fields["datetime"])
        last = parse_datetime(fields.get("end_datetime") or fields["datetime"])
        self._first = min(self._first or first, first)
        self._last = max(self._last or last, last)

    @property
    def empty(self) -> bool:
        return self._box is None

    def to_json(self) -> dict[str, Any]:
        ends = [iso(end) if end else None for end in (self._first, self._last)]
        return {"spatial": {"bbox": [self._box]}, "temporal": {"interval": [ends]}}


def stac_licence(names: Sequence[str]) -> str:
    """The SPDX name where there is one for all, else "other", as the specification asks."""
    return names[0] if len(names) == 1 and names[0] in SPDX else "other"


def _projection(grid: Grid) -> dict[str, Any]:
    assert grid.crs is not None
    coded = grid.crs.startswith("EPSG:")
    return {
        "proj:code": grid.crs if coded else None,
        **({} if coded else {"proj:wkt2": grid.crs}),
        "proj:shape": [grid.height, grid.width],
        "proj:transform": [float(value) for value in grid.transform[:6]],
    }


def _geojson(area: Any) -> dict[str, Any]:
    found = area.__geo_interface__
    return {"type": found["type"], "coordinates": _rounded(found["coordinates"])}


def _rounded(value: Any) -> Any:
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else round(float(value), 8)


def _catalog(name: str, description: str, links: list[dict[str, str]]) -> dict[str, Any]:
    return {"type": "Catalog", "stac_version": _VERSION, "id": name, "description": description, "links": links}


def _link(rel: str, href: str, kind: str = "application/json") -> dict[str, str]:
    return {"rel": rel, "href": href, "type": kind}
