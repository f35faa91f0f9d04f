"""A scan on disk while it runs: batches of described places. A killed scan goes on, a grown archive is cheap.

A batch is one Parquet file of scenes, named by the hash of all that they follow from: options and version, the names of
the places in it, and the size and time of every file that their descriptions look at. Its drops are in the metadata of
its schema. Where a batch ends depends on the names around it alone, so that a new place changes one batch, not all
that come after it.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.listing import Entry, Place, Total
from terra_cot.scene import SCENES, Drop, Scene, to_row
from terra_cot.store.atomic import clear_leftovers, replacing

Ready = Scene | Drop | Place

_MEAN, _MOST = 256, 1024  # places of a batch: about a second of opening headers is lost to a kill
_DROPS = b"drops"


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes and drops of neighbouring entries. `drops` are (how many scenes came before it, its row), in order."""

    scenes: pa.Table
    drops: list[tuple[int, dict[str, str]]]


class Batches:
    """The stored batches of one scan in `folder`, by hash."""

    def __init__(self, folder: Path, key: Any) -> None:
        self._folder = folder
        self._key = orjson.dumps([FORMAT_VERSION, __version__, key], option=orjson.OPT_SORT_KEYS)
        self._used: set[str] = set()

    def describe(self, entries: Sequence[Ready], on_place: Callable[[], None]) -> Batch:
        """The batch of these entries: read back where it is stored, else described now and stored."""
        if not any(isinstance(entry, Place) for entry in entries):
            return _batch(entries, on_place)  # nothing was opened that storing could spare
        name = f"{self._hash(entries)}.parquet"
        self._used.add(name)
        path = self._folder / name
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException):
            from terra_cot.pixels.header import many

            with many():
                batch = _batch(entries, on_place)
            kept = batch.scenes.replace_schema_metadata({_DROPS: orjson.dumps(batch.drops)})
            with replacing(path) as temporary:
                pq.write_table(kept, temporary, compression="ZSTD")
            return batch
        drops = [(before, row) for before, row in orjson.loads(table.schema.metadata[_DROPS])]
        return Batch(table.cast(SCENES.schema), drops)

    def sweep(self) -> None:
        """Remove batches that this scan did not use, and what killed scans left half written."""
        if self._folder.is_dir():
            clear_leftovers(self._folder)
            for path in self._folder.glob("*.parquet"):
                if path.name not in self._used:
                    path.unlink()

    def _hash(self, entries: Sequence[Ready]) -> str:
        digest = hashlib.sha256(self._key)
        for entry in entries:
            if isinstance(entry, Place):
                values: Any = [entry.name, entry.known, [_stamp(path) for path in entry.files]]
            else:
                values = to_row(entry) if isinstance(entry, Scene) else entry.to_row()
            digest.update(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE))
        return digest.hexdigest()


def batches(entries: Iterable[Entry], most: int | None, on_total: Callable[[int], None]) -> Iterator[list[Ready]]:
    """Entries in batches of at most `most` places; the same neighbours make the same batches."""
    batch: list[Ready] = []
    places = 0
    for entry in entries:
        if isinstance(entry, Total):
            on_total(entry.places)
            continue
        batch.append(entry)
        places += isinstance(entry, Place)
        full = len(batch) >= _MOST or places >= (most or _MOST)
        if full or (isinstance(entry, Place) and zlib.crc32(entry.name.encode(errors="replace")) % _MEAN == 0):
            yield batch
            batch, places = [], 0
    if batch:
        yield batch


def _batch(entries: Sequence[Ready], on_place: Callable[[], None]) -> Batch:
    rows: list[dict[str, Any]] = []
    drops: list[tuple[int, dict[str, str]]] = []
    for entry in entries:
        for item in entry.describe() if isinstance(entry, Place) else (entry,):
            if isinstance(item, Drop):
                drops.append((len(rows), item.to_row()))
            else:
                rows.append(to_row(item))
        if isinstance(entry, Place):
            on_place()
    return Batch(pa.Table.from_pylist(rows, schema=SCENES.schema), drops)


def _stamp(path: Path) -> list[int]:
    try:
        found = path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]
