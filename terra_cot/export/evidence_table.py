"""Evidence as GeoParquet 1.1 (geoparquet.org): one row for each mask of each sample, its outline and its facts.

| column | holds |
|---|---|
| sample_id, tile_id, tier, task, split, source, licence | of the sample |
| item_id | the STAC item of the date, null where it has none |
| frame, datetime | the date that the mask belongs to |
| mask, label | number of the mask in the sample, its class |
| pixels, share_pct, area_m2, components, row, column | one-mask facts that the sample states, null where it does not |
| facts | every evidence row that names this mask, as JSON |
| geometry | WKB in longitude, latitude (OGC:CRS84, the format's default); null where the mask is empty |
| bbox | covering of the geometry |
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from terra_cot.sample import Sample, evidence_rows

_FACTS = {
    "pixels": "pixels",
    "share": "share_pct",
    "area": "area_m2",
    "components": "components",
    "row": "row",
    "column": "column",
}
_ROWS = 256
_BBOX = pa.struct([(edge, pa.float64()) for edge in ("xmin", "ymin", "xmax", "ymax")])
_GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {
            "encoding": "WKB",
            "geometry_types": ["MultiPolygon"],
            "orientation": "counterclockwise",
            "covering": {"bbox": {edge: ["bbox", edge] for edge in ("xmin", "ymin", "xmax", "ymax")}},
        }
    },
}
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("sample_id", "tile_id", "item_id", "tier", "task", "split")),
        *((name, pa.string()) for name in ("source", "licence", "frame")),
        ("datetime", pa.timestamp("ms", "UTC")),
        ("mask", pa.int32()),
        ("label", pa.string()),
        *((name, pa.float64()) for name in _FACTS.values()),
        ("facts", pa.string()),
        ("geometry", pa.binary()),
        ("bbox", _BBOX),
    ],
    metadata={"geo": orjson.dumps(_GEO).decode()},
)


def facts_of(sample: Sample, number: int) -> dict[str, Any]:
    """The fact columns of mask `number`."""
    row: dict[str, Any] = dict.fromkeys(_FACTS.values())
    named = [item for item in sample.evidence if number in item.masks]
    for item in named:
        if item.masks == (number,) and item.fact in _FACTS:
            row[_FACTS[item.fact]] = item.value
    return row | {"facts": orjson.dumps(evidence_rows(tuple(named))).decode()}


class EvidenceTable:
    """A GeoParquet file while it grows, one row group in memory; without rows there is no file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[dict[str, Any]] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            self._held.append(row)
            if len(self._held) == _ROWS:
                self._flush()

    def close(self) -> None:
        if self._held:
            self._flush()
        if self._writer:
            self._writer.close()

    def _flush(self) -> None:
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._path, SCHEMA, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._held, schema=SCHEMA))
        self._held = []
