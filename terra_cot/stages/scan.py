"""Scan: the scenes of a source as `scenes.parquet`, what was dropped as `scan.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from terra_cot.atomic import write_json
from terra_cot.scene import Drop, Scene, write_scenes
from terra_cot.stages import OnStep


def scan_to(
    folder: Path, found: Iterable[Scene | Drop], limit: int | None = None, on_step: OnStep | None = None
) -> dict[str, Any]:
    """Write `scenes.parquet` and `scan.json` (counts and drops) from a scan, streamed; returns the latter."""
    drops: list[dict[str, str]] = []
    licences: Counter[str] = Counter()
    known: set[str] = set()

    def kept() -> Iterator[Scene]:
        for item in found:
            if isinstance(item, Drop):
                drops.append({"stage": "scan", **item.to_row()})
                continue
            if item.scene_id in known:  # its tiles would take the names of another scene's
                drop = Drop("scene", item.scene_id, "duplicate_scene", "a scene of this name was kept already")
                drops.append({"stage": "scan", **drop.to_row()})
                continue
            known.add(item.scene_id)
            licences[f"{item.source}\n{item.licence}"] += 1
            if on_step:
                on_step("scan", licences.total(), 0)
            yield item

    part = write_scenes(folder / "scenes.parquet", islice(kept(), limit))
    summary = {
        "scenes": part.rows,
        "sources": [
            {"source": key.partition("\n")[0], "licence": key.partition("\n")[2], "scenes": number}
            for key, number in sorted(licences.items())
        ],
        "drops": drops,
    }
    write_json(folder / "scan.json", summary)
    return summary
