"""A place that cannot be written to is one line and exit code 2, before the work, and never a temporary name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from geofactory import cli_here, rasters_archive

from pipelines.places import refused

FRAMES = 'source.frames=[{modality: optical, files: ["{scene}/S2_{date}.tif"]}]'


@pytest.fixture(scope="module")
def open_place() -> Iterator[Path]:
    """A folder that every user may look into (pytest's own are its user's alone)."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    yield place
    for folder, _, _ in os.walk(place):
        Path(folder).chmod(0o755)
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def recipe(open_place: Path) -> Path:
    path = open_place / "own.yaml"
    path.write_text(yaml.safe_dump(rasters_archive(open_place / "in", scenes=1, side=128)))
    return path


@pytest.fixture(scope="module")
def dataset(recipe: Path, open_place: Path) -> Path:
    out = open_place / "own"
    assert cli_here("run", recipe, "-o", out, "--quiet").returncode == 0
    return out


@contextmanager
def nobody() -> Iterator[None]:
    """As a user whom permissions hold for: root has none to lack."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def told(*arguments: object, code: int = 2) -> str:
    done = cli_here(*arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert ".tmp" not in line
    return line.removeprefix("error: ")


def test_a_folder_without_permission_to_write(recipe: Path, dataset: Path, open_place: Path) -> None:
    ro = open_place / "ro"
    ro.mkdir()
    ro.chmod(0o555)
    cli_here("show", dataset, "nothing", "-o", open_place / "x.png")  # loads what a user without rights may not read
    cli_here("export", dataset, "--to", "coco", "-o", open_place / "coco", "-q")
    cli_here("stats", dataset, "-q")
    cli_here("scan", "rasters", open_place / "in", "-o", open_place / "s.parquet", "--set", FRAMES, "-q")
    no = f"{ro}: no permission to write there; choose another place for "
    with nobody():
        assert told("export", dataset, "--to", "coco", "-o", ro / "c") == no + "-o"
        assert told("stats", dataset, "--html", ro / "s.html") == no + "--html"
        assert told("run", recipe, "-o", ro / "ds") == no + "-o"
        assert told("show", dataset, "nothing", f"--out={ro / 's.png'}") == no + "--out"
        assert told("scan", "rasters", open_place / "in", "-o", ro / "s.parquet", "--set", FRAMES) == no + "-o"
        assert told("world", ro / "world") == no.removesuffix(" for ")
    assert not list(ro.iterdir())


def test_a_source_without_permission_to_read(recipe: Path, dataset: Path, open_place: Path) -> None:
    root = open_place / "closed"
    shutil.copytree(open_place / "in", root)
    root.chmod(0)
    (open_place / "out").mkdir()
    (open_place / "out").chmod(0o777)
    with nobody():
        line = told("run", recipe, "-o", open_place / "out", "--set", f"source.root={root}", "-q")
    assert line == f"{root}: no permission to read it"


def test_places_where_nothing_can_be_made(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    proc = Path("/proc/self")
    if proc.is_dir():
        assert re.match(r"/proc: no.*; choose another place for -o$", told("run", recipe, "-o", "/proc/x"))
        assert re.match(r"/proc: no.*for --html$", told("stats", dataset, "--html", "/proc/s.html"))
    file = tmp_path / "file"
    file.touch()
    assert told("run", recipe, "-o", file) == f"{file}: is a file; give a folder"
    assert told("export", dataset, "--to", "coco", "-o", file / "coco").startswith(f"{file}: is a file, not a folder;")
    assert told("stats", dataset, "--html", file / "s.html").startswith(f"{file}: is a file, not a folder;")
    long = tmp_path / ("a" * 300)
    for line in (told("export", dataset, "--to", "coco", "-o", long), told("stats", dataset, "--html", long)):
        assert line == f"{long}: the name is too long for this file system; choose another place for {line.split()[-1]}"


def test_a_folder_where_a_file_is_wanted(dataset: Path, open_place: Path) -> None:
    for force in ((), ("--force",)):
        scan = ("scan", "rasters", open_place / "in", "-o", dataset, "--set", FRAMES, *force)
        assert told(*scan) == f"{dataset}: is a folder; give a file, such as {dataset}/scenes.parquet"
        assert told("stats", dataset, "--html", dataset, *force).endswith(f"such as {dataset}/stats.html")
        assert told("show", dataset, "nothing", "-o", dataset, *force).endswith(f"such as {dataset}/sample.png")
    assert cli_here("verify", dataset, "-q").returncode == 0


def test_a_read_only_file_system(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("a file system cannot be mounted here (needs root)")
    try:
        line = f"{place}: the file system is read-only; choose another place for -o"
        assert told("run", recipe, "-o", place / "out") == line
        assert told("export", dataset, "--to", "geo", "-o", place / "out") == line
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_what_is_refused_later_is_told_without_temporary_names(tmp_path: Path) -> None:
    """Arrow names the file in its words only; parts of an export lie in a temporary folder."""
    import pyarrow.parquet as pq

    with pytest.raises(OSError) as lost:
        pq.ParquetWriter(tmp_path / "absent" / ".part.parquet.12.tmp", _schema())
    assert refused(lost.value) == (f"{tmp_path}/absent/part.parquet: no such file or folder", 2)
    full = OSError(28, "No space left on device", str(tmp_path / ".coco.7.tmp" / "images" / "a.png"))
    line, code = refused(full)
    assert line.startswith(f"{tmp_path}/coco/images/a.png: No space left on device; make room")
    assert code == 1


def _schema() -> object:
    import pyarrow as pa

    return pa.schema([("a", pa.int64())])
