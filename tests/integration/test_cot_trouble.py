"""A full disk, a killed worker, a part that rots: one line says what to do, and nothing that was made is lost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from gate import LONG_S, Gate
from geofactory import SCRIPT, cli, rasters_archive

from terra_cot.store.shards import SAMPLES, TILES


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(rasters_archive(folder / "data", scenes=3) | {"part_tiles": 3}))
    return path


@pytest.fixture(scope="module")
def dataset(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "out"
    assert cli("run", recipe, "-o", out, "--quiet").returncode == 0
    return out


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that a user gets, by its name."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if ".progress" not in path.parts}


@pytest.fixture
def small_disk(dataset: Path, tmp_path: Path) -> Iterator[Path]:
    """A file system with room for about half of the dataset."""
    place = tmp_path / "disk"
    place.mkdir()
    room = sum(len(data) for data in contents(dataset).values()) // 2
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", str(place)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_one_line_and_what_was_made_is_kept(
    recipe: Path, dataset: Path, small_disk: Path, tmp_path: Path, workers: int
) -> None:
    done = cli("run", recipe, "-o", small_disk / "out", "--workers", workers, "--quiet")
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert "run the same command again" in done.stderr
    kept = TILES.parts(small_disk / "out")
    assert kept
    for path in kept:
        assert path.read_bytes() == (dataset / "tiles" / path.name).read_bytes(), "nothing half-written looks whole"
    assert not (small_disk / "out/manifest.json").exists()
    refused = cli("verify", small_disk / "out")
    assert refused.returncode == 2
    assert "not a finished dataset" in refused.stderr

    shutil.copytree(small_disk / "out", tmp_path / "out")  # onto a larger disk
    before = {path.name: path.stat().st_mtime_ns for path in TILES.parts(tmp_path / "out")}
    assert cli("run", recipe, "-o", tmp_path / "out", "--quiet").returncode == 0
    assert contents(tmp_path / "out") == contents(dataset)
    assert all((tmp_path / "out/tiles" / name).stat().st_mtime_ns == at for name, at in before.items()), "made twice"


def test_a_killed_worker_is_one_line_and_the_rest_is_kept(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    gate = Gate(tmp_path / "gate", "*/tiles/part-00003.parquet")
    running = subprocess.Popen(
        [str(SCRIPT), "run", str(recipe), "-o", str(out), "--workers", "2", "--quiet"],
        stderr=subprocess.PIPE,
        text=True,
        env=gate.environment(),
    )
    worker = gate.wait(running)
    assert worker != running.pid
    os.kill(worker, signal.SIGKILL)
    _, told = running.communicate(timeout=LONG_S)
    assert running.returncode == 1, told
    assert len(told.strip().splitlines()) == 1, told
    assert "a worker process died" in told
    assert TILES.parts(out)
    assert cli("run", recipe, "-o", out, "--quiet").returncode == 0
    assert contents(out) == contents(dataset)


@pytest.mark.parametrize("table", [TILES, SAMPLES], ids=["tiles", "samples"])
@pytest.mark.parametrize("harm", ["deleted", "truncated", "flipped"])
def test_a_part_that_is_harmed_afterwards_is_named_and_made_again(
    recipe: Path, dataset: Path, tmp_path: Path, table: object, harm: str
) -> None:
    out = tmp_path / "out"
    shutil.copytree(dataset, out)
    part = table.parts(out)[1]  # type: ignore[attr-defined]
    whole = part.read_bytes()
    if harm == "deleted":
        part.unlink()
    elif harm == "truncated":
        part.write_bytes(whole[: len(whole) // 2])
    else:
        middle = len(whole) // 2
        part.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    done = cli("verify", out, "--json")
    assert done.returncode == 1
    problems = json.loads(done.stdout)["problems"]
    assert any(part.name in json.dumps(problem) for problem in problems)
    if harm == "flipped":  # of the same size: a run that goes on does not read every byte, verify does
        assert any("delete it to have it remade" in json.dumps(problem) for problem in problems)
        part.unlink()
    again = cli("run", recipe, "-o", out, "--quiet")
    assert again.returncode == 0, again.stderr
    assert contents(out) == contents(dataset)
