"""croissant.json: Croissant 1.0 metadata (mlcommons.org/croissant) of a dataset, a function of its manifest.

Two record sets, `tiles` and `samples`, whose fields are the columns of the Arrow schemas. A list of structures is a
repeated field with sub-fields; images are taken out of their {bytes, path}. Files are found beside croissant.json, so
the folder can be moved or published as it is; checksums are in manifest.json.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from terra_cot.store.atomic import dump_json, write_bytes
from terra_cot.store.licence import SPDX
from terra_cot.store.shards import SAMPLES, TILES, Table

NAME = "croissant.json"
_KEYS = {"tiles": "tile_id", "samples": "sample_id"}
_ABOUT = {
    "tiles": "Places: one or more images on one grid, with a label map where there is one.",
    "samples": "Questions on a tile, with a chain of reasoning, one mask for each [SEG] of it, evidence and an answer.",
}
_TERMS = (
    "citeAs", "column", "conformsTo", "equivalentProperty", "extract", "field", "fileObject", "fileProperty", "fileSet",
    "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
    "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
)  # fmt: skip


def write_croissant(folder: Path, body: dict[str, Any]) -> None:
    """Write the metadata of a dataset from the body of its manifest."""
    write_bytes(folder / NAME, croissant_text(body))


def croissant_text(body: dict[str, Any]) -> bytes:
    """The metadata of a dataset: a function of its manifest, so that an altered file shows."""
    tables = [TILES, *([SAMPLES] if body["counts"].get("samples", {}).get("kept") else [])]
    licences = sorted({entry["licence"] for entry in body["sources"]})
    sources = ", ".join(sorted({entry["source"] for entry in body["sources"]}))
    return dump_json(
        {
            "@context": _context(),
            "@type": "sc:Dataset",
            "conformsTo": "http://mlcommons.org/croissant/1.0",
            "name": f"terra-cot-{body['recipe']['name']}",
            "description": "Chain-of-thought samples on satellite imagery in which every step carries a mask and every "
            f"number its evidence. Sources: {sources}. Recipe sha256 {body['recipe_sha256']}, seed {body['seed']}.",
            "license": [_licence(name) for name in licences],
            "url": "https://terra-cot.org",
            "version": "1.0.0",
            "keywords": ["remote sensing", "chain of thought", "segmentation", "visual question answering"],
            "distribution": [_file_set(table) for table in tables],
            "recordSet": [_record_set(table) for table in tables],
        }
    )


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        **{term: f"cr:{term}" for term in _TERMS},
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
    }


def _licence(name: str) -> str:
    return f"https://spdx.org/licenses/{name}.html" if name in SPDX else name or "unknown"


def _file_set(table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{table.name}-parts",
        "name": f"{table.name}-parts",
        "description": f"Parquet parts of the table {table.name}.",
        "encodingFormat": "application/x-parquet",
        "includes": f"{table.name}/part-*.parquet",
    }


def _record_set(table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": _ABOUT[table.name],
        "key": {"@id": f"{table.name}/{_KEYS[table.name]}"},
        "field": [_field(table, member) for member in table.schema],
    }


def _field(table: Table, member: pa.Field) -> dict[str, Any]:
    """One column as a field."""
    kind, repeated = (member.type.value_type, True) if pa.types.is_list(member.type) else (member.type, False)
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table.name}/{member.name}",
        "name": f"{table.name}/{member.name}",
        **({"repeated": True} if repeated else {}),
    }
    source = {"fileSet": {"@id": f"{table.name}-parts"}, "extract": {"column": member.name}}
    if pa.types.is_struct(kind) and repeated:
        inner = [kind.field(number) for number in range(kind.num_fields)]
        return found | {"subField": [_sub_field(found["@id"], source, entry) for entry in inner]}
    if pa.types.is_struct(kind):  # {bytes, path} of an image
        source["transform"] = {"jsonPath": "bytes"}
    return found | {"dataType": _type(member.name, kind), "source": source}


def _sub_field(parent: str, source: dict[str, Any], member: pa.Field) -> dict[str, Any]:
    """One member of a repeated structure."""
    listed = pa.types.is_list(member.type)
    kind = member.type.value_type if listed else member.type
    struct = pa.types.is_struct(kind)
    path = f"{member.name}.bytes" if struct else member.name
    return {
        "@type": "cr:Field",
        "@id": f"{parent}/{member.name}",
        "name": f"{parent}/{member.name}",
        "dataType": _type(member.name, kind),
        "source": {**source, "transform": {"jsonPath": path}},
        # Readers make an image of each value only where the field itself is said to repeat.
        **({"repeated": True} if listed or struct else {}),
    }


def _type(name: str, kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "sc:ImageObject" if name != "raster" else "sc:Text"
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    if pa.types.is_integer(kind):
        return f"cr:{str(kind).title()}"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
