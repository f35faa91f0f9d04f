"""One writer at a time, for one purpose; a manifest is there only while all parts are what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from terra_cot.errors import ConflictError, DataError
from terra_cot.store.shards import SAMPLES, TILES, Part
from terra_cot.store.workspace import Marker, Markers, Workspace, purpose

RECIPE = {"name": "a", "tile": {"size_px": 64}}


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with Workspace(tmp_path / "d", RECIPE), pytest.raises(ConflictError, match="another run"):
        Workspace(tmp_path / "d", RECIPE).__enter__()
    with Workspace(tmp_path / "d", RECIPE):
        pass  # the lock goes with its holder


def marked(folder: Path) -> Markers:
    markers = Markers(folder)
    (folder / "tiles").mkdir(parents=True, exist_ok=True)
    (folder / "tiles" / "part-00000.parquet").write_bytes(b"12345")
    markers.mark(TILES, 0, Marker("print", Part("tiles/part-00000.parquet", 2, 5, "sum"), {"split": {"train": 2}}, []))
    return markers


def test_another_recipe_is_refused_once_parts_are_there(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    other = {"name": "a", "tile": {"size_px": 32}}
    with Workspace(folder, RECIPE):
        pass
    with Workspace(folder, other):
        pass  # nothing was made: a recipe that failed may be corrected
    marked(folder)
    with pytest.raises(ConflictError, match=r"tile\.size_px: there 32, here 64"):
        Workspace(folder, RECIPE).__enter__()
    with Workspace(folder, RECIPE, force=True):
        assert not (folder / "tiles").exists()
        assert purpose(folder) == RECIPE
    assert Markers(folder).all(TILES) == []


def test_what_is_no_dataset_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ConflictError, match=r"thesis\.tex"):
        Workspace(tmp_path, RECIPE).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with Workspace(tmp_path, RECIPE, force=True):
        assert (tmp_path / "thesis.tex").read_text() == "years of work"
    with pytest.raises(ConflictError, match="is a file"):
        Workspace(tmp_path / "thesis.tex", RECIPE).__enter__()


def test_a_part_is_kept_while_it_is_what_its_marker_says(tmp_path: Path) -> None:
    markers = marked(tmp_path)
    path = tmp_path / "tiles" / "part-00000.parquet"
    found = markers.marker(TILES, 0, "print")
    assert found is not None
    assert found.counts == {"split": {"train": 2}}
    assert markers.marker(TILES, 0, "another print") is None
    assert markers.marker(TILES, 1, "print") is None
    assert markers.marker(SAMPLES, 0, "print") is None
    path.write_bytes(b"1234")
    assert markers.marker(TILES, 0, "print") is None
    path.unlink()
    assert markers.marker(TILES, 0, "print") is None
    markers.hidden.joinpath("tiles-00000.json").write_text("{half")
    assert markers.marker(TILES, 0, "print") is None


def test_the_manifest_goes_before_a_part_changes(tmp_path: Path) -> None:
    """A folder that has a manifest is finished, whenever the writer was killed."""
    markers = marked(tmp_path)
    markers.mark_tiled()
    (tmp_path / "manifest.json").write_text("{}")
    markers.begin(SAMPLES)
    assert not (tmp_path / "manifest.json").exists()
    assert markers.tiled()
    markers.begin(TILES)
    assert not markers.tiled()


def test_parts_that_the_plan_no_longer_has_go(tmp_path: Path) -> None:
    markers = marked(tmp_path)
    for number in (1, 2):
        (tmp_path / "tiles" / f"part-{number:05d}.parquet").write_bytes(b"x")
        markers.mark(TILES, number, Marker("p", Part(f"tiles/part-{number:05d}.parquet", 1, 1, "")))
    (tmp_path / "tiles" / "part-notes.parquet").write_bytes(b"someone's own")
    markers.remove_parts_from(TILES, 1)
    assert sorted(path.name for path in (tmp_path / "tiles").iterdir()) == ["part-00000.parquet", "part-notes.parquet"]
    assert len(markers.all(TILES)) == 1


def test_leftovers_of_killed_writers_are_swept(tmp_path: Path) -> None:
    marked(tmp_path / "d")
    leftover = tmp_path / "d" / "tiles" / ".part-00001.parquet.123.tmp"
    leftover.write_bytes(b"half")
    with Workspace(tmp_path / "d", RECIPE):
        assert not leftover.exists()
        assert (tmp_path / "d" / "tiles" / "part-00000.parquet").exists()


def test_a_folder_without_a_purpose_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no dataset in the making"):
        purpose(tmp_path)


def test_what_a_killed_writer_left_half_written_is_swept_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    with Workspace(folder, RECIPE):
        pass
    (folder / "tiles").mkdir()
    ours = [
        folder / ".manifest.json.17.tmp",
        folder / ".README.md.17.tmp",
        folder / "tiles" / ".part-00000.parquet.17.tmp",
    ]
    theirs = folder / ".notes.tmp"
    for path in (*ours, theirs):
        path.write_text("half")
    with Workspace(folder, RECIPE):
        pass
    assert not any(path.exists() for path in ours)
    assert theirs.exists()
