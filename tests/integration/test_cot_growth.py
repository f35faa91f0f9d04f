"""A source that grows: the second run cuts what is new and appends it; what was there keeps its bytes and files."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
import rasterio
import yaml
from exportfactory import contents as all_files
from gate import killed_at
from geofactory import SCRIPT, cli, cli_here, rasters_archive
from stacfactory import write_cog

from terra_cot.stages import tile as tile_stage

KEPT = ("tiles", "samples", "README.md", "croissant.json", "manifest.json", "dropped.jsonl")


def contents(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in all_files(folder).items() if name.split("/")[0] in KEPT}


def states(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of every part: a file that was written again has others."""
    found = sorted(folder.glob("*/part-*.parquet"))
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Four places of nine tiles; the recipe is beside them. Two are taken out, one from the middle."""
    values = rasters_archive(tmp_path / "data", scenes=4, side=192)
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({**values, "part_tiles": 4}))
    (tmp_path / "later").mkdir()
    for name in ("place1", "place3"):
        (tmp_path / "data" / name).rename(tmp_path / "later" / name)
    return tmp_path


def comes(archive: Path, name: str) -> None:
    (archive / "later" / name).rename(archive / "data" / name)


def run(archive: Path, out: str = "out", *more: object) -> dict[str, Any]:
    done = cli_here("run", archive / "recipe.yaml", "-o", archive / out, "--quiet", *more)
    assert done.returncode == 0, done.stderr
    checked = cli_here("verify", archive / out, "--json")
    assert checked.returncode == 0, checked.stdout
    manifest: dict[str, Any] = json.loads((archive / out / "manifest.json").read_bytes())
    return manifest


def ids(folder: Path, table: str) -> list[str]:
    import pyarrow.parquet as pq

    key = "tile_id" if table == "tiles" else "sample_id"
    return [name for path in sorted((folder / table).glob("*.parquet")) for name in
            pq.read_table(path, columns=[key])[key].to_pylist()]  # fmt: skip


def test_a_new_place_in_the_middle_is_appended(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(archive)
    before, there = contents(archive / "out"), states(archive / "out")
    assert first["generations"] == [{"first_part": 0, "parts": 5, "scenes": 2, "gone": 0}]
    comes(archive, "place1")
    cut: list[int] = []
    original = tile_stage.cut_scene

    def counted(scene: Any, *rest: Any) -> Any:
        cut.append(scene.scene_id)
        return original(scene, *rest)

    monkeypatch.setattr(tile_stage, "cut_scene", counted)
    second = run(archive)
    after = contents(archive / "out")
    assert second["generations"] == [
        {"first_part": 0, "parts": 5, "scenes": 2, "gone": 0},
        {"first_part": 5, "parts": 3, "scenes": 1, "gone": 0},
    ]
    assert set(cut) == {"place1"}, "nothing that was there is cut again"
    assert states(archive / "out").items() >= there.items(), "old parts are the same files"
    assert all(after[name] == before[name] for name in before if "/part-" in name)
    assert second["counts"]["tiles"]["kept"] == 27
    assert second["counts"]["scenes"]["kept"] == 3
    names = ids(archive / "out", "tiles")
    assert len(set(names)) == 27
    assert all(name.startswith("place1") for name in names[18:])


def test_the_same_tiles_and_samples_as_a_fresh_run_in_another_order(archive: Path) -> None:
    run(archive)
    comes(archive, "place3")
    comes(archive, "place1")
    run(archive)
    fresh = run(archive, "fresh")
    assert len(fresh["generations"]) == 1
    for table in ("tiles", "samples"):
        grown = ids(archive / "out", table)
        assert grown != ids(archive / "fresh", table)
        assert sorted(grown) == sorted(ids(archive / "fresh", table))


def test_growth_is_the_same_whatever_the_workers_and_a_run_without_news_changes_nothing(archive: Path) -> None:
    for out, workers in (("out", 1), ("two", 2)):
        run(archive, out, "--workers", workers)
    comes(archive, "place1")
    for out, workers in (("out", 2), ("two", 1)):
        run(archive, out, "--workers", workers)
    assert contents(archive / "out") == contents(archive / "two")
    before = states(archive / "out")
    run(archive)
    assert states(archive / "out") == before
    assert contents(archive / "out") == contents(archive / "two")


def test_three_generations_one_after_the_other(archive: Path) -> None:
    run(archive)
    for number, name in enumerate(("place3", "place1"), start=2):
        there = states(archive / "out")
        comes(archive, name)
        manifest = run(archive)
        assert len(manifest["generations"]) == number
        assert states(archive / "out").items() >= there.items()
    assert manifest["counts"]["tiles"]["kept"] == 36
    assert len(set(ids(archive / "out", "samples"))) == manifest["counts"]["samples"]["kept"]


def test_what_is_gone_or_changed_is_made_again_in_its_own_parts(archive: Path) -> None:
    """Nine tiles a place, parts of four: place0 has parts 0, 1 and a tile of part 2, which it shares with place2."""
    run(archive)
    before, there = contents(archive / "out"), states(archive / "out")
    (archive / "data" / "place0").rename(archive / "later" / "place0")
    comes(archive, "place1")
    manifest = run(archive, "out", "--force")
    assert manifest["generations"] == [
        {"first_part": 0, "parts": 5, "scenes": 1, "gone": 1},
        {"first_part": 5, "parts": 3, "scenes": 1, "gone": 0},
    ]
    run(archive)  # what was let go is not asked for again
    after, now = contents(archive / "out"), states(archive / "out")
    assert "tiles/part-00000.parquet" not in now, "a part without tiles has no file"
    for number in (3, 4):
        for table in ("tiles", "samples"):
            name = f"{table}/part-{number:05d}.parquet"
            assert now[name] == there[name]
            assert after[name] == before[name]
    assert after["tiles/part-00002.parquet"] != before["tiles/part-00002.parquet"]
    comes(archive, "place0")
    run(archive)
    again = contents(archive / "out")
    assert all(again[name] == before[name] for name in before if "/part-" in name), "it is back in its place"


def test_a_place_of_another_size_moves_to_the_end(archive: Path) -> None:
    run(archive)
    there = states(archive / "out")
    other = rasters_archive(archive / "other", scenes=1, side=128)
    assert other
    shutil.rmtree(archive / "data" / "place0")
    (archive / "other" / "place0").rename(archive / "data" / "place0")
    manifest = run(archive)
    assert manifest["generations"] == [
        {"first_part": 0, "parts": 5, "scenes": 1, "gone": 1},
        {"first_part": 5, "parts": 1, "scenes": 1, "gone": 0},
    ]
    assert states(archive / "out")["tiles/part-00004.parquet"] == there["tiles/part-00004.parquet"]
    assert len(ids(archive / "out", "tiles")) == len(set(ids(archive / "out", "tiles"))) == 9 + 4


def refused(archive: Path, *more: object) -> str:
    """Run; it must be refused in one line and leave every file of the dataset as it is. Returns the line."""
    out = archive / "out"
    before, there = all_files(out), states(out)
    done = cli_here("run", archive / "recipe.yaml", "-o", out, *more)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    after = all_files(out)
    assert {name for name in after if "scan/" not in name} == {name for name in before if "scan/" not in name}
    assert all(after[name] == data for name, data in before.items() if "scan/" not in name)
    assert states(out) == there
    assert cli_here("verify", out, "--json").returncode == 0
    return line


@pytest.mark.parametrize("more", [(), ("--workers", 2)])
def test_a_place_that_left_the_archive_stops_the_run(archive: Path, more: tuple[object, ...]) -> None:
    first = run(archive)
    comes(archive, "place1")
    run(archive)
    (archive / "data" / "place0").rename(archive / "later" / "place0")
    line = refused(archive, *more)
    assert "1 scene of the last run is no longer found" in line
    assert "(place0: not there)" in line
    assert "9 tiles and " in line
    assert " samples made of it would be deleted" in line
    assert "--force" in line
    (archive / "data" / "place2").rename(archive / "later" / "place2")
    line = refused(archive)
    assert "2 scenes of the last run are no longer found" in line
    assert "(first place0: not there)" in line
    assert f"18 tiles and {first['counts']['samples']['kept']} samples made of them" in line
    assert cli_here("generate", archive / "out", "--quiet").returncode == 0, "its scan is that of its tiles"
    assert cli_here("verify", archive / "out", "--json").returncode == 0
    comes(archive, "place0")
    comes(archive, "place2")
    assert run(archive)["counts"]["tiles"]["kept"] == 27


def test_a_place_that_cannot_be_read_any_more_stops_the_run(archive: Path) -> None:
    run(archive)
    for path in sorted((archive / "data" / "place2").glob("S*.tif")):
        path.write_bytes(b"no")
    line = refused(archive)
    assert "(place2: unreadable, " in line
    assert "9 tiles and " in line


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_is_cut_off_stops_the_run_when_its_pixels_are_read(archive: Path, workers: int) -> None:
    """The header is whole: only cutting finds out. The part that holds its tiles stays as it is."""
    path = archive / "data" / "place2" / "labels.tif"
    with rasterio.open(path) as labels:
        pixels, place = labels.read(), labels.transform
    write_cog(path, pixels, place, 0)
    run(archive)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    before, there = contents(archive / "out"), states(archive / "out")
    done = cli_here("run", archive / "recipe.yaml", "-o", archive / "out", "--workers", workers)
    assert done.returncode == 2, done.stdout + done.stderr
    assert (contents(archive / "out"), states(archive / "out")) == (before, there)
    assert "tile place2_r" in done.stderr
    assert "would be dropped (unreadable: " in done.stderr
    assert cli_here("verify", archive / "out", "--json").returncode == 0
    assert run(archive, "out", "--force")["counts"]["tiles"]["kept"] < 18


def test_what_was_never_finished_may_leave(archive: Path) -> None:
    """Killed as it grew: the places of the growth were not finished, and their leaving is no loss."""
    run(archive)
    comes(archive, "place1")
    command = [str(SCRIPT), "run", str(archive / "recipe.yaml"), "-o", str(archive / "out"), "-q"]
    killed_at(archive / "gate", "*/tiles/part-*.parquet", command, at=2)
    assert not (archive / "out" / "manifest.json").exists(), "killed before its end, or this test shows nothing"
    (archive / "data" / "place1").rename(archive / "later" / "place1")
    assert run(archive)["counts"]["tiles"]["kept"] == 18


def test_several_sources_of_which_one_is_empty_now(archive: Path) -> None:
    recipe = yaml.safe_load((archive / "recipe.yaml").read_text())
    source = recipe.pop("source")
    rasters_archive(archive / "second" / "more", scenes=1, side=128)
    (archive / "second" / "more" / "place0").rename(archive / "second" / "other")
    recipe["sources"] = {"a": source, "b": {**source, "root": str(archive / "second")}}
    (archive / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    run(archive)
    (archive / "second" / "other").rename(archive / "second" / "another")
    line = refused(archive)
    assert "(other: not there)" in line
    assert "4 tiles and " in line


def test_growth_is_told_in_words(archive: Path) -> None:
    run(archive)
    comes(archive, "place1")
    comes(archive, "place3")
    done = cli_here("run", archive / "recipe.yaml", "-o", archive / "out")
    assert "grown: 5 parts of 2 scenes at first, 5 parts of 2 scenes added" in done.stdout
    (archive / "data" / "place0").rename(archive / "later" / "place0")
    done = cli_here("run", archive / "recipe.yaml", "-o", archive / "out", "--force")
    assert "grown: 5 parts of 1 scene at first (1 scene gone), 5 parts of 2 scenes added" in done.stdout


@pytest.mark.parametrize("moment", range(4))
def test_killed_while_it_grows_it_goes_on_to_the_same_bytes(archive: Path, moment: int) -> None:
    run(archive)
    shutil.copytree(archive / "out", archive / "whole")
    comes(archive, "place1")
    comes(archive, "place3")
    run(archive, "whole")
    command = [str(SCRIPT), "run", str(archive / "recipe.yaml"), "-o", str(archive / "out"), "-q"]
    killed_at(archive / "gate", "*/part-*.parquet", command, at=1 + random.Random(moment).randrange(10))
    assert not (archive / "out" / "manifest.json").exists()
    run(archive)
    assert contents(archive / "out") == contents(archive / "whole")


def test_a_first_run_that_was_not_finished_seals_nothing(archive: Path) -> None:
    """Killed before its end and run again over a grown source: as if it had not been."""
    command = [str(SCRIPT), "run", str(archive / "recipe.yaml"), "-o", str(archive / "out"), "-q"]
    killed_at(archive / "gate", "*/tiles/part-*.parquet", command, at=2)
    assert not (archive / "out" / "manifest.json").exists()
    comes(archive, "place1")
    run(archive)
    run(archive, "fresh")
    assert contents(archive / "out") == contents(archive / "fresh")


def test_splits_by_place_stay_when_the_source_grows(archive: Path) -> None:
    """Cells are dealt once; places that come later get cells of their own, or the split of the cell they lie in."""
    recipe = yaml.safe_load((archive / "recipe.yaml").read_text())
    recipe["splits"] = {"shares": {"train": 0.5, "test": 0.5}, "cell_km": 8.0, "gap_km": 0.5}
    (archive / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    run(archive)
    before, there = contents(archive / "out"), states(archive / "out")
    comes(archive, "place1")
    comes(archive, "place3")
    manifest = run(archive)
    after = contents(archive / "out")
    assert states(archive / "out").items() >= there.items()
    assert all(after[name] == before[name] for name in before if "/part-" in name)
    assert set(manifest["counts"]["tiles"]["by_split"]) == {"train", "test"}


def test_the_geo_export_of_a_grown_dataset_is_appended(archive: Path) -> None:
    run(archive)
    out = archive / "geo"
    done = cli("export", archive / "out", "--to", "geo", "-o", out)
    assert done.returncode == 0, done.stderr
    before = {name: data for name, data in all_files(out).items() if name.startswith(("items/", "evidence/"))}
    inodes = {name: (out / name).stat().st_ino for name in before}
    comes(archive, "place1")
    run(archive)
    done = cli("export", archive / "out", "--to", "geo", "-o", out)
    assert done.returncode == 0, done.stderr
    assert "export geo: 9/9 tiles" in done.stderr, "only new tiles are read"
    after = all_files(out)
    assert all(after[name] == data for name, data in before.items())
    assert all((out / name).stat().st_ino == inode for name, inode in inodes.items())
    fresh = archive / "fresh"
    assert cli_here("export", archive / "out", "--to", "geo", "-o", fresh).returncode == 0
    assert after == all_files(fresh), "the same as an export of the whole"
    again = {name: (out / name).stat().st_mtime_ns for name in after}
    assert cli_here("export", archive / "out", "--to", "geo", "-o", out).returncode == 0
    assert all_files(out) == after
    assert all((out / name).stat().st_mtime_ns == again[name] for name in before)
    assert cli_here("generate", archive / "out", "--set", "seed=5", "--quiet").returncode == 0
    refused = cli_here("export", archive / "out", "--to", "geo", "-o", out)
    assert refused.returncode == 2
    assert "holds another export" in refused.stderr
    assert all_files(out) == after
