"""Replies on disk, one file a request, named by the SHA-256 of the whole request (address and body, never the key).

The first reply to a request is the one that stays: asked again, by a resumed run or another worker, it is read from
here. So the same cache gives the same bytes.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import orjson

from terra_cot.store.atomic import dump_json, sha256_json


class Cache:
    """A folder of replies; many threads and processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The entry of a request, or None."""
        try:
            entry = orjson.loads(self._path(request).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return entry if isinstance(entry, dict) and entry.get("request") == request else None

    def put(self, request: dict[str, Any], outcome: dict[str, Any], *, replace: bool = False) -> dict[str, Any]:
        """Store the outcome of a request unless one is there, or in its place; returns the one that stays."""
        path = self._path(request)
        path.parent.mkdir(parents=True, exist_ok=True)
        entry = {"request": request, **outcome}
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        temporary.write_bytes(dump_json(entry))
        try:
            os.link(temporary, path)
        except FileExistsError:
            known = None if replace else self.get(request)
            if known is not None:
                return known
            temporary.replace(path)  # what stands there cannot be read, or is not wanted
        finally:
            temporary.unlink(missing_ok=True)
        return entry

    def _path(self, request: dict[str, Any]) -> Path:
        name = sha256_json(request)
        return self.folder / name[:2] / f"{name}.json"
