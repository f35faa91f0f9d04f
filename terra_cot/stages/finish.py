"""Finish: counts, dropped.jsonl, the dataset card, Croissant metadata and, last, the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson

from terra_cot.errors import DataError
from terra_cot.recipe import Recipe
from terra_cot.stages.plan import generations, seal
from terra_cot.stages.scan import read_drops
from terra_cot.store.atomic import replacing
from terra_cot.store.card import write_card
from terra_cot.store.counts import SAMPLE_KEYS, by_reason, dataset_counts
from terra_cot.store.croissant import write_croissant
from terra_cot.store.manifest import file_entry, write_manifest
from terra_cot.store.shards import SAMPLES, TILES
from terra_cot.store.workspace import Marker, Workspace


def finish(workspace: Workspace, recipe: Recipe, mix: dict[str, Any] | None = None) -> dict[str, Any]:
    """Write dropped.jsonl, the dataset card and, last, the manifest; `mix` is how well the shares asked for were met.

    Raises:
        DataError: every tile was dropped: there is no dataset to describe.
    """
    workspace.sweep()  # again: a worker of a killed run may have outlived the start of this one
    summary = orjson.loads((workspace.hidden / "scan.json").read_bytes())
    tiles, samples = workspace.markers.all(TILES), workspace.markers.all(SAMPLES)

    def drops() -> Iterator[dict[str, str]]:
        yield from read_drops(workspace.hidden / "scenes.parquet")
        for marker in chain(tiles, samples):
            yield from marker.drops

    with replacing(workspace.folder / "dropped.jsonl") as temporary, temporary.open("wb") as lines:
        lines.writelines(orjson.dumps(drop, option=orjson.OPT_APPEND_NEWLINE) for drop in drops())
    counts = dataset_counts(
        scenes=summary["scenes"],
        tiles=_total(tiles, "split"),
        samples={key: _total(samples, key) for key in SAMPLE_KEYS} if samples else None,
        drops=drops(),
    )
    body = {
        "recipe": recipe.body(),
        "recipe_sha256": recipe.sha256(),
        "seed": recipe.seed,
        "sources": summary["sources"],
        "counts": counts,
        "generations": generations(workspace.hidden),
    }
    if mix is not None:
        body["mix"] = mix
    parts = [marker.part for marker in chain(tiles, samples) if marker.part.rows]
    write_card(workspace.folder, body, parts)
    write_croissant(workspace.folder, body)
    body["files"] = [file_entry(workspace.folder, name) for name in ("README.md", "croissant.json", "dropped.jsonl")]
    if not any(marker.part.rows for marker in tiles):
        why = by_reason(counts["tiles"]["dropped"])
        raise DataError(
            f"no tile is left ({why})", file=workspace.folder, fix="see why each was dropped in its dropped.jsonl"
        )
    seal(workspace.hidden)
    return write_manifest(workspace.folder, "dataset", body, parts)


def _total(markers: list[Marker], key: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for marker in markers:
        total.update(marker.counts.get(key, {}))
    return total
