"""Runs by the command line, held to account: what lay on the disk is what was kept plus what dropped.jsonl names."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from geofactory import cli_here

from terra_cot.store.shards import SAMPLES, TILES, read_rows
from terra_cot.tile import TileRecord


@dataclass(frozen=True)
class Made:
    """A finished, verified dataset."""

    folder: Path
    counts: dict[str, Any]
    drops: list[dict[str, str]]
    tiles: list[TileRecord]
    samples: list[dict[str, Any]]

    def reasons(self, level: str) -> dict[str, str]:
        """item -> reason of what was dropped at a level."""
        return {drop["item"]: drop["reason"] for drop in self.drops if drop["level"] == level}


def made(recipe: str | dict[str, Any], out: Path, root: Path | None = None, *settings: str) -> Made:
    """Run a shipped recipe on `root`, or one of plain values, verify it, and check that its numbers add up."""
    name: str | Path
    if isinstance(recipe, dict):
        name = out.with_suffix(".yaml")
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_text(yaml.safe_dump(recipe))
    else:
        name = recipe
    given = [f"--set=source.root={root}"] if root else []
    done = cli_here("run", name, "-o", out, "--quiet", *given, *(f"--set={setting}" for setting in settings))
    empty = "no sample was made" in done.stderr
    assert done.returncode == int(empty), done.stderr
    assert empty or not done.stderr, done.stderr
    checked = cli_here("verify", out, "--json")
    assert checked.returncode == 0, checked.stdout
    assert json.loads(checked.stdout)["problems"] == []
    counts = json.loads((out / "manifest.json").read_bytes())["counts"]
    drops = [json.loads(line) for line in (out / "dropped.jsonl").read_text().splitlines()]
    tiles = [TileRecord.from_row(row) for path in TILES.parts(out) for row in read_rows(path, TILES)]
    samples = [row for path in SAMPLES.parts(out) for row in read_rows(path, SAMPLES)]
    _adds_up(counts, drops, tiles, samples)
    assert empty == (not samples)
    return Made(out, counts, drops, tiles, samples)


def _adds_up(counts: dict[str, Any], drops: list[dict[str, str]], tiles: list[Any], samples: list[Any]) -> None:
    """The manifest against the files themselves: rows of the tables, lines of dropped.jsonl."""
    listed = Counter((drop["stage"], drop["level"], drop["reason"]) for drop in drops)
    told: Counter[tuple[str, str, str]] = Counter()
    for stage, level, dropped in (
        ("scan", "scene", counts["scenes"]["dropped"]),
        ("scan", "frame", counts["frames_dropped"]["scan"]),
        ("tile", "frame", counts["frames_dropped"]["tile"]),
        ("tile", "tile", counts["tiles"]["dropped"]),
        ("generate", "tile", counts["annotated_tiles"]["dropped"]),
    ):
        told.update({(stage, level, reason): number for reason, number in dropped.items()})
    assert listed == told
    assert counts["tiles"]["kept"] == len(tiles)
    assert counts["samples"]["kept"] == len(samples)
    assert counts["annotated_tiles"]["read"] == len(tiles)
    for stage in ("scenes", "tiles", "annotated_tiles"):
        found = counts[stage]
        assert found["read"] == found["kept"] + sum(found["dropped"].values())
    assert all(drop["detail"] and "\n" not in drop["detail"] for drop in drops)
