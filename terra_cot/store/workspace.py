"""An output folder while it grows: one writer at a time, and a marker for each finished part.

A marker holds the fingerprint of all that its part follows from. On the next run a part whose marker matches, and
whose file still has the marked size, is kept; any other is made again. So a run can be killed anywhere and resumed.
The manifest goes before the first part changes: a folder that has one is finished.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
from filelock import FileLock, Timeout

from terra_cot.errors import ConflictError, DataError
from terra_cot.store.atomic import clear_leftovers, write_json
from terra_cot.store.manifest import NAME as MANIFEST
from terra_cot.store.shards import Part, Table

_OWN = ("tiles", "samples", ".progress", MANIFEST, "README.md", "croissant.json", "dropped.jsonl")


@dataclass(frozen=True, slots=True)
class Marker:
    """What is known of a finished part: what it follows from, the part itself, its counts and drops."""

    fingerprint: str
    part: Part
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    drops: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Markers:
    """The finished parts of a folder. Crosses process borders."""

    folder: Path

    @property
    def hidden(self) -> Path:
        return self.folder / ".progress"

    def marker(self, table: Table, number: int, fingerprint: str) -> Marker | None:
        """The marker of a part that need not be made again, else None."""
        path = self._marker_path(table, number)
        try:
            marker = _read(path)
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        file = self.folder / marker.part.path
        whole = marker.part.rows == 0 or (file.is_file() and file.stat().st_size == marker.part.bytes)
        return marker if whole and marker.fingerprint == fingerprint else None

    def begin(self, table: Table) -> None:
        """Say that a part of `table` is about to change: nothing that follows from the parts is true any longer."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        if table.name == "tiles":
            self._tiled.unlink(missing_ok=True)

    def mark_tiled(self) -> None:
        """Say that all tiles are cut."""
        write_json(self._tiled, True)

    def tiled(self) -> bool:
        return self._tiled.is_file()

    @property
    def _tiled(self) -> Path:
        return self.hidden / "tiled.json"

    def mark(self, table: Table, number: int, marker: Marker) -> None:
        write_json(self._marker_path(table, number), asdict(marker))

    def remove_parts_from(self, table: Table, number: int) -> None:
        """Remove parts that the plan no longer has."""
        for path in [*table.parts(self.folder), *self.hidden.glob(f"{table.name}-*.json")]:
            place = path.stem.rpartition("-")[2]
            if place.isdecimal() and int(place) >= number:
                path.unlink()

    def all(self, table: Table) -> list[Marker]:
        """Every marker of a table, in order of part."""
        return [_read(path) for path in sorted(self.hidden.glob(f"{table.name}-*.json"))]

    def _marker_path(self, table: Table, number: int) -> Path:
        return self.hidden / f"{table.name}-{number:05d}.json"


def _read(path: Path) -> Marker:
    values = orjson.loads(path.read_bytes())
    return Marker(values["fingerprint"], Part(**values["part"]), values["counts"], values["drops"])


class Workspace:
    """Use as a context: holds the folder's lock. Raises ConflictError when it is taken or holds something else.

    `force` clears what another purpose left; `adopt` keeps it, for a purpose that goes on from there.
    """

    def __init__(self, folder: Path, purpose: dict[str, Any], force: bool = False, adopt: bool = False) -> None:
        self.folder = folder
        self.markers = Markers(folder)
        self.hidden = self.markers.hidden
        self._purpose = purpose
        self._force = force
        self._adopt = adopt
        self._lock = FileLock(self.hidden / "lock")

    def __enter__(self) -> Workspace:
        try:
            strangers = [path.name for path in self.folder.iterdir()] if self.folder.exists() else []
        except NotADirectoryError:
            raise ConflictError(f"{self.folder}: is a file; give a folder") from None
        if strangers and not self.hidden.is_dir() and not self._force:
            raise ConflictError(
                f"{self.folder}: not empty and not a dataset in the making (holds {strangers[0]}); "
                "choose another folder, or --force to write into it"
            )
        self.hidden.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConflictError(
                f"{self.folder}: another run is writing here; wait for it or choose another folder"
            ) from None
        try:
            self._claim()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def _claim(self) -> None:
        """Make sure that the folder serves this purpose, or clear it when forced."""
        note = self.hidden / "purpose.json"
        known = orjson.loads(note.read_bytes()) if note.exists() else None
        started = any(self.hidden.glob("*-*.json"))  # a scan that failed leaves nothing to protect
        if known is not None and known != self._purpose and started and not self._adopt:
            if not self._force:
                raise ConflictError(
                    f"{self.folder}: holds a run of another recipe ({_difference(known, self._purpose)}); "
                    "choose another folder, or --force to replace it"
                )
            self._clear()
        write_json(note, self._purpose)
        self.sweep()

    def sweep(self) -> None:
        """Remove what killed writers left half written."""
        for name in ("tiles", "samples", ".progress"):
            if (self.folder / name).is_dir():
                clear_leftovers(self.folder / name)
        for name in (MANIFEST, "README.md", "croissant.json", "dropped.jsonl"):
            clear_leftovers(self.folder, name)

    def _clear(self) -> None:
        for name in _OWN:
            path = self.folder / name
            if path.is_dir() and name != ".progress":
                shutil.rmtree(path)
            elif path.is_file():
                path.unlink()
        for pattern in ("*.json", "plan*.parquet"):
            for marker in self.hidden.glob(pattern):
                marker.unlink()


def purpose(folder: Path) -> dict[str, Any]:
    """What a folder in the making is made for.

    Raises:
        DataError: it is none.
    """
    note = Markers(folder).hidden / "purpose.json"
    try:
        return orjson.loads(note.read_bytes())  # type: ignore[no-any-return]
    except (OSError, orjson.JSONDecodeError):
        raise DataError(
            "no dataset in the making", file=folder, fix="cut tiles first with `terra-cot tile` or `terra-cot run`"
        ) from None


def _difference(known: Any, wanted: Any, where: str = "") -> str:
    """The first key in which two purposes differ, with both values."""
    if isinstance(known, dict) and isinstance(wanted, dict):
        for key in sorted({*known, *wanted}):
            if known.get(key) != wanted.get(key):
                return _difference(known.get(key), wanted.get(key), f"{where}.{key}" if where else key)
    there, here = ("not set" if value is None else repr(value) for value in (known, wanted))
    return f"{where}: there {there}, here {here}"
