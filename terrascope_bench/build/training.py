"""What training tiles of the same datasets show is no test: the build fails where a question shows it too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from terra_cot.balance.duplicates import NEAR_BITS
from terra_cot.balance.leakage import PLACE_COLUMNS, Place, leaks, refuse_leaks, write_places
from terra_cot.store.shards import TILES, read_rows


def check_training(parts: Sequence[Path], asked: Collection[str], split: str, out: Path) -> int | None:
    """Write the places of the tiles `asked` about, and compare the datasets' training tiles with them.

    Returns:
        How many training tiles were compared; None where the benchmark may take training tiles itself.

    Raises:
        DataError: a training tile shows what a question shows.
    """
    held = sorted((place for _, place in _places(parts) if place.tile_id in asked), key=lambda place: place.tile_id)
    write_places(out, held)
    if split in ("all", "train"):
        return None
    checked = 0

    def train() -> Iterator[Place]:
        nonlocal checked
        for tile_split, place in _places(parts):
            if tile_split == "train":
                checked += 1
                yield place

    refuse_leaks(leaks(train(), held, bits=NEAR_BITS), "the benchmark")
    return checked


def _places(parts: Sequence[Path]) -> Iterator[tuple[str, Place]]:
    """(split, place) of every tile, streamed."""
    for path in parts:
        for row in read_rows(path, TILES, [*PLACE_COLUMNS, "split"]):
            yield row["split"], Place.of(row)
