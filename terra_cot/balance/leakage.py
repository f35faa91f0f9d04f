"""Leakage: a training tile that shows what a held-out tile shows, because it is the same place or a copy of it.

Held-out tiles are those of a benchmark, or of the test split. Three things give a leak away: ground in common (or
nearer than a gap), the same image of the same source where one of both has no place, and near-duplicate pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from terra_cot.balance.duplicates import BITS
from terra_cot.errors import DataError
from terra_cot.store.shards import Part, Table, make_table, read_rows, write_rows

_EARTH_KM = 6371.0
_TOUCH_KM = 0.001  # tiles that share an edge have no ground in common
_CHUNK = 4096
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Place:
    """What a leak is told by. `lon`, `lat` degrees of the centre, None without a place; `half_km` half a tile's side;
    `phash` as in `duplicates.py`, None where the picture shows nothing."""

    tile_id: str
    source: str
    source_id: str
    lon: float | None
    lat: float | None
    half_km: float
    phash: str | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Place:
        """The place of a row of the tiles table (at least the columns PLACE_COLUMNS)."""
        half = max(row["width"], row["height"]) * row["gsd_m"] / 2000
        return cls(row["tile_id"], row["source"], row["source_id"], row["lon"], row["lat"], half, row["phash"])


PLACE_COLUMNS = ["tile_id", "source", "source_id", "lon", "lat", "width", "height", "gsd_m", "phash"]
"""The columns of the tiles table that `Place.of` needs."""

PLACES_NAME = "places.parquet"
PLACES: Table = make_table(
    "places",
    [
        ("tile_id", pa.string()),
        ("source", pa.string()),
        ("source_id", pa.string()),
        ("lon", pa.float64()),
        ("lat", pa.float64()),
        ("half_km", pa.float64()),
        ("phash", pa.string()),
    ],
    rows_per_group=4096,
)


def write_places(folder: Path, places: Iterable[Place]) -> Part:
    """Write places.parquet into a benchmark folder: what a training set is checked against."""
    return write_rows(folder / PLACES_NAME, PLACES, (asdict(place) for place in places))


def read_places(folder: Path) -> list[Place]:
    """The places of a benchmark folder.

    Raises:
        DataError: it has none.
    """
    return [Place(**row) for row in read_rows(folder / PLACES_NAME, PLACES)]


@dataclass(frozen=True, slots=True)
class Leak:
    """A training tile and the held-out tile that it shows."""

    train: Place
    held_out: Place
    why: Literal["same_source_image", "same_ground", "same_picture"]

    def __str__(self) -> str:
        return f"{self.train.tile_id} and {self.held_out.tile_id}: {self.why.replace('_', ' ')}"


def leaks(
    train: Iterable[Place], held_out: Sequence[Place], gap_km: float = 0.0, bits: int | None = None
) -> Iterator[Leak]:
    """Every training tile that leaks, once, with the first reason found. `train` is streamed.

    Args:
        gap_km: how far training ground must stay away from held-out ground.
        bits: pictures whose hashes differ in at most so many bits are the same; None compares no pictures.
    """
    if not held_out:
        return
    names = {(place.source, place.source_id): place for place in held_out}
    located = [place for place in held_out if place.lon is not None and place.lat is not None]
    tree = cKDTree(_on_sphere(located)) if located else None
    widest = max((place.half_km for place in located), default=0.0)
    hashed = [place for place in held_out if place.phash]
    hashes = _bytes(hashed)
    stream = iter(train)
    while chunk := list(islice(stream, _CHUNK)):
        near = _near(chunk, tree, widest, gap_km)
        same = _same(chunk, hashes, bits) if bits is not None and len(hashed) else {}
        for number, place in enumerate(chunk):
            own = names.get((place.source, place.source_id))
            if own and (own.lon is None or place.lon is None):
                yield Leak(place, own, "same_source_image")
                continue
            ground = next((located[at] for at in near.get(number, ()) if _meet(place, located[at], gap_km)), None)
            if ground:
                yield Leak(place, ground, "same_ground")
            elif number in same:
                yield Leak(place, hashed[same[number]], "same_picture")


def refuse_leaks(found: Iterable[Leak], what: str) -> None:
    """Raise a DataError that names the first leaks and their number; nothing where there are none."""
    shown = list(found)
    if shown:
        named = "; ".join(map(str, shown[:_SHOWN])) + (" ..." if len(shown) > _SHOWN else "")
        raise DataError(
            f"{len(shown):,} training tiles show what {what} shows",
            got=named,
            expected="no place and no picture in common",
            fix="give the recipe `splits` by place, or leave these scenes out of training",
            reason="leak",
        )


def _on_sphere(places: Sequence[Place]) -> NDArray[np.float64]:
    """N x 3 unit vectors."""
    lon = np.radians([float(place.lon or 0) for place in places])
    lat = np.radians([float(place.lat or 0) for place in places])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def _near(chunk: Sequence[Place], tree: Any, widest: float, gap_km: float) -> dict[int, list[int]]:
    """For the number of each tile of `chunk`: held-out tiles whose corners may reach it."""
    numbers = [number for number, place in enumerate(chunk) if place.lon is not None and place.lat is not None]
    if tree is None or not numbers:
        return {}
    points = _on_sphere([chunk[number] for number in numbers])
    reach = np.array([np.sqrt(2) * (chunk[number].half_km + widest + gap_km) for number in numbers]) / _EARTH_KM
    found = tree.query_ball_point(points, np.minimum(reach, 2.0), return_sorted=True)
    return {number: list(at) for number, at in zip(numbers, found, strict=True) if len(at)}


def _meet(one: Place, two: Place, gap_km: float) -> bool:
    """Whether two squares on the ground are nearer than the gap."""
    assert one.lon is not None
    assert one.lat is not None
    assert two.lon is not None
    assert two.lat is not None
    turn = (one.lon - two.lon + 180) % 360 - 180
    across = np.radians(turn) * np.cos(np.radians((one.lat + two.lat) / 2)) * _EARTH_KM
    down = np.radians(one.lat - two.lat) * _EARTH_KM
    return bool(max(abs(across), abs(down)) < one.half_km + two.half_km + gap_km - _TOUCH_KM)


def _bytes(places: Sequence[Place]) -> NDArray[np.uint8]:
    return np.array([list(bytes.fromhex(place.phash or "")) for place in places], np.uint8).reshape(
        len(places), BITS // 8
    )


def _same(chunk: Sequence[Place], hashes: NDArray[np.uint8], bits: int) -> dict[int, int]:
    """For the number of each tile of `chunk`: the first held-out tile with the same picture."""
    numbers = [number for number, place in enumerate(chunk) if place.phash]
    found: dict[int, int] = {}
    for number in numbers:
        own = np.frombuffer(bytes.fromhex(chunk[number].phash or ""), np.uint8)
        apart = np.bitwise_count(hashes ^ own).sum(axis=1)
        nearest = int(np.argmin(apart))
        if apart[nearest] <= bits:
            found[number] = nearest
    return found
