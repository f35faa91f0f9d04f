"""Archives in their publishers' layouts, by the shipped recipes and the command line: run, verify, name the broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archives.chatearthnet import NAMES, chatearthnet
from archives.deepglobe_road import deepglobe_road
from geofactory import cli_here
from PIL import Image


def run(recipe: str, root: Path, out: Path) -> dict[str, Any]:
    """The counts of a dataset that was made and verified."""
    done = cli_here("run", recipe, "--set", f"source.root={root}", "-o", out, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    checked = cli_here("verify", out, "--json")
    assert checked.returncode == 0, checked.stdout
    assert json.loads(checked.stdout)["problems"] == []
    counts: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())["counts"]
    for stage in ("scenes", "tiles", "annotated_tiles"):
        assert counts[stage]["read"] == counts[stage]["kept"] + sum(counts[stage]["dropped"].values())
    return counts


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return chatearthnet(tmp_path_factory.mktemp("cen") / "cen")


def test_chatearthnet_from_end_to_end(chat: Path, tmp_path: Path) -> None:
    counts = run("chatearthnet", chat, tmp_path / "out")
    assert counts["tiles"]["kept"] == 3
    assert set(counts["samples"]["by_split"]) == {"train", "validation", "test"}
    assert {"res", "caption", "l1"} <= set(counts["samples"]["by_tier"])
    # The broken one beside the whole ones: every fault is told, the rest is kept.
    Image.fromarray(np.full((256, 256), 7, np.uint8)).save(chat / "worldcover" / NAMES[0])
    path = chat / "s2_images" / NAMES[1]
    path.write_bytes(path.read_bytes()[:5000])
    counts = run("chatearthnet", chat, tmp_path / "rest")
    assert (counts["scenes"]["dropped"], counts["tiles"]["dropped"]) == ({"unreadable": 1}, {"unknown_label_code": 1})
    assert counts["tiles"]["kept"] == 1


def test_deepglobe_roads_from_end_to_end(tmp_path: Path) -> None:
    root = deepglobe_road(tmp_path / "road")
    counts = run("deepglobe-road", root, tmp_path / "out")
    assert (counts["scenes"]["kept"], counts["scenes"]["dropped"]) == (2, {"split_not_asked": 2})
    assert counts["samples"]["by_task"]["referring"] == 2
    assert set(counts["samples"]["by_task"]) <= {"referring", "area"}
    from terrascope_bench.tasks import TASKS

    assert all(task.legend_kind != "objects" for task in TASKS.values()), "no sub-task asks about roads"


@pytest.mark.parametrize("kind", ["chatearthnet", "deepglobe-road"])
def test_a_folder_of_something_else_is_one_line(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    done = cli_here("run", kind, "--set", f"source.root={tmp_path / 'x'}", "-o", tmp_path / "out", "--quiet")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "archive" in done.stderr
