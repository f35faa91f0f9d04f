"""A dataset is right when its files are those of its manifest, and counts and card follow from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from terra_cot.engine import Crew
from terra_cot.errors import DataError
from terra_cot.recipe import make_recipe
from terra_cot.schema import check
from terra_cot.store.atomic import sha256_file, sha256_json
from terra_cot.store.card import NAME as CARD
from terra_cot.store.card import card_text
from terra_cot.store.counts import SAMPLE_KEYS, dataset_counts
from terra_cot.store.croissant import NAME as CROISSANT
from terra_cot.store.croissant import croissant_text
from terra_cot.store.manifest import NAME as MANIFEST
from terra_cot.store.manifest import manifest_parts, read_manifest
from terra_cot.store.shards import SAMPLES, TILES, Part
from terra_cot.verify.part import PartJob, verify_part
from terra_cot.verify.report import Problem, Report

DROPPED = "dropped.jsonl"


def verify(folder: Path, *, workers: int = 1, on_step: Callable[[int, int], None] | None = None) -> Report:
    """Check a whole dataset.

    Raises:
        DataError, SchemaError: `folder` is not a finished dataset of this format.
    """
    manifest = read_manifest(folder, "dataset")
    check(manifest, "manifest", folder / MANIFEST)
    recipe = make_recipe(manifest["recipe"], f"{folder / MANIFEST}:recipe")
    parts = {part.path: part for part in manifest_parts(manifest)}
    report = Report()
    causes = _sorted(_files(folder, manifest, parts))
    # An altered part is still looked into, so that rows are named; a missing one cannot be.
    there = {path: part for path, part in parts.items() if (folder / path).is_file()}
    names = sorted({path.rsplit("/", 1)[1] for path in there})
    jobs = [
        PartJob(
            folder,
            there.get(f"{TILES.name}/{name}"),
            there.get(f"{SAMPLES.name}/{name}"),
            recipe.tile,
            recipe.seed,
        )
        for name in names
    ]
    if on_step:
        on_step(0, len(jobs))
    for done, part in enumerate(Crew(workers).work(verify_part, jobs, len(jobs)), start=1):
        report.add(part)
        if on_step:
            on_step(done, len(jobs))
    # Causes first: where a part is harmed, its rows and then the counts differ because of it.
    follows = [*_counts(folder, manifest, report), *_card(folder, manifest)]
    report.problems = [*causes, *_sorted(report.problems), *_sorted(follows)]
    return report


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    """Of a file its own problems first, then those of its rows."""
    return sorted(
        problems, key=lambda problem: (problem.row is not None, problem.file, problem.row or "", problem.field)
    )


def _files(folder: Path, manifest: dict[str, Any], parts: dict[str, Part]) -> Iterator[Problem]:
    """Every file the manifest names is there with its bytes, and no part is there that it does not name."""
    listed = [
        *parts.values(),
        *(Part(entry["path"], 0, entry["bytes"], entry["sha256"]) for entry in manifest["files"]),
    ]
    for part in listed:
        path = folder / part.path
        if not path.is_file():
            yield Problem(part.path, None, "", "is missing; run the recipe again, it makes what is missing")
        elif path.stat().st_size != part.bytes:
            found = f"has {path.stat().st_size} bytes, the manifest says {part.bytes}"
            yield Problem(part.path, None, "bytes", f"{found}; run the recipe again, it makes the part anew")
        elif sha256_file(path) != part.sha256:
            yield Problem(
                part.path, None, "sha256", "checksum differs: its bytes were altered; delete it to have it remade"
            )
    for table in (TILES, SAMPLES):
        for path in table.parts(folder):
            name = path.relative_to(folder).as_posix()
            if name not in parts:
                yield Problem(name, None, "", "is not in the manifest")
    if sha256_json(manifest["recipe"]) != manifest["recipe_sha256"]:
        yield Problem(MANIFEST, None, "recipe_sha256", "does not follow from the recipe")
    if manifest["recipe"]["seed"] != manifest["seed"]:
        yield Problem(MANIFEST, None, "seed", f"says {manifest['seed']}, the recipe {manifest['recipe']['seed']}")


def _counts(folder: Path, manifest: dict[str, Any], report: Report) -> Iterator[Problem]:
    """Counts of the manifest are those of the rows of the parts and of dropped.jsonl."""
    drops: list[Any] = []
    if (folder / DROPPED).is_file():
        for number, line in enumerate((folder / DROPPED).read_bytes().splitlines(), start=1):
            try:
                drop = orjson.loads(line)
                check(drop, "dropped", DROPPED, number)
            except (orjson.JSONDecodeError, DataError) as error:
                yield Problem(DROPPED, str(number), "", str(error))
            else:
                drops.append(drop)
    samples = {key: report.counts.get(key, Counter()) for key in SAMPLE_KEYS}
    found = dataset_counts(
        scenes=sum(entry["scenes"] for entry in manifest["sources"]),
        tiles=report.counts.get("tiles_split", Counter()),
        samples=samples if "samples" in manifest["counts"] else None,
        drops=drops,
    )
    yield from _differences(manifest["counts"], found, "counts")
    grown = manifest["generations"]
    yield from _differences(found["scenes"]["kept"], sum(entry["scenes"] for entry in grown), "generations.scenes")
    firsts = [sum(entry["parts"] for entry in grown[:number]) for number in range(len(grown))]
    yield from _differences([entry["first_part"] for entry in grown], firsts, "generations.first_part")


def _differences(stated: Any, found: Any, where: str) -> Iterator[Problem]:
    if isinstance(stated, dict) and isinstance(found, dict):
        for key in sorted({*stated, *found}):
            yield from _differences(stated.get(key), found.get(key), f"{where}.{key}")
    elif stated != found:
        yield Problem(MANIFEST, None, where, f"says {stated}, parts and {DROPPED} give {found}")


def _card(folder: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    path = folder / CARD
    if path.is_file() and path.read_bytes() != card_text(manifest, manifest_parts(manifest)).encode():
        yield Problem(CARD, None, "", "is not the card of this manifest")
    path = folder / CROISSANT
    if path.is_file() and path.read_bytes() != croissant_text(manifest):
        yield Problem(CROISSANT, None, "", "is not the metadata of this manifest")
