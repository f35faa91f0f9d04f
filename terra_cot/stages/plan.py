"""The plan: which scenes make which part, kept so that the dataset of a source that grows does so at its end.

A slot is a scene and its number of tiles; slots in order make the parts. A generation is the slots that one finished
run added, and begins a part of its own. Finishing a dataset seals its plan: from then on every scene keeps its slot. On
the next run a scene that is new, or that has another number of tiles, gets a slot in a new generation; the slot of one
that is gone stays, empty. So old parts follow from the scenes that they followed from before, and are not made again.
A run that was not finished seals nothing: what it planned is planned again, as if it had not been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson
import pyarrow as pa

from terra_cot.cut import TileOptions, tile_count
from terra_cot.scene import SCENES, Scene, from_row, read_scenes
from terra_cot.store.atomic import write_json
from terra_cot.store.index import Index
from terra_cot.store.shards import make_table, open_part, read_group, read_rows, write_rows

_SLOTS = make_table(
    "plan", [("generation", pa.int32()), ("scene_id", pa.string()), ("tiles", pa.int32())], rows_per_group=65536
)
_SEALED, _DRAFT, _SUMMARY = "plan.parquet", "plan.draft.parquet", "plan.json"
_LIVE = "live"  # sorts behind the numbers of generations


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of a scene: `tiles` tiles, in a generation counted from 0."""

    generation: int
    scene_id: str
    tiles: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Tiles `first` to `last` (exclusive) of a scene."""

    scene: Scene
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Planned:
    """One part: its number and generation, how many tiles its slots have, and the slices of scenes that are there."""

    number: int
    generation: int
    tiles: int
    slices: tuple[Slice, ...]


class Plan:
    """The plan of the scenes in `hidden`/scenes.parquet. Use as a context: it drafts on entry, and then is read.

    Attributes:
        sealed: generations that earlier runs finished.
        sizes: tiles of the slots of each part.
        empty: no scene is there.
    """

    def __init__(self, hidden: Path, options: TileOptions, part_tiles: int) -> None:
        self._hidden, self._options, self._part_tiles = hidden, options, part_tiles
        self._index = Index()
        self._scenes = hidden / "scenes.parquet"
        self._group: tuple[int, list[dict[str, Any]]] = (-1, [])
        self.sealed = 0
        self.empty = True
        self.sizes: list[int] = []

    def __enter__(self) -> Plan:
        self._index.__enter__()
        live: Counter[int] = Counter()
        write_rows(self._hidden / _DRAFT, _SLOTS, self._drafted(live))
        self.sizes = [part.tiles for part in self._parts(with_scenes=False)]
        found = self._summary(live)
        self.empty = not any(entry["scenes"] for entry in found)
        write_json(self._hidden / _SUMMARY, found)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._index.__exit__(kind, error, trace)

    def parts(self) -> Iterator[Planned]:
        """Every part in order of its number, streamed."""
        return self._parts(with_scenes=True)

    def scenes(self) -> Iterator[tuple[int, Scene]]:
        """(generation, scene) of every slot whose scene is there, in order."""
        for slot in self._slots():
            scene = self._scene(slot)
            if scene is not None:
                yield slot.generation, scene

    def _drafted(self, live: Counter[int]) -> Iterator[dict[str, Any]]:
        """Slots that are sealed, then those of a new generation; `live` counts the scenes of each."""
        for row in read_slots(self._hidden / _SEALED):
            self._index.put(row["scene_id"], f"{row['generation']:09d}", str(row["tiles"]))
            self.sealed = row["generation"] + 1
            yield row
        for number, scene in enumerate(read_scenes(self._scenes)):
            tiles = tile_count(scene, self._options)
            known = self._index.get(scene.scene_id)
            generation = next((int(key) for key, value in known.items() if value == str(tiles)), self.sealed)
            self._index.put(scene.scene_id, _LIVE, f"{generation} {number}")
            live[generation] += 1
            if generation == self.sealed:
                yield {"generation": generation, "scene_id": scene.scene_id, "tiles": tiles}

    def _slots(self) -> Iterator[Slot]:
        for row in read_slots(self._hidden / _DRAFT):
            yield Slot(**row)

    def _parts(self, with_scenes: bool) -> Iterator[Planned]:
        for number, (generation, pieces) in enumerate(numbered(self._slots(), self._part_tiles)):
            slices = []
            for slot, first, last in pieces if with_scenes else ():
                scene = self._scene(slot)
                if scene is not None:
                    slices.append(Slice(scene, first, last))
            yield Planned(number, generation, sum(last - first for _, first, last in pieces), tuple(slices))

    def _scene(self, slot: Slot) -> Scene | None:
        """The scene that has this slot now; slots are asked for in the order of the scan, nearly."""
        generation, _, number = self._index.get(slot.scene_id).get(_LIVE, "").partition(" ")
        if generation != str(slot.generation):
            return None
        group, row = divmod(int(number), SCENES.rows_per_group)
        if self._group[0] != group:
            with open_part(self._scenes, SCENES.schema) as file:
                self._group = group, read_group(file, group, None, self._scenes)
        return from_row(self._group[1][row])

    def _summary(self, live: Counter[int]) -> list[dict[str, int]]:
        """What the manifest says of each generation."""
        found: dict[int, dict[str, int]] = {}
        for part in self._parts(with_scenes=False):
            entry = found.setdefault(part.generation, {"first_part": part.number, "parts": 0, "scenes": 0, "gone": 0})
            entry["parts"] += 1
        for slot in self._slots():
            found[slot.generation]["gone"] += 1
        for generation, entry in found.items():
            entry["scenes"] = live[generation]
            entry["gone"] -= live[generation]
        return [found[generation] for generation in sorted(found)]


def numbered(slots: Iterable[Slot], part_tiles: int) -> Iterator[tuple[int, list[tuple[Slot, int, int]]]]:
    """(generation, pieces) of every part in order of its number: a generation begins a part of its own."""
    for generation, group in groupby(slots, key=lambda slot: slot.generation):
        for pieces in chunks(group, part_tiles):
            yield generation, pieces


def sealed_parts(hidden: Path, part_tiles: int) -> Iterator[tuple[int, list[str]]]:
    """(number, names of the scenes that have slots in it) of every part that finished runs planned, streamed."""
    slots = (Slot(**row) for row in read_slots(hidden / _SEALED))
    for number, (_, pieces) in enumerate(numbered(slots, part_tiles)):
        yield number, [slot.scene_id for slot, _, _ in pieces]


def chunks(slots: Iterable[Slot], part_tiles: int) -> Iterator[list[tuple[Slot, int, int]]]:
    """Slots cut into parts of `part_tiles` tiles, as (slot, first, last); the last part may be smaller."""
    part: list[tuple[Slot, int, int]] = []
    room = part_tiles
    for slot in slots:
        first = 0
        while first < slot.tiles:
            last = min(slot.tiles, first + room)
            part.append((slot, first, last))
            room -= last - first
            first = last
            if room == 0:
                yield part
                part, room = [], part_tiles
    if part:
        yield part


def read_slots(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a plan, streamed; none where it is not there."""
    if path.is_file():
        yield from read_rows(path, _SLOTS)


def generations(hidden: Path) -> list[dict[str, int]]:
    """For each generation: `first_part`, `parts`, `scenes` that are there and slots whose scene is `gone`."""
    found: list[dict[str, int]] = orjson.loads((hidden / _SUMMARY).read_bytes())
    return found


def seal(hidden: Path) -> None:
    """Keep the plan for good: its dataset is whole."""
    draft = hidden / _DRAFT
    if draft.is_file():
        draft.replace(hidden / _SEALED)
