"""A scan holds a batch at a time, opens nothing twice, and a killed one ends with the bytes of one that was not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from affine import Affine
from gate import killed_at
from geofactory import SCRIPT, cli_here, north_up, write_tiff

from terra_cot.errors import ConflictError
from terra_cot.geo.grid import Grid
from terra_cot.listing import Entry, Listing, Place, Total
from terra_cot.scene import Asset, Drop, Scene, SceneFrame, read_scenes
from terra_cot.stages import batches
from terra_cot.stages.scan import dropped_beside, forget, read_drops, scan_to
from terra_cot.store.index import Index
from terra_cot.store.walk import walk

GRID = Grid("EPSG:32633", Affine(10, 0, 300000, 0, -10, 5400000), 64, 64, 10.0)


def scene(name: str) -> Scene:
    frame = SceneFrame("t0", "2023-05-01T00:00:00Z", "optical", (Asset(f"{name}.tif", ("B02",)),))
    return Scene(name, "made", "/nowhere", (frame,), GRID, licence="CC0-1.0")


class Archive:
    """Files of one byte; every seventh is unusable. Counts how often each is described."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder, self.opened = folder, list[str]()
        folder.mkdir()
        for name in names:
            (folder / name).write_bytes(b"x")

    def describe(self, name: str) -> Iterator[Scene | Drop]:
        self.opened.append(name)
        if int(name) % 7 == 0:
            yield Drop("scene", name, "unreadable", "a seventh")
        else:
            if int(name) % 5 == 0:
                yield Drop("frame", f"{name}/sar", "missing_sar")
            yield scene(name)

    def listing(self, stop_at: str | None = None, key: str = "k") -> Listing:
        def entries() -> Iterator[Entry]:
            names = sorted(walk(self.folder, "*"))
            yield Total(len(names))
            for name in names:
                if name == stop_at:
                    raise RuntimeError("the machine went down")
                yield Place(name, (self.folder / name,), partial(self.describe, name))

        return Listing(key, entries())


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive", [f"{number:05d}" for number in range(3000)])


def written(out: Path) -> tuple[bytes, bytes]:
    return out.read_bytes(), dropped_beside(out).read_bytes()


def test_read_is_kept_and_dropped(archive: Archive, tmp_path: Path) -> None:
    summary = scan_to(tmp_path / "s.parquet", archive.listing())
    sevenths = len(range(0, 3000, 7))
    assert summary["scenes"] == 3000 - sevenths
    assert summary["dropped"]["scene"] == {"unreadable": sevenths}
    assert summary["sources"] == [{"source": "made", "licence": "CC0-1.0", "scenes": 3000 - sevenths}]
    drops = list(read_drops(tmp_path / "s.parquet"))
    assert len(drops) == sum(sum(reasons.values()) for reasons in summary["dropped"].values())
    assert next(read_scenes(tmp_path / "s.parquet")) == scene("00001")


def test_what_was_described_is_not_described_again(archive: Archive, tmp_path: Path) -> None:
    scan_to(tmp_path / "whole.parquet", archive.listing())
    archive.opened.clear()
    out = tmp_path / "s.parquet"
    with pytest.raises(RuntimeError):
        scan_to(out, archive.listing(stop_at="02000"))
    assert not out.exists()
    first = set(archive.opened)
    assert 900 < len(first) <= 2000
    archive.opened.clear()
    scan_to(out, archive.listing())
    assert len(archive.opened) == 3000 - len(first)
    assert not first & set(archive.opened)
    assert written(out) == written(tmp_path / "whole.parquet")


