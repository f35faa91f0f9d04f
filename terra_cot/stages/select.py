"""Select: which tiles and which samples a dataset takes, decided over all parts at once, before a word is written.

Copies of an earlier tile give no samples; of the rest each part is told how many samples of each kind it gives. Both
follow from the parts of tiles alone. Held-out tiles come first: of a tile and its copy the one that tests stays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from terra_cot import FORMAT_VERSION, __version__
from terra_cot.balance.duplicates import near_duplicates
from terra_cot.balance.leakage import PLACE_COLUMNS, Place, leaks, read_places, refuse_leaks
from terra_cot.balance.mix import Kind, by_part, mixture
from terra_cot.draw import digest
from terra_cot.engine import Crew
from terra_cot.generate import GenerateOptions, outlines_of
from terra_cot.pixels.images import PartImages
from terra_cot.recipe import Recipe
from terra_cot.stages import OnStep
from terra_cot.stages.light import light_tiles
from terra_cot.stages.plan import generations
from terra_cot.store.atomic import sha256_json, write_json
from terra_cot.store.shards import TILES, Part, read_rows
from terra_cot.store.workspace import Marker, Markers, Workspace

_ORDER = ("test", "validation", "train")


@dataclass(frozen=True, slots=True)
class Choice:
    """What one part of tiles gives: nothing of its `copies` (tile -> the tile it shows), and `quota` of each kind.

    `quota` None: all there is.
    """

    copies: Mapping[str, str]
    quota: Mapping[Kind, int] | None

    def to_json(self) -> list[Any]:
        """What the fingerprint of a part of samples takes of it."""
        quota = None if self.quota is None else [[*kind, number] for kind, number in sorted(self.quota.items())]
        return [dict(sorted(self.copies.items())), quota]


@dataclass(frozen=True, slots=True)
class CountPart:
    """The work of counting what one part of tiles could give."""

    markers: Markers
    number: int
    tiles: Part
    options: GenerateOptions
    seed: int


@dataclass(frozen=True, slots=True)
class Selection:
    """One choice a part, and what the manifest says of the mixture (None without one)."""

    choices: tuple[Choice, ...]
    report: dict[str, Any] | None


def select(workspace: Workspace, recipe: Recipe, crew: Crew, on_step: OnStep | None) -> Selection:
    """What every part of tiles gives.

    Raises:
        DataError: a training tile shows what is held out.
    """
    tiles = workspace.markers.all(TILES)
    firsts = [entry["first_part"] for entry in generations(workspace.hidden)]
    copies = _copies(workspace.folder, tiles, firsts, recipe.near_duplicate_bits)
    _check_held_out(workspace.folder, tiles, recipe)
    if recipe.mix is None:
        return Selection(tuple(Choice(found, None) for found in copies), None)
    counts = _counted(workspace, tiles, recipe, copies, crew, on_step)
    total: Counter[Kind] = Counter()
    for part in counts:
        total.update(part)
    mixed = mixture(total, recipe.mix)
    quotas = by_part(mixed.wanted, counts)
    choices = tuple(Choice(found, quota) for found, quota in zip(copies, quotas, strict=True))
    return Selection(choices, {"available": total.total(), **mixed.report})


def _places(folder: Path, tiles: list[Marker]) -> Iterator[tuple[int, str, Place]]:
    """(part, split, place) of every tile, streamed."""
    for number, marker in enumerate(tiles):
        for row in read_rows(folder / marker.part.path, TILES, [*PLACE_COLUMNS, "split"]) if marker.part.rows else ():
            yield number, row["split"], Place.of(row)


def _copies(folder: Path, tiles: list[Marker], firsts: list[int], bits: int | None) -> list[dict[str, str]]:
    """For each part: its tiles that are near-duplicates, and the kept tile that each shows.

    A generation (`firsts`: the first part of each) is no copy of a later one: what a finished dataset kept stays kept.
    """
    found: list[dict[str, str]] = [{} for _ in tiles]
    if bits is None:
        return found
    names: list[tuple[int, str]] = []
    ranks: list[int] = []
    hashes = bytearray()
    for number, split, place in _places(folder, tiles):
        if place.phash:
            names.append((number, place.tile_id))
            behind = _ORDER.index(split) if split in _ORDER else len(_ORDER)
            ranks.append(bisect_right(firsts, number) * (len(_ORDER) + 1) + behind)
            hashes += bytes.fromhex(place.phash)
    order = np.argsort(np.array(ranks, np.int64), kind="stable")
    rows = np.frombuffer(bytes(hashes), np.uint8).reshape(len(names), -1) if names else np.empty((0, 32), np.uint8)
    originals = near_duplicates(rows[order], bits)
    for at in np.flatnonzero(originals >= 0):
        number, tile_id = names[order[at]]
        found[number][tile_id] = names[order[originals[at]]][1]
    return found


def _check_held_out(folder: Path, tiles: list[Marker], recipe: Recipe) -> None:
    """Training tiles must not show the test split (where the recipe splits by place), nor a benchmark it names."""

    def train() -> Iterator[Place]:
        return (place for _, split, place in _places(folder, tiles) if split == "train")

    if recipe.splits is not None:
        held = [place for _, split, place in _places(folder, tiles) if split != "train"]
        refuse_leaks(leaks(train(), held, recipe.splits.gap_km), "its own validation and test split")
    for name in recipe.held_out:
        held = read_places(Path(name))
        refuse_leaks(leaks(train(), held, bits=recipe.near_duplicate_bits), f"the benchmark {name}")


def _counted(
    workspace: Workspace,
    tiles: list[Marker],
    recipe: Recipe,
    copies: list[dict[str, str]],
    crew: Crew,
    on_step: OnStep | None,
) -> list[Counter[Kind]]:
    """How many samples of each kind every part could give, copies left out."""
    markers = workspace.markers
    jobs = (
        CountPart(markers, number, marker.part, recipe.generate, recipe.seed) for number, marker in enumerate(tiles)
    )
    done, total = 0, sum(marker.part.rows for marker in tiles)
    for number in crew.work(count_part, jobs, len(tiles)):
        done += tiles[number].part.rows
        if on_step:
            on_step("count", done, total)
    return [
        Counter(kind for tile, _, kind in outlines(markers, number) if tile not in copies[number])
        for number in range(len(tiles))
    ]


def count_part(job: CountPart) -> int:
    """Note what each tile of a part could give unless that is known; returns its number."""
    fingerprint = sha256_json(
        [FORMAT_VERSION, __version__, job.options.model_dump(mode="json"), job.seed, job.tiles.sha256]
    )
    path = _outlines_path(job.markers, job.number)
    if path.is_file() and orjson.loads(path.read_bytes())["fingerprint"] == fingerprint:
        return job.number
    kinds: dict[Kind, int] = {}
    samples = []
    with closing(PartImages(job.markers.folder / job.tiles.path)) as images:
        for tile in light_tiles(job.markers.folder, job.tiles):
            for outline in outlines_of(tile, job.options, job.seed, images):
                kind = Kind(outline.tier, outline.task, outline.label, outline.modality, outline.split)
                samples.append([tile.tile_id, outline.number, kinds.setdefault(kind, len(kinds))])
    write_json(path, {"fingerprint": fingerprint, "kinds": [list(kind) for kind in kinds], "samples": samples})
    return job.number


def outlines(markers: Markers, number: int) -> Iterator[tuple[str, int, Kind]]:
    """(tile, number of the sample, kind) of everything a counted part could give."""
    body = orjson.loads(_outlines_path(markers, number).read_bytes())
    kinds = [Kind(*values) for values in body["kinds"]]
    for tile, sample, kind in body["samples"]:
        yield tile, sample, kinds[kind]


def _outlines_path(markers: Markers, number: int) -> Path:
    return markers.hidden / f"outlines-{number:05d}.json"


def chosen_samples(markers: Markers, number: int, choice: Choice, seed: int) -> dict[str, set[int]] | None:
    """The numbers of the samples that each tile of a part gives; None for all. Which ones is drawn by name."""
    if choice.quota is None:
        return None
    candidates: dict[Kind, list[tuple[bytes, str, int]]] = defaultdict(list)
    for tile, sample, kind in outlines(markers, number):
        if tile not in choice.copies and choice.quota.get(kind):
            candidates[kind].append((digest(seed, "mix", tile, sample), tile, sample))
    chosen: dict[str, set[int]] = defaultdict(set)
    for kind, found in candidates.items():
        for _, tile, sample in sorted(found)[: choice.quota[kind]]:
            chosen[tile].add(sample)
    return dict(chosen)
