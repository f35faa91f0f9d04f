"""A manifest says what a folder holds and is written last: a folder without one is unfinished."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import orjson

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.errors import DataError, SchemaError
from terra_cot.store.atomic import sha256_file, write_json
from terra_cot.store.shards import Part

Kind = Literal["dataset", "benchmark"]
NAME = "manifest.json"
_LOOKED_AT = 1000
"""Entries of a folder that are looked through for the one that was meant."""


def write_manifest(folder: Path, kind: Kind, body: dict[str, Any], parts: Iterable[Part]) -> dict[str, Any]:
    """Write manifest.json: `body`, the format and code versions, and every part with its checksum. No clock in it."""
    manifest = {
        **body,
        "kind": kind,
        "format_version": FORMAT_VERSION,
        "code_version": __version__,
        "parts": [asdict(part) for part in sorted(parts, key=lambda part: part.path)],
    }
    write_json(folder / NAME, manifest)
    return manifest


def read_manifest(folder: Path, kind: Kind) -> dict[str, Any]:
    """The manifest of a finished folder.

    Raises:
        DataError: no folder, no manifest (unfinished or something else), not JSON.
        SchemaError: another kind or format version.
    """
    path = folder / NAME
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise DataError(what, file=folder, fix=_nearer(folder, kind) or f"give the folder of a {kind}")
    try:
        manifest = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        command = (
            f"`terra-cot run ... -o {folder}`" if kind == "dataset" else f"`terrascope-bench build ... -o {folder}`"
        )
        # What a run keeps its progress in; without it the folder may be anything.
        begun = (folder / ".progress").is_dir()
        fix = f"repeat {command}: it goes on" if begun else f"if {command} was stopped, repeat it: it goes on"
        what = f"not a finished {kind}" if begun else f"not a {kind}, or not a finished {kind}"
        raise DataError(f"no {NAME}: {what}", file=folder, fix=_nearer(folder, kind) or fix) from None
    except orjson.JSONDecodeError as error:
        raise DataError(f"not JSON ({error})", file=path) from None
    if not isinstance(manifest, dict):
        raise SchemaError("a manifest is an object", file=path, got=type(manifest).__name__)
    if manifest.get("kind") != kind:
        raise SchemaError(
            "another kind of folder",
            file=path,
            field="kind",
            got=manifest.get("kind"),
            expected=kind,
            fix=_nearer(folder.parent, kind),
        )
    if manifest.get("format_version") != FORMAT_VERSION:
        raise SchemaError(
            "a format version that this release does not read",
            file=path,
            field="format_version",
            got=manifest.get("format_version"),
            expected=FORMAT_VERSION,
        )
    return manifest


def _nearer(folder: Path, kind: Kind) -> str | None:
    """`did you mean out/bench?`: the finished folders of this kind right below `folder`, or beside it."""
    found = []
    for below in (folder, folder.parent):
        try:
            entries = sorted(islice(below.iterdir(), _LOOKED_AT))
        except OSError:
            continue
        found = [entry for entry in entries if entry != folder and _kind_of(entry) == kind]
        if found:
            break
    return f"did you mean {' or '.join(map(str, found[:3]))}?" if found else None


def _kind_of(folder: Path) -> object:
    """What a manifest right in `folder` says that it is; None where there is none."""
    try:
        manifest = orjson.loads((folder / NAME).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return manifest.get("kind") if isinstance(manifest, dict) else None


def file_entry(folder: Path, name: str) -> dict[str, Any]:
    """How a manifest lists a file that is no part."""
    path = folder / name
    return {"path": name, "bytes": path.stat().st_size, "sha256": sha256_file(path)}


def manifest_parts(manifest: dict[str, Any]) -> list[Part]:
    return [Part(**entry) for entry in manifest["parts"]]


def recorded_parts(folder: Path, table: str) -> list[Path]:
    """The parts of a table that a dataset's manifest records, in order; a file that it does not record is none."""
    parts = manifest_parts(read_manifest(folder, "dataset"))
    return [folder / part.path for part in parts if part.path.startswith(f"{table}/")]


def manifest_sha256(folder: Path) -> str:
    """The name of this version of a dataset or benchmark: the hash of its manifest, which holds every part's hash."""
    return sha256_file(folder / NAME)