def test_a_source_that_has_grown_or_changed_is_described_there_alone(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    scan_to(out, archive.listing())
    archive.opened.clear()
    scan_to(out, archive.listing())
    assert archive.opened == [], "nothing has changed"
    (archive.folder / "01500").write_bytes(b"another")
    scan_to(out, archive.listing())
    assert "01500" in archive.opened
    assert len(archive.opened) <= batches._MOST
    archive.opened.clear()
    (archive.folder / "015005").write_bytes(b"new")
    grown = scan_to(out, archive.listing())
    assert "015005" in archive.opened
    assert len(archive.opened) <= 2 * batches._MOST
    kept = written(out)
    scan_to(tmp_path / "fresh.parquet", archive.listing())
    assert written(tmp_path / "fresh.parquet") == kept
    assert grown["scenes"] == 3001 - len(range(0, 3000, 7))
    archive.opened.clear()
    scan_to(out, archive.listing(key="other options"))
    assert len(archive.opened) == 3001, "what follows from other options is not taken"
    forget(out)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".s")) == []


def test_a_stored_batch_that_is_cut_off_is_made_again(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "s.parquet"
    scan_to(out, archive.listing())
    before = written(out)
    stored = sorted((tmp_path / ".s.parquet.scan").glob("*.parquet"))
    stored[0].write_bytes(stored[0].read_bytes()[:200])
    archive.opened.clear()
    scan_to(out, archive.listing())
    assert 0 < len(archive.opened) <= batches._MOST
    assert written(out) == before


@pytest.mark.parametrize("limit", [1, 3, 700, 5000])
def test_a_limit_is_the_first_scenes_and_the_drops_before_the_last(
    archive: Archive, tmp_path: Path, limit: int
) -> None:
    out = tmp_path / "s.parquet"
    summary = scan_to(out, archive.listing(), limit)
    names = [found.scene_id for found in read_scenes(out)]
    usable = [f"{number:05d}" for number in range(3000) if number % 7]
    assert names == usable[:limit]
    assert summary["scenes"] == len(names)
    last = int(names[-1]) if limit < len(usable) else 3000
    assert summary["dropped"]["scene"] == {"unreadable": len(range(0, last, 7))}
    assert len(archive.opened) <= last + min(limit, batches._MOST) + 1


def test_a_name_is_kept_once(tmp_path: Path) -> None:
    """Twins far apart, in places and in scenes that come described: the first stays, the other is told."""
    entries = [scene("a"), *(scene(f"b{number:05d}") for number in range(5000)), scene("a")]
    summary = scan_to(tmp_path / "s.parquet", Listing(None, iter(entries)))
    assert (summary["scenes"], summary["dropped"]) == (5001, {"scene": {"duplicate_scene": 1}})
    assert list((tmp_path / ".s.parquet.scan").glob("*.parquet")) == [], "nothing was opened that storing could spare"


def test_two_scans_of_one_output_are_refused(archive: Archive, tmp_path: Path) -> None:
    def entries() -> Iterator[Entry]:
        with pytest.raises(ConflictError, match="another scan is writing"):
            scan_to(tmp_path / "s.parquet", archive.listing())
        yield scene("a")

    assert scan_to(tmp_path / "s.parquet", Listing(None, entries()))["scenes"] == 1


def test_progress_counts_to_the_end(archive: Archive, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    scan_to(tmp_path / "s.parquet", archive.listing(), on_step=lambda *step: steps.append(step))
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert steps[0] == ("scan", 1, 3000)
    assert steps[-1] == ("scan", 3000, 3000)


@pytest.fixture(scope="module")
def rasters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 GeoTIFFs, links of one, in two folders; one is no raster."""
    folder = tmp_path_factory.mktemp("rasters")
    model = write_tiff(
        folder / "model",
        np.ones((8, 8), np.uint16),
        north_up(300000, 5400000, 10),
        bands=("B02",),
        date="2023-05-01",
    )
    for half in ("a", "b"):
        (folder / "root" / half).mkdir(parents=True)
    for number in range(1500):
        os.link(model, folder / "root" / "ab"[number % 2] / f"s{number:04d}.tif")
    (folder / "root" / "a" / "s0700.tif").unlink()
    (folder / "root" / "a" / "s0700.tif").write_bytes(b"not a raster")
    return folder / "root"


SETTING = 'source.frames=[{modality: optical, files: ["*/{scene}.tif"]}]'


@pytest.fixture(scope="module")
def whole(rasters: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """What a scan in one go writes."""
    out = tmp_path_factory.mktemp("whole") / "scenes.parquet"
    done = cli_here("scan", "rasters", rasters, "-o", out, "--set", SETTING)
    assert done.returncode == 0, done.stderr
    assert "1500 scenes read, 1499 kept, dropped 1 no_frames" in done.stdout
    return written(out)


@pytest.mark.parametrize("moment", [0, 2])
def test_a_killed_scan_goes_on_to_the_same_bytes(
    rasters: Path, whole: tuple[bytes, bytes], tmp_path: Path, moment: int
) -> None:
    out = tmp_path / "scenes.parquet"
    stored = tmp_path / ".scenes.parquet.scan"
    command = [str(SCRIPT), "scan", "rasters", str(rasters), "-o", str(out), "--set", SETTING, "--quiet"]
    killed_at(tmp_path / "gate", "*/.scenes.parquet.scan/*.parquet", command, at=moment + 2)
    assert not out.exists()
    assert len(list(stored.glob("*.parquet"))) == moment + 1
    done = cli_here("scan", "rasters", rasters, "-o", out, "--set", SETTING, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["dropped"] == {"frame": {"unreadable": 1}, "scene": {"no_frames": 1}}
    assert written(out) == whole
    assert not stored.exists()
    assert [path.name for path in tmp_path.glob(".*.tmp")] == []


def test_a_run_killed_in_its_scan_keeps_what_it_described(rasters: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    frames = '[{modality: optical, files: ["*/{scene}.tif"]}]'
    recipe.write_text(f"{{name: r, source: {{kind: rasters, root: {rasters}, frames: {frames}}}, limit: 1200}}")
    out = tmp_path / "out"
    stored = out / ".progress" / ".scenes.parquet.scan"
    command = [str(SCRIPT), "run", str(recipe), "-o", str(out), "--quiet"]
    killed_at(tmp_path / "first", "*/.scenes.parquet.scan/*.parquet", command, at=3)
    kept = {path: path.stat().st_mtime_ns for path in stored.glob("*.parquet")}
    assert len(kept) == 2
    killed_at(tmp_path / "second", "*/.progress/scan.json", command)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert pq.read_metadata(out / ".progress" / "scenes.parquet").num_rows == 1200


def test_many_drops_are_counted_and_the_first_shown(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"{number}.tif").write_bytes(b"no")
    out = tmp_path / "scenes.parquet"
    done = cli_here("scan", "rasters", tmp_path, "-o", out, "--set", SETTING.replace("*/", ""))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].endswith("9 scenes read, 0 kept, dropped 9 no_frames")
    assert lines[1] == "frames dropped: 9 unreadable"
    assert len([line for line in lines if line.startswith("dropped ")]) == 5
    assert lines[-1] == f"... and 13 more in {tmp_path / 'scenes.dropped.jsonl'}"


def test_an_index_is_in_order_and_takes_a_key_once() -> None:
    names = ["b", "a", "é", "Z", "a b", "𝄞", "\uffff"]
    with Index() as index:
        for name in names:
            assert index.add(name, "f", name)
            assert not index.add(name, "f", "other")
        assert [key for key, _ in index.items()] == sorted(names)
        assert index.get("a") == {"f": "a"}
        index.put("a", "f", "new")
        index.put("a", "e", "more")
        assert list(index.get("a").items()) == [("e", "more"), ("f", "new")]
        assert index.get("absent") == {}
        assert len(index) == len(names)


def test_walking_finds_what_pathlib_finds(tmp_path: Path) -> None:
    for name in ("a/x.tif", "a/b/x.tif", "a/b/c/y.tif", ".h/x.tif", "a/.x.tif", "z.tif", "a/[1].tif", "b/x.tif/q"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for pattern in (
        "*.tif",
        "*/*.tif",
        "**/*.tif",
        "a/**/x.tif",
        "*/b/*",
        "a/x.tif",
        "absent/x.tif",
        "link/*",
        "**/b/**/*.tif",
    ):
        expected = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob(pattern)}
        assert set(walk(tmp_path, pattern)) == expected, pattern
